"""kill -9 at random moments during acknowledged revocations: none lost, none spurious, every version verifies."""

import http.client
import os
import random
import threading
import time
import urllib.error
from concurrent.futures import ThreadPoolExecutor

import pytest

from statuslist.formats.forms import FORM_NAMES
from tests.process import ROOT, Server
from tests.slow.published import published, set_bits
from tests.slow.watcher import watching

pytestmark = pytest.mark.slow

CRASHES = int(os.environ.get("TOUCHSTONE_CRASHES", "20"))
REVOCATIONS = 2_000
SPARE = 500
CLIENTS = 8
NOT_ANSWERED = (urllib.error.URLError, ConnectionError, TimeoutError, http.client.HTTPException)
UPTIME_SECONDS = (0.02, 0.3)  # between "ready" and the kill


class Revokers:
    """
    Clients that revoke every index once; an unknown outcome is retried with the same key.

    They pause for `pause` seconds after each, so that the work lasts as long as the crashes do.
    """

    def __init__(self, server: Server, indexes: list[str], *, pause: float) -> None:
        self._server = server
        self._waiting = list(indexes)
        self._pause = pause
        self._lock = threading.Lock()
        self.acknowledged: set[int] = set()
        self.errors: list[str] = []
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(CLIENTS)]

    def start(self) -> None:
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
                index = self._waiting.pop()
            self._revoke(index)
            time.sleep(self._pause)

    def _revoke(self, index: str) -> None:
        change = {"statusListIndex": index, "statusPurpose": "revocation", "status": 1}
        while True:
            try:
                self._server.operator(
                    "/crash/statuses", {"changes": [change]}, key=f"revoke-{index}", timeout=5
                )
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    self.errors.append(f"{index}: {error.code}")
                    return
            except NOT_ANSWERED:
                pass  # Unknown: asked again below.
            else:
                with self._lock:
                    self.acknowledged.add(int(index))
                return
            time.sleep(0.02)


def _prepared(server: Server, count: int) -> list[str]:
    server.initialise()
    server.start()
    server.operator("", {"id": "crash", "issuerId": "default", "purposes": ["revocation"]})
    allocated = server.operator("/crash/allocations", {"count": count})
    time.sleep(1)  # A new list is published within a second, like every change.
    return [entry["credentialStatus"][0]["statusListIndex"] for entry in allocated["entries"]]


def _revoke_through_crashes(server: Server, indexes: list[str], crashes: int) -> tuple[Revokers, list[float]]:
    """Revoke `indexes` while the server is killed `crashes` times; return who did, and the restart times."""
    # Twice as much work as there is time, so that every kill falls into it.
    pause = 2 * crashes * sum(UPTIME_SECONDS) / 2 * CLIENTS / len(indexes)
    revokers, restarts = Revokers(server, indexes, pause=pause), []
    revokers.start()
    for _ in range(crashes):
        time.sleep(random.uniform(*UPTIME_SECONDS))
        assert not revokers.is_done, "the work was over before the kills were"
        server.kill()
        restarts.append(server.start())
    revokers.join()
    time.sleep(1)  # As long as a publication may take.
    return revokers, restarts


def _statuses(server: Server, indexes: list[str]) -> set[int]:
    """Return which statuses there are among the rows of `indexes`."""

    def status(index: str) -> int:
        return int(server.operator(f"/crash/statuses/{index}")["statuses"][0]["status"])

    with ThreadPoolExecutor(CLIENTS) as pool:
        return set(pool.map(status, indexes))


def test_no_acknowledged_revocation_is_lost_and_none_appears(server: Server) -> None:
    indexes = _prepared(server, REVOCATIONS + SPARE)
    revoked, untouched = indexes[:REVOCATIONS], indexes[REVOCATIONS:]
    with watching([server]) as watch:
        revokers, restarts = _revoke_through_crashes(server, revoked, CRASHES)
    shown = {url.rpartition("/")[2]: said.revoked for url, said in watch.last.items()}
    print(
        f"\n{len(restarts)} kills, {len(revokers.acknowledged)} acknowledged revocations, "
        f"{len(watch.versions['crash'])} versions verified, worst restart {max(restarts):.2f} s"
    )

    assert revokers.errors == []
    assert revokers.acknowledged == {int(index) for index in revoked}
    assert shown == dict.fromkeys(FORM_NAMES, revokers.acknowledged)
    assert _statuses(server, revoked) == {1}
    assert _statuses(server, untouched) == {0}


def test_the_harness_catches_an_engine_that_acknowledges_before_the_commit(server: Server) -> None:
    """The control: under the same harness such an engine loses acknowledged revocations, and we see it."""
    indexes = _prepared(server, 400)
    server.terminate()
    server.command = (str(ROOT / "tests/slow/early_acknowledgement.py"),)
    server.start()
    revokers, restarts = _revoke_through_crashes(server, indexes, 8)
    lost = revokers.acknowledged - set_bits(published(server, "crash-revocation"))
    print(
        f"\ncontrol: {len(restarts)} kills, {len(revokers.acknowledged)} acknowledged, {len(lost)} of them lost"
    )

    assert lost
