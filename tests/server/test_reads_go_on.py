"""Over two workers, what a client has seen of a list or of the registry is not absent from any later answer."""

import json
import time
import urllib.request
from pathlib import Path

import pytest

from storage import open_database
from tests.actors import ADA
from tests.process import Server
from tests.registry.examples import EDU, UNI, a_grant, a_registry, as_file
from tests.registry.wing import Wing
from tests.slow.published import published, set_bits

pytestmark = pytest.mark.slow

IMPORTS = 24
REVOKED = [{"state": "revoked", "since": "2025-01-01T00:00:00Z"}]

REVOCATIONS = 40
LOOKS = 12  # after a change was seen; each on a connection of its own, hence at whichever worker takes it


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


@pytest.mark.anyio
async def test_an_import_that_was_seen_is_not_absent_again(tmp_path: Path) -> None:
    server = Server(tmp_path, workers=2, RATE_CPU_PER_SECOND="100000")
    server.initialise()
    database = open_database(f"sqlite:///{tmp_path}/var/touchstone.db")
    try:
        importer = Wing(database, time.time)
        await importer.import_file(ADA, as_file(a_registry()))
        server.start()
        absent = await _import(importer, server)
        assert server.terminate() == 0
    finally:
        server.kill()
        database.close()

    assert absent == 0


async def _import(importer: Wing, server: Server) -> int:
    """
    Correct that the grant was revoked, and was not, in turns; return how often what was seen was absent later.
    """
    for wakeup in (server.directory / "var/run").glob("*.sock"):
        wakeup.unlink()  # So that each worker finds out by itself, at a time of its own.
    absent = 0
    for number in range(IMPORTS):
        wanted = bool(number % 2)
        registry = a_registry() if wanted else a_registry(authorizations=[a_grant(history=REVOKED)])
        await importer.import_file(ADA, as_file(registry), corrects=True)
        while _is_authorized(server) != wanted:
            pass
        absent += sum(_is_authorized(server) != wanted for _ in range(LOOKS))
    return absent


def _is_authorized(server: Server) -> bool:
    question = {
        "entity_id": UNI,
        "authority_id": EDU,
        "action": "issue",
        "resource": "Degree",
        "context": {"time": "2026-01-01T00:00:00Z"},
    }
    request = urllib.request.Request(
        f"{server.url}/trqp/authorization",
        data=json.dumps(question).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bool(json.load(answer)["authorized"])
