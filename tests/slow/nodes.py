"""Several nodes of one deployment, and readers that look at them all the time."""

import contextlib
import http.client
import itertools
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from statuslist.formats.bitstring import expand_list
from tests.process import Server
from wire import read

CLOSED = (urllib.error.URLError, ConnectionError, http.client.HTTPException)


@contextlib.contextmanager
def nodes_on(
    database_url: str, directory: Path, count: int = 3, workers: int = 1, **settings: str
) -> Iterator[list[Server]]:
    """Run nodes of one deployment: one database, one public URL, the same keys."""
    first = Server(directory, workers=workers, database_url=database_url, **settings)
    others = [
        Server(directory, workers=workers, database_url=database_url, public_url=first.url, **settings)
        for _ in range(count - 1)
    ]
    nodes = [first, *others]
    first.initialise("--sample")
    try:
        for node in nodes:
            node.start()
        yield nodes
    finally:
        for node in nodes:
            node.kill()


class Reader:
    """Reads one node's list all the time; remembers every version that it served, and since when."""

    def __init__(self, node: Server, path: str, pause: float = 0.01) -> None:
        self._node, self._path, self._pause = node, path, pause
        self._stop = threading.Event()
        self.bodies: list[bytes] = []
        self.seen: list[tuple[float, int]] = []
        self.failures: list[str] = []
        self.answers = 0
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        self._stop.set()
        self._thread.join()

    def shown_at(self, index: int) -> float:
        """Return since when this node shows the bit."""
        bit = 1 << (131_071 - index)
        return next(at for at, bits in self.seen if bits & bit)

    def _work(self) -> None:
        etag = ""
        while not self._stop.is_set():
            request = urllib.request.Request(f"{self._node.url}{self._path}", headers={"If-None-Match": etag})
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    body, etag = answer.read(), answer.headers["ETag"]
                self.bodies.append(body)
                self.seen.append((time.monotonic(), _bits(body)))
            except urllib.error.HTTPError as error:
                if error.code != 304:
                    self.failures.append(f"HTTP {error.code}")
            except OSError as error:
                self.failures.append(repr(error))
            self.answers += 1
            time.sleep(self._pause)


def _bits(body: bytes) -> int:
    encoded = read(body, max_bytes=1_000_000)["credentialSubject"]["encodedList"]
    return int.from_bytes(expand_list(encoded, max_bytes=1_000_000), "big")


class Balancer:
    """What a load balancer does: asks one node after another; a closed door is no failure, an error is."""

    def __init__(self, nodes: list[Server]) -> None:
        self._nodes = nodes
        self._turn = itertools.count()

    def ask(self, path: str, body: Any = None, key: str | None = None) -> Any:
        first = next(self._turn)
        for attempt in range(5 * len(self._nodes)):
            node = self._nodes[(first + attempt) % len(self._nodes)]
            try:
                return node.operator(path, body, key=key) if body else node.get(path)
            except urllib.error.HTTPError:
                raise
            except CLOSED:
                time.sleep(0.01 * (attempt // len(self._nodes)))
        raise AssertionError("no node answered")


class Load:
    """Readers and writers through the balancer until `finish`."""

    def __init__(self, balancer: Balancer, set_id: str, indexes: list[str]) -> None:
        self._balancer, self._indexes = balancer, iter(indexes)
        self._set_id = set_id
        self._lock, self._stop = threading.Lock(), threading.Event()
        self.revoked: set[int] = set()
        self.reads = 0
        self.failures: list[str] = []
        self._threads = [
            threading.Thread(target=self._repeat, args=(work,), daemon=True)
            for work in [self._read, self._write] * 3
        ]
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, work: Any) -> None:
        while not self._stop.is_set():
            try:
                work()
            except Exception as error:
                self.failures.append(f"{work.__name__}: {error!r}")
            time.sleep(0.02)

    def _read(self) -> None:
        assert self._balancer.ask(f"/status-lists/{self._set_id}-revocation/credential.json")
        self.reads += 1

    def _write(self) -> None:
        with self._lock:
            index = next(self._indexes)
        change = {"statusListIndex": index, "statusPurpose": "revocation", "status": 1}
        self._balancer.ask(f"/{self._set_id}/statuses", {"changes": [change]}, key=f"r-{index}")
        self.revoked.add(int(index))
