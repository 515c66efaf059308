"""A database that release 0.2.0 made, with data, is taken over: nothing is lost, and what has to change changes."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from operators import Role
from server.database import MIGRATIONS
from server.services import Services
from statuslist.entries.requests import Allocate, ChangeStatuses, FindEntries, StatusChange
from statuslist.errors import NoTokenList
from statuslist.formats.bitstring import MAX_LIST_BYTES, expand_list, status_at
from statuslist.formats.bitstring_credential import read_status_list_credential
from statuslist.formats.forms import DATA_INTEGRITY, MAX_FORM_BYTES
from storage import migrate, read_sealed, verify_chain
from tests.actors import acting
from tests.databases import RULE_BROKEN, Place
from tests.server.old_release import restore, upgraded
from wire import read

pytestmark = pytest.mark.anyio

ROOT = acting("root", Role.ADMINISTRATOR)


@pytest.fixture
def old(place: Place) -> Place:
    restore(place)
    return place


def _set_in(services: Services, list_id: str) -> set[int]:
    published = services.status.publisher.lists.current(list_id)
    assert published is not None
    document: Any = read(published.forms[DATA_INTEGRITY].body, max_bytes=MAX_FORM_BYTES)
    bits = expand_list(read_status_list_credential(document).encoded_list, max_bytes=MAX_LIST_BYTES)
    return {index for index in range(131_072) if status_at(bits, index)}


def _rows(old: Place, table: str) -> int:
    return int(old.query(f"SELECT count(*) FROM {table}")[0][0])


async def test_its_lists_are_served_as_they_were_and_go_on(old: Place, tmp_path: Path) -> None:
    statuses = dict(old.query("SELECT purpose, entry_index FROM statuses WHERE set_id = 'badges'"))
    before = {row[0]: bytes(row[1]) for row in old.query("SELECT etag, body FROM artefacts")}
    async with upgraded(old, tmp_path) as services:
        served = services.status.publisher.lists.current("badges-suspension")
        assert served is not None
        suspended = _set_in(services, "badges-suspension")
        lifted = StatusChange(
            status_list_index=str(statuses["suspension"]), status_purpose="suspension", status=0
        )
        await services.status.sets.set_statuses(ROOT, "badges", ChangeStatuses(changes=(lifted,)))
        async with asyncio.timeout(5):
            while (await _version(services)) == served.version:
                await asyncio.sleep(0.05)
        after = _set_in(services, "badges-suspension")
        revoked = _set_in(services, "badges-revocation")

    assert served.version == 4
    assert before[served.forms[DATA_INTEGRITY].etag] == served.forms[DATA_INTEGRITY].body
    assert (suspended, after, revoked) == ({statuses["suspension"]}, set(), {statuses["revocation"]})


async def _version(services: Services) -> int:
    current = services.status.publisher.lists.current("badges-suspension")
    return current.version if current is not None else 0


async def test_entry_that_has_only_the_name_of_its_batch_is_found_and_revoked(
    old: Place, tmp_path: Path
) -> None:
    """Release 0.2 kept a reference for each call; many a caller took one entry a call, and so named each."""
    old.query("UPDATE status_sets SET next_number = 8 WHERE id = 'badges'")
    old.query(
        "INSERT INTO allocations (set_id, first_number, count, reference, actor, at)"
        " VALUES ('badges', 5, 3, 'batch 7', 'bootstrap', 1790000000000000)"
    )
    ((issuer,),) = old.query("SELECT issuer_id FROM status_sets WHERE id = 'badges'")
    async with upgraded(old, tmp_path) as services:
        sets = services.status.sets
        asked = [FindEntries(batch="batch 7", position=position, issuer_id=issuer) for position in range(4)]
        found = [(await sets.find(ROOT, one)).entries for one in asked]
        index = found[1][0].status_list_index
        revoked = StatusChange(status_list_index=index, status_purpose="revocation", status=1)
        await sets.set_statuses(ROOT, "badges", ChangeStatuses(changes=(revoked,)))
        named = Allocate(references=("student 4711",))
        with pytest.raises(NoTokenList):
            await sets.allocate(ROOT, "badges", Allocate(references=("student 4711",), format="dc+sd-jwt"))
        (allocated,) = (await sets.allocate(ROOT, "badges", named)).entries
        by_reference = (
            await sets.find(ROOT, FindEntries(reference="student 4711", issuer_id=issuer))
        ).entries

    assert [len(entries) for entries in found] == [1, 1, 1, 0]
    assert len({entries[0].status_list_index for entries in found[:3]}) == 3
    assert [entry.status_list_index for entry in by_reference] == [allocated.status_list_index]
    assert old.query(f"SELECT value FROM statuses WHERE entry_index = {index}") == [(1,)]
    (key,) = tmp_path.rglob("references.key")
    assert key.stat().st_mode & 0o777 == 0o600


async def test_superseded_versions_let_their_bytes_go_and_stay_known(old: Place, tmp_path: Path) -> None:
    versions = old.query("SELECT DISTINCT list_id, version FROM artefacts")
    published = set(old.query("SELECT id, published_version FROM status_lists"))
    async with upgraded(old, tmp_path), asyncio.timeout(5):
        while _rows(old, "artefacts"):
            await asyncio.sleep(0.05)

    assert len(versions) > len(published)
    assert set(old.query("SELECT list_id, version FROM list_forms")) == published
    assert set(old.query("SELECT DISTINCT list_id, version FROM served_forms")) == set(versions)
    with pytest.raises(RULE_BROKEN):
        old.query("DELETE FROM served_forms")


async def test_key_changes_that_nobody_acknowledged_are_alarms(old: Place, tmp_path: Path) -> None:
    async with upgraded(old, tmp_path) as services:
        await services.operators.alarms.step()
        (alarm,) = (await services.operators.alarms.page(ROOT)).alarms

    assert (alarm.kind, alarm.subject) == ("key-change", "did:web:uni.example")
    assert _rows(old, "key_change_alarms") == 2


async def test_every_row_is_still_there_and_the_audit_chain_holds(old: Place, tmp_path: Path) -> None:
    tables = ("issuers", "principals", "api_keys", "status_sets", "allocations", "statuses", "status_events")
    more = ("observations", "observed_documents", "registry_facts", "idempotency")
    before = {table: _rows(old, table) for table in (*tables, *more)}
    audited = old.query("SELECT id, actor, action, subject, detail, at FROM audit ORDER BY id")
    async with upgraded(old, tmp_path) as services:
        sealed = await services.database.read(read_sealed)

    audited_now = old.query("SELECT id, actor, action, subject, detail, at FROM audit ORDER BY id")
    assert {table: _rows(old, table) for table in before} == before
    assert audited_now[: len(audited)] == audited
    assert {row[1] for row in audited_now[len(audited) :]} <= {"touchstone-upkeep"}  # Spare keys are made.
    assert len(sealed) >= len(audited)
    assert verify_chain(sealed) == sealed[-1].digest


async def test_until_when_the_key_of_each_issuer_has_signed_is_known(old: Place) -> None:
    """So that a key stays in the DID document as long as what it signed before the upgrade is valid."""
    ends = dict(
        old.query(
            "SELECT s.issuer_id, max(a.valid_until) FROM artefacts a JOIN status_lists l ON l.id = a.list_id"
            " JOIN status_sets s ON s.id = l.set_id GROUP BY s.issuer_id"
        )
    )
    database = old.open()
    await migrate(database, MIGRATIONS)
    database.close()

    assert len(ends) == 2
    assert dict(old.query("SELECT issuer_id, signed_until FROM issuer_keys")) == ends


async def test_a_second_start_changes_nothing(old: Place, tmp_path: Path) -> None:
    async with upgraded(old, tmp_path):
        pass
    steps = old.query("SELECT room, number, applied_at FROM migrations ORDER BY room, number")
    async with upgraded(old, tmp_path):
        pass

    assert old.query("SELECT room, number, applied_at FROM migrations ORDER BY room, number") == steps
