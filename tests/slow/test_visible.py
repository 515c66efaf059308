"""How soon after its acknowledgement a revocation is to be seen in the published list."""

import statistics
import time

import pytest

from tests.process import Server
from tests.slow.published import published, set_bits
from tests.slow.watcher import watching

pytestmark = pytest.mark.slow


def test_a_revocation_is_visible_within_one_second_of_its_acknowledgement(server: Server) -> None:
    server.initialise()
    server.start()
    server.operator("", {"id": "seen", "issuerId": "default", "purposes": ["revocation"]})
    allocated = server.operator("/seen/allocations", {"count": 50})
    time.sleep(1)  # A new list is published within a second, like every change.
    delays = []
    with watching([server]):
        for entry in allocated["entries"]:
            index = entry["credentialStatus"][0]["statusListIndex"]
            change = {"statusListIndex": index, "statusPurpose": "revocation", "status": 1}
            server.operator("/seen/statuses", {"changes": [change]})
            acknowledged = time.monotonic()
            while int(index) not in set_bits(published(server, "seen-revocation")):
                assert time.monotonic() - acknowledged < 10
                time.sleep(0.005)
            delays.append(time.monotonic() - acknowledged)
    server.terminate()
    print(
        f"\nvisible after {statistics.median(delays) * 1000:.0f} ms (median), {max(delays) * 1000:.0f} ms (worst)"
    )

    assert max(delays) < 1
