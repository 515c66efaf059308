"""A hundred clients at once, over HTTP: no index twice, no lost update, no error."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.process import Server
from tests.slow.published import published, set_bits
from tests.slow.watcher import watching

pytestmark = pytest.mark.slow

CLIENTS = 100
ROUNDS = 5


def _allocate_and_revoke(server: Server, client: int) -> tuple[list[int], set[int]]:
    """One client: allocate, revoke every other one; returns what it got and what it revoked."""
    got, revoked = [], set()
    for round_number in range(ROUNDS):
        answer = server.operator(
            "/busy/allocations", {"count": 2}, key=f"a-{client}-{round_number}", timeout=60
        )
        indexes = [entry["credentialStatus"][0]["statusListIndex"] for entry in answer["entries"]]
        change = {"statusListIndex": indexes[0], "statusPurpose": "revocation", "status": 1}
        server.operator("/busy/statuses", {"changes": [change]}, key=f"r-{client}-{round_number}", timeout=60)
        got += [int(index) for index in indexes]
        revoked.add(int(indexes[0]))
    return got, revoked


def test_a_hundred_clients_get_no_index_twice_and_lose_no_update(server: Server) -> None:
    server.initialise()
    server.start()
    server.operator("", {"id": "busy", "issuerId": "default", "purposes": ["revocation"]})
    with watching([server]):
        with ThreadPoolExecutor(CLIENTS) as pool:
            results = list(pool.map(lambda client: _allocate_and_revoke(server, client), range(CLIENTS)))
        time.sleep(1)
    shown = set_bits(published(server, "busy-revocation"))
    server.terminate()
    allocated = [index for got, _ in results for index in got]

    assert len(allocated) == CLIENTS * ROUNDS * 2
    assert len(set(allocated)) == len(allocated)
    assert shown == {index for _, revoked in results for index in revoked}
