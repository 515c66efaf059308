"""A registry on a real server: filled with entities that may all do one thing, suspended one by one, and asked."""

import http.client
import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any

from tests.process import Server

NOT_ANSWERED = (urllib.error.URLError, ConnectionError, TimeoutError, http.client.HTTPException)
AUTHORITY = "did:web:authority.example"


def entity(number: int) -> str:
    return f"did:web:entity-{number}.example"


def prepare(server: Server, count: int) -> None:
    """Import a registry in which `count` entities may issue degrees; let Fay suspend them in an emergency."""
    for command in (
        ("principal", "add", "fay", "--person", "--address", "fay@example.com"),
        ("key", "create", "fay", "--file", "fay.key"),
        ("principal", "grant", "fay", "--role", "break-glass"),
    ):
        subprocess.run(
            [sys.executable, "-m", "server", *command],
            cwd=server.directory,
            env=server.environment | {"TOUCHSTONE_OPERATOR_URL": server.operator_url},
            check=True,
            capture_output=True,
        )
    definition = {"action": "issue", "resource": "Degree"}
    registry = {
        "version": 1,
        "authorities": [
            {
                "id": AUTHORITY,
                "names": {"en": "Authority"},
                "governance_framework": "https://authority.example/rules",
                "defines": [definition],
            }
        ],
        "entities": [{"id": entity(number), "names": {"en": f"Entity {number}"}} for number in range(count)],
        "authorizations": [
            {"authority_id": AUTHORITY, "entity_id": entity(number), "valid_from": "2024-01-01T00:00:00Z"}
            | definition
            for number in range(count)
        ],
        "recognitions": [],
    }
    operate(server, "", registry, by=server.operator_key, method="PUT")


def operate(server: Server, path: str, body: Any, *, by: str, key: str = "", method: str = "POST") -> Any:
    """Send an operator's request about the registry; return the JSON of the answer."""
    headers = {"Authorization": f"Bearer {by}", "Content-Type": "application/json"}
    request = urllib.request.Request(
        f"{server.operator_url}/operator/registry{path}",
        data=json.dumps(body).encode(),
        headers=headers | ({"Idempotency-Key": key} if key else {}),
        method=method,
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def suspend(server: Server, number: int) -> None:
    """Suspend all that an entity may do; to be repeated where nobody answers."""
    wanted, fay = (
        {"entity": entity(number), "reason": "audit"},
        (server.directory / "fay.key").read_text().strip(),
    )
    operate(server, "/suspensions", wanted, by=fay, key=f"suspend-{number}")


def statuses(server: Server, numbers: list[int]) -> list[str]:
    """Ask one process about entities; return the status of each authorization, such as "active"."""
    queries = [
        {"entity_id": entity(n), "authority_id": AUTHORITY, "action": "issue", "resource": "Degree"}
        for n in numbers
    ]
    request = urllib.request.Request(
        f"{server.url}/trqp/authorization/batch",
        data=json.dumps({"queries": queries}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return [str(each["answer"]["status"]) for each in json.load(answer)["results"]]


class Suspenders:
    """
    Clients that suspend every entity once; an unknown outcome is tried again with the same key.

    Attributes:
        acknowledged: when each was, in monotonic seconds.
    """

    def __init__(self, server: Server, numbers: list[int], *, clients: int, pause: float) -> None:
        self._server = server
        self._waiting = list(numbers)
        self._pause = pause
        self._lock = threading.Lock()
        self.acknowledged: dict[int, float] = {}
        self.errors: list[str] = []
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    @property
    def is_done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    return
                number = self._waiting.pop()
            self._suspend(number)
            time.sleep(self._pause)

    def _suspend(self, number: int) -> None:
        while True:
            try:
                suspend(self._server, number)
            except urllib.error.HTTPError as error:
                if error.code not in (409, 503):  # 409: others changed the registry again and again.
                    self.errors.append(f"{number}: {error.code} {error.read()!r}")
                    return
            except NOT_ANSWERED:
                pass  # Unknown: asked again below.
            else:
                self.acknowledged[number] = time.monotonic()
                return
            time.sleep(0.05)


class Asker:
    """Asks all the time, a new connection each; tells of what was suspended long enough ago and reads as active."""

    def __init__(self, server: Server, suspenders: Suspenders, *, within: float) -> None:
        self._server = server
        self._suspenders = suspenders
        self._within = within
        self._stop = threading.Event()
        self.answers = 0
        self.failures: list[str] = []
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self._look()
            except urllib.error.HTTPError as error:
                self.failures.append(f"HTTP {error.code}")
            except NOT_ANSWERED:
                pass  # It is down for the moment.
            time.sleep(0.02)

    def _look(self) -> None:
        before = time.monotonic() - self._within
        known = [number for number, at in dict(self._suspenders.acknowledged).items() if at < before][-500:]
        if not known:
            return
        found = statuses(self._server, known)
        self.answers += len(found)
        self.failures += [f"{n}: {each}" for n, each in zip(known, found, strict=True) if each != "suspended"]
