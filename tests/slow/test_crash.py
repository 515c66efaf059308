"""kill -9 at random moments during acknowledged revocations: none lost, none spurious, every version verifies."""

import http.client
import os
import random
import threading
import time
import urllib.error

import pytest

from proofs import read_key_file, verify_compact, verify_proof
from statuslist.bitstring import expand_list
from tests.process import ROOT, Server
from wire import read

pytestmark = pytest.mark.slow

CRASHES = int(os.environ.get("TOUCHSTONE_CRASHES", "20"))
REVOCATIONS = 2_000
CLIENTS = 8
NOT_ANSWERED = (urllib.error.URLError, ConnectionError, TimeoutError, http.client.HTTPException)
LIST = "/status-lists/crash-revocation"


class Revokers:
    """Clients that revoke every index once; an unknown outcome is retried with the same key."""

    def __init__(self, server: Server, indexes: list[str], *, retry: bool) -> None:
        self._server = server
        self._waiting = list(indexes)
        self._retry = retry
        self._lock = threading.Lock()
        self.acknowledged: set[int] = set()
        self._threads = [threading.Thread(target=self._work) for _ in range(CLIENTS)]

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

    def _revoke(self, index: str) -> None:
        change = {"statusListIndex": index, "statusPurpose": "revocation", "status": 1}
        while True:
            try:
                self._server.operator(
                    "/crash/statuses", {"changes": [change]}, key=f"revoke-{index}", timeout=5
                )
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    raise
            except NOT_ANSWERED:
                if not self._retry:
                    return
            else:
                with self._lock:
                    self.acknowledged.add(int(index))
                return
            time.sleep(0.02)


class Reader:
    """Reads the published list all the time; verifies every version, and that no bit is ever cleared."""

    def __init__(self, server: Server) -> None:
        key_file = server.directory / "var/keys/key-1.pem"
        self._public_key = read_key_file(key_file).public_key()
        self._server = server
        self._seen: dict[bytes, int] = {}
        self._last = 0
        self._stop = threading.Event()
        self.failures: list[str] = []
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def finish(self) -> int:
        """Stop; return how many versions were seen."""
        self._stop.set()
        self._thread.join()
        return len(self._seen)

    def bits(self) -> int:
        """Return the published bits as an integer, after verifying the signed bytes of both forms."""
        body = self._server.get(f"{LIST}/credential.json", timeout=5)
        if body not in self._seen:
            document = read(body, max_bytes=1_000_000)
            verify_proof(document, self._public_key, now=time.time_ns() // 1_000)
            self._seen[body] = _bits_of(document["credentialSubject"]["encodedList"])
            token = self._server.get(f"{LIST}/credential.jwt", timeout=5)
            verify_compact(token, self._public_key)
        return self._seen[body]

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                bits = self.bits()
            except NOT_ANSWERED:
                time.sleep(0.02)
                continue
            if bits & self._last != self._last:
                self.failures.append("a revocation disappeared from the published list")
            self._last = bits
            time.sleep(0.03)


def _bits_of(encoded: str) -> int:
    return int.from_bytes(expand_list(encoded, max_bytes=1_000_000), "big")


def _mask(indexes: set[int], length: int = 131_072) -> int:
    return sum(1 << (length - 1 - index) for index in indexes)


def _prepared(server: Server, count: int) -> list[str]:
    server.initialise()
    server.start()
    server.operator("", {"id": "crash", "issuerId": "default", "purposes": ["revocation"]})
    allocated = server.operator("/crash/allocations", {"count": count})
    return [entry["credentialStatus"][0]["statusListIndex"] for entry in allocated["entries"]]


def test_no_acknowledged_revocation_is_lost_and_none_appears(server: Server) -> None:
    indexes = _prepared(server, REVOCATIONS + 500)
    revoked, untouched = indexes[:REVOCATIONS], indexes[REVOCATIONS:]
    reader = Reader(server)
    restarts: list[float] = []
    acknowledged: set[int] = set()
    batch = -(-REVOCATIONS // CRASHES)
    for start in range(0, REVOCATIONS, batch):
        # A share of the work for each crash, so that all of them fall into it.
        revokers = Revokers(server, revoked[start : start + batch], retry=True)
        revokers.start()
        time.sleep(random.uniform(0.001, 0.06))
        server.kill()
        restarts.append(server.start())
        revokers.join()
        acknowledged |= revokers.acknowledged
    time.sleep(1)
    published = reader.bits()
    versions = reader.finish()
    rows = [server.operator(f"/crash/statuses/{index}")["statuses"][0]["status"] for index in revoked[::20]]
    spare = [
        server.operator(f"/crash/statuses/{index}")["statuses"][0]["status"] for index in untouched[::20]
    ]
    server.terminate()
    print(
        f"\n{len(restarts)} kills, {len(acknowledged)} acknowledged revocations, {versions} versions verified, "
        f"worst restart {max(restarts):.2f} s"
    )

    assert len(restarts) >= CRASHES
    assert reader.failures == []
    assert acknowledged == {int(index) for index in revoked}
    assert published == _mask(acknowledged)
    assert set(rows) == {1}
    assert set(spare) == {0}


def test_the_harness_catches_an_engine_that_acknowledges_before_the_commit(server: Server) -> None:
    """The control: with acknowledgements before COMMIT the same kills lose revocations, and we see it."""
    indexes = _prepared(server, 400)
    server.terminate()
    server.command = (str(ROOT / "tests/slow/early_acknowledgement.py"),)
    server.start()
    acknowledged: set[int] = set()
    lost: set[int] = set()
    for start in range(0, 400, 50):
        revokers = Revokers(server, indexes[start : start + 50], retry=False)
        revokers.start()
        time.sleep(0.15)
        server.kill()
        revokers.join()
        server.start()
        acknowledged |= revokers.acknowledged
        time.sleep(0.5)
        bits = _bits_of(
            read(server.get(f"{LIST}/credential.json"), max_bytes=1_000_000)["credentialSubject"][
                "encodedList"
            ]
        )
        lost = {index for index in acknowledged if not bits & _mask({index})}
        if lost:
            break
    print(f"\ncontrol: {len(acknowledged)} acknowledged, {len(lost)} lost")

    assert lost
