"""Over two workers, what a client has seen of a status list is not absent from any later answer."""

import time
from pathlib import Path

import pytest

from tests.process import Server
from tests.slow.published import published, set_bits

pytestmark = pytest.mark.slow

REVOCATIONS = 40
LOOKS = 12  # after a revocation was seen; each on a connection of its own, hence at whichever worker takes it


@pytest.mark.parametrize("hot_protocol", ["true", "false"], ids=["protocol", "front"])
def test_a_revocation_that_was_seen_is_not_absent_again(tmp_path: Path, hot_protocol: str) -> None:
    server = Server(tmp_path, workers=2, HOT_PROTOCOL=hot_protocol)
    server.initialise()
    server.start()
    try:
        absent = _look(server)
        assert server.terminate() == 0
    finally:
        server.kill()

    assert absent == 0


def _look(server: Server) -> int:
    """Revoke one by one; return how often one that was seen was absent in a later look."""
    server.operator("", {"id": "seen", "issuerId": "default", "purposes": ["revocation"]})
    entries = server.operator("/seen/allocations", {"count": REVOCATIONS})["entries"]
    time.sleep(1)  # A new list is published within a second, like every change.
    absent = 0
    for entry in entries:
        index = int(entry["credentialStatus"][0]["statusListIndex"])
        change = {"statusListIndex": str(index), "statusPurpose": "revocation", "status": 1}
        server.operator("/seen/statuses", {"changes": [change]})
        while index not in set_bits(published(server, "seen-revocation")):
            pass
        absent += sum(index not in set_bits(published(server, "seen-revocation")) for _ in range(LOOKS))
    return absent
