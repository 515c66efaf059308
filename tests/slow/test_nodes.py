"""Three nodes on one PostgreSQL: what is revoked on one is seen on all within a second, in the same bytes."""

import hashlib
import statistics
import threading
import time
from pathlib import Path

import pytest

from tests.databases import PostgresPlace
from tests.postgres import Cluster
from tests.process import Server
from tests.slow.nodes import Reader, nodes_on
from tests.slow.test_watchdog import open_alarms
from tests.slow.watcher import watching

pytestmark = pytest.mark.slow

NODES = 3
REVOCATIONS = 1_000
CLIENTS = 4
LIST = "/status-lists/shared-revocation/credential.json"


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
    with nodes_on(place.url, tmp_path, NODES) as nodes, watching(nodes):
        nodes[0].operator("", {"id": "shared", "issuerId": "default", "purposes": ["revocation"]})
        entries = nodes[1].operator("/shared/allocations", {"count": REVOCATIONS})["entries"]
        indexes = [entry["credentialStatus"][0]["statusListIndex"] for entry in entries]
        time.sleep(1)
        readers = [Reader(node, LIST) for node in nodes]
        acknowledged = _revoke_all(nodes, indexes)
        time.sleep(1.5)
        for reader in readers:
            reader.finish()
        alarms = open_alarms(nodes[0])
    stored = place.query("SELECT version, digest FROM served_list_forms WHERE form = 'credential.json'")
    digests = {digest: version for version, digest in stored}
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
    assert alarms == set(), "none finds another's list in the mirror that they share"
    for reader in readers:
        assert reader.failures == []
        assert len(reader.bodies) > 10
        assert {hashlib.sha256(body).hexdigest() for body in reader.bodies} <= digests.keys()
