"""A hundred clients at once, over HTTP: no index twice, no lost update, no error; and how soon it is to be seen."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from statuslist.bitstring import expand_list
from tests.process import Server
from wire import read

pytestmark = pytest.mark.slow

CLIENTS = 100
ROUNDS = 5


def _published(server: Server, list_id: str) -> bytes:
    document = read(server.get(f"/status-lists/{list_id}/credential.json"), max_bytes=1_000_000)
    return expand_list(document["credentialSubject"]["encodedList"], max_bytes=1_000_000)


def _set_bits(bits: bytes) -> set[int]:
    return {
        8 * position + offset
        for position, byte in enumerate(bits)
        if byte
        for offset in range(8)
        if byte & (0x80 >> offset)
    }


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
    with ThreadPoolExecutor(CLIENTS) as pool:
        results = list(pool.map(lambda client: _allocate_and_revoke(server, client), range(CLIENTS)))
    time.sleep(1)
    published = _set_bits(_published(server, "busy-revocation"))
    server.terminate()
    allocated = [index for got, _ in results for index in got]

    assert len(allocated) == CLIENTS * ROUNDS * 2
    assert len(set(allocated)) == len(allocated)
    assert published == {index for _, revoked in results for index in revoked}


def test_a_revocation_is_visible_within_one_second_of_its_acknowledgement(server: Server) -> None:
    server.initialise()
    server.start()
    server.operator("", {"id": "seen", "issuerId": "default", "purposes": ["revocation"]})
    allocated = server.operator("/seen/allocations", {"count": 50})
    time.sleep(1)  # A new list is published within a second, like every change.
    delays = []
    for entry in allocated["entries"]:
        index = entry["credentialStatus"][0]["statusListIndex"]
        change = {"statusListIndex": index, "statusPurpose": "revocation", "status": 1}
        server.operator("/seen/statuses", {"changes": [change]})
        acknowledged = time.monotonic()
        while int(index) not in _set_bits(_published(server, "seen-revocation")):
            assert time.monotonic() - acknowledged < 10
            time.sleep(0.005)
        delays.append(time.monotonic() - acknowledged)
    server.terminate()
    print(
        f"\nvisible after {statistics.median(delays) * 1000:.0f} ms (median), {max(delays) * 1000:.0f} ms (worst)"
    )

    assert max(delays) < 1


def test_sigterm_fails_no_request_and_the_next_start_keeps_all_state(server: Server) -> None:
    server.initialise("--sample")
    server.start()
    before = server.operator("/sample")
    with ThreadPoolExecutor(8) as pool:
        keys = range(40)
        answers = [pool.submit(server.operator, "/sample/allocations", {}, key=f"k{key}") for key in keys]
        time.sleep(0.05)
        code = server.terminate()
        outcomes = [answer.exception() for answer in answers]
    seconds = server.start()
    after = server.operator("/sample")
    server.terminate()
    acknowledged = sum(outcome is None for outcome in outcomes)
    print(f"\n{acknowledged} of 40 answered before the door closed; the second start took {seconds:.2f} s")

    assert code == 0
    assert after["allocated"] == before["allocated"] + acknowledged
    assert {type(outcome).__name__ for outcome in outcomes if outcome is not None} <= {"URLError"}
    assert seconds < 2
