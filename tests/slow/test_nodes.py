"""Three nodes on one PostgreSQL: what is revoked on one is seen on all within a second, in the same bytes."""

import contextlib
import hashlib
import statistics
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from statuslist.bitstring import expand_list
from tests.databases import PostgresPlace
from tests.postgres import Cluster
from tests.process import Server
from wire import read

pytestmark = pytest.mark.slow

NODES = 3
REVOCATIONS = 1_000
CLIENTS = 4
LIST = "/status-lists/shared-revocation/credential.json"


@contextlib.contextmanager
def nodes_on(
    place: PostgresPlace, directory: Path, count: int = NODES, workers: int = 1
) -> Iterator[list[Server]]:
    """Run nodes of one deployment: one database, one public URL, the same keys."""
    nodes = [Server(directory, workers=workers, database_url=place.url)]
    nodes += [
        Server(directory, workers=workers, database_url=place.url, public_url=nodes[0].url)
        for _ in range(count - 1)
    ]
    nodes[0].initialise("--sample")
    try:
        for node in nodes:
            node.start()
        yield nodes
    finally:
        for node in nodes:
            node.kill()


class Reader:
    """Reads one node's list all the time; remembers every version that it served, and since when."""

    def __init__(self, node: Server, path: str = LIST) -> None:
        self._node, self._path = node, path
        self._stop = threading.Event()
        self.bodies: list[bytes] = []
        self.seen: list[tuple[float, int]] = []
        self.failures: list[str] = []
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
            time.sleep(0.01)


def _bits(body: bytes) -> int:
    encoded = read(body, max_bytes=1_000_000)["credentialSubject"]["encodedList"]
    return int.from_bytes(expand_list(encoded, max_bytes=1_000_000), "big")


def _revoke_all(nodes: list[Server], indexes: list[str]) -> dict[int, float]:
    """Revoke each index on one node after another; return when each was acknowledged."""
    acknowledged: dict[int, float] = {}

    def work(client: int) -> None:
        for number in range(client, len(indexes), CLIENTS):
            change = {"statusListIndex": indexes[number], "statusPurpose": "revocation", "status": 1}
            nodes[number % len(nodes)].operator("/shared/statuses", {"changes": [change]})
            acknowledged[int(indexes[number])] = time.monotonic()
            time.sleep(0.02)

    clients = [threading.Thread(target=work, args=(client,)) for client in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return acknowledged


def test_a_revocation_is_seen_on_every_node_within_a_second(postgres: Cluster, tmp_path: Path) -> None:
    place = PostgresPlace(postgres)
    with nodes_on(place, tmp_path) as nodes:
        nodes[0].operator("", {"id": "shared", "issuerId": "default", "purposes": ["revocation"]})
        entries = nodes[1].operator("/shared/allocations", {"count": REVOCATIONS})["entries"]
        indexes = [entry["credentialStatus"][0]["statusListIndex"] for entry in entries]
        time.sleep(1)
        readers = [Reader(node) for node in nodes]
        acknowledged = _revoke_all(nodes, indexes)
        time.sleep(1.5)
        for reader in readers:
            reader.finish()
    stored = place.query("SELECT version, body FROM artefacts WHERE form = 'credential.json'")
    digests = {hashlib.sha256(body).digest(): version for version, body in stored}
    delays = sorted(
        max(reader.shown_at(index) for reader in readers) - at for index, at in acknowledged.items()
    )
    p99 = delays[int(len(delays) * 0.99) - 1]
    print(
        f"\n{len(delays)} revocations on {NODES} nodes, seen on all after {statistics.median(delays) * 1000:.0f} ms"
        f" (median), {p99 * 1000:.0f} ms (p99), {delays[-1] * 1000:.0f} ms (worst); {len(digests)} versions"
    )

    assert len(acknowledged) == REVOCATIONS
    assert p99 < 1.0
    for reader in readers:
        assert reader.failures == []
        assert len(reader.bodies) > 10
        assert {hashlib.sha256(body).digest() for body in reader.bodies} <= digests.keys()
