"""References of entries: found, revoked and released by them; kept as HMACs under a key that is a file."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from statuslist.entries.references import ReferenceKey
from statuslist.entries.referring import begin_anew, key_faults, provide_key, provide_key_if_possible
from statuslist.entries.requests import (
    MAX_ALLOCATED_PER_CALL,
    Allocate,
    ChangeStatuses,
    FindEntries,
    NamedEntry,
    ReleaseEntries,
    StatusChange,
    read_allocation,
)
from statuslist.errors import (
    EntryInUse,
    EntryReleased,
    IrreversibleStatus,
    NotAllocated,
    ReferencesUnavailable,
    ReferenceTaken,
)
from storage import IdempotencyConflict
from tests.actors import acting
from tests.databases import SQL_ERRORS, Place
from tests.statuslist.wing import ACME, OTHER, READER, ROOT, Wing
from wire import Conflict, Forbidden, ResourceNotFound, encode

pytestmark = [pytest.mark.anyio, pytest.mark.slow_on_postgres]

STUDENT = "student 4711, Ada Example"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "references.key"


@pytest.fixture
async def wing(place: Place, key_file: Path) -> AsyncIterator[Wing]:
    """Return a wing with a set and the key of a database."""
    async with Wing.open(place, reference_key=ReferenceKey(key_file)) as opened:
        assert await provide_key(opened.database, ReferenceKey(key_file))
        await opened.create("badges", "revocation", "suspension")
        yield opened


async def allocate(
    wing: Wing,
    *references: str,
    set_id: str = "badges",
    entry_format: Any = "dc+sd-jwt",
    key: str | None = None,
) -> list[str]:
    wanted = Allocate(count=len(references), references=references, format=entry_format)
    allocated = await wing.sets.allocate(ROOT, set_id, wanted, idempotency_key=key)
    return [entry.status_list_index for entry in allocated.entries]


def change(reference: str, status: int = 1, purpose: str = "revocation") -> ChangeStatuses:
    one = {"reference": reference, "statusPurpose": purpose, "status": status}
    return msgspec.convert({"changes": [one]}, ChangeStatuses)


def release(**named: str) -> ReleaseEntries:
    return ReleaseEntries(entries=(NamedEntry(**named),))


async def found(wing: Wing, reference: str = STUDENT) -> list[tuple[str, str, str | None]]:
    entries = (await wing.sets.find(ACME, FindEntries(reference=reference))).entries
    return [(entry.set_id, entry.status_list_index, entry.format) for entry in entries]


async def test_each_entry_is_found_by_its_own_reference(wing: Wing) -> None:
    indexes = await allocate(wing, *(f"student {number}" for number in range(20)))

    assert [await found(wing, f"student {number}") for number in range(20)] == [
        [("badges", index, "dc+sd-jwt")] for index in indexes
    ]
    assert await found(wing, "student 20") == []


async def test_references_are_compared_byte_for_byte(wing: Wing) -> None:
    names = ("Zo\u00eb", "Zoe\u0308", "zo\u00eb", " Zo\u00eb")
    indexes = await allocate(wing, *names)

    assert [await found(wing, name) for name in names] == [
        [("badges", index, "dc+sd-jwt")] for index in indexes
    ]


async def test_as_many_references_of_a_hundred_bytes_fit_as_are_allowed() -> None:
    references = [f"{number:05}".ljust(100, "x") for number in range(MAX_ALLOCATED_PER_CALL)]
    body = encode({"count": len(references), "format": "dc+sd-jwt", "references": references})

    asked = read_allocation(body, "application/json")

    assert asked.references == tuple(references)


async def test_credential_in_two_formats_is_revoked_in_both_by_its_reference(wing: Wing) -> None:
    (token,) = await allocate(wing, STUDENT)
    (plain,) = await allocate(wing, STUDENT, entry_format="application/vc")
    (other,) = await allocate(wing, "somebody else")

    changed = await wing.sets.set_statuses(ROOT, "badges", change(STUDENT))

    shown = await wing.sets.find(ACME, FindEntries(reference=STUDENT))
    assert changed.changed == 2
    assert token != plain
    assert {entry.status_list_index for entry in shown.entries} == {token, plain}
    assert all(entry.statuses[0].status == 1 for entry in shown.entries)
    assert (await wing.sets.get_entry(ROOT, "badges", int(other))).statuses[0].status == 0


async def test_reference_stands_at_one_entry_of_a_set_and_format(wing: Wing) -> None:
    (first,) = await allocate(wing, STUDENT)
    with pytest.raises(ReferenceTaken) as raised:
        await allocate(wing, "somebody else", STUDENT)
    await wing.create("diplomas")
    (second,) = await allocate(wing, STUDENT, set_id="diplomas")

    assert raised.value.pointer == "/references/1"
    assert "the 2. of 2" in str(raised.value)
    assert STUDENT not in str(raised.value)
    assert (await wing.sets.get_set(ROOT, "badges")).allocated == 1
    assert await found(wing) == [("badges", first, "dc+sd-jwt"), ("diplomas", second, "dc+sd-jwt")]
    assert await found(wing, "somebody else") == []


async def test_two_calls_at_once_give_a_reference_to_one_entry(wing: Wing) -> None:
    outcomes = await asyncio.gather(*(allocate(wing, STUDENT) for _ in range(8)), return_exceptions=True)

    assert sum(isinstance(outcome, ReferenceTaken) for outcome in outcomes) == 7
    assert (await wing.sets.get_set(ROOT, "badges")).allocated == 1


async def test_replay_gets_the_same_entries_and_another_reference_is_a_conflict(wing: Wing) -> None:
    first = await allocate(wing, "one", "two", key="k")
    again = await allocate(wing, "one", "two", key="k")
    with pytest.raises(IdempotencyConflict):
        await allocate(wing, "two", "one", key="k")

    assert first == again
    assert await wing.count("entry_references") == 2


async def test_equal_references_of_two_issuers_have_nothing_in_common(wing: Wing) -> None:
    await wing.create("other", issuer_id="default")
    await allocate(wing, STUDENT)
    await allocate(wing, STUDENT, set_id="other")

    mine = await wing.sets.find(ROOT, FindEntries(reference=STUDENT, issuer_id="acme"))
    theirs = await wing.sets.find(OTHER, FindEntries(reference=STUDENT))

    assert [entry.set_id for entry in mine.entries] == ["badges"]
    assert [entry.set_id for entry in theirs.entries] == ["other"]
    assert wing.place.query("SELECT count(DISTINCT digest) FROM entry_references") == [(2,)]
    with pytest.raises(ResourceNotFound):
        await wing.sets.find(OTHER, FindEntries(reference=STUDENT, issuer_id="acme"))


async def test_no_table_has_a_reference_nor_a_plain_hash_of_it(wing: Wing) -> None:
    """Each table is read whole, after every call that takes a reference."""
    await allocate(wing, STUDENT, key="allocate")
    await wing.sets.set_statuses(ROOT, "badges", change(STUDENT, purpose="suspension"), idempotency_key="set")
    await wing.sets.set_statuses(
        ROOT, "badges", change(STUDENT, 0, purpose="suspension"), idempotency_key="lift"
    )
    await allocate(wing, f"{STUDENT}, once more", key="allocate-again")
    failed = release(reference=f"{STUDENT}, once more")
    await wing.sets.release(ROOT, "badges", failed, idempotency_key="release")
    unkeyed = await allocate(wing, STUDENT, key="allocate")

    tables = ("audit", "idempotency", "allocations", "entry_references", "status_events", "released_entries")
    rows = {table: repr(wing.place.query(f"SELECT * FROM {table}")) for table in tables}
    assert len(unkeyed) == 1
    assert all("student" not in text for text in rows.values())  # Times have any digits.
    assert rows["released_entries"] != "[]"
    assert len(wing.place.query("SELECT * FROM idempotency")) == 5
    remembered = {digest for (digest,) in wing.place.query("SELECT request_digest FROM idempotency")}

    guess = Allocate(references=(STUDENT,), format="dc+sd-jwt")  # What a guess would be hashed from.
    assert hashlib.sha256(encode(("allocate", "badges", guess))).hexdigest() not in remembered


async def test_audit_counts_references(wing: Wing) -> None:
    await allocate(wing, "one", "two")

    (detail,) = wing.place.query("SELECT detail FROM audit WHERE action = 'status_set.allocate'")
    assert msgspec.json.decode(detail[0])["references"] == 2


async def test_what_cannot_be_by_reference_is_refused_without_naming_it(wing: Wing) -> None:
    await allocate(wing, STUDENT)
    await wing.sets.set_statuses(ROOT, "badges", change(STUDENT))

    with pytest.raises(NotAllocated) as unknown:
        await wing.sets.set_statuses(ROOT, "badges", change("nobody 4711"))
    with pytest.raises(IrreversibleStatus) as final:
        await wing.sets.set_statuses(ROOT, "badges", change(STUDENT, 0))
    with pytest.raises(EntryInUse) as in_use:
        await wing.sets.release(ROOT, "badges", release(reference=STUDENT))
    for raised in (unknown, final, in_use):
        assert "4711" not in str(raised.value)
    with pytest.raises(ResourceNotFound):
        await wing.sets.set_statuses(OTHER, "badges", change(STUDENT))


async def test_batch_of_changes_by_reference_and_index_is_made_in_order(wing: Wing) -> None:
    (index,) = await allocate(wing, STUDENT)
    by_index = StatusChange(status_list_index=index, status_purpose="suspension", status=1)
    lifted = StatusChange(reference=STUDENT, status_purpose="suspension", status=0)

    changed = await wing.sets.set_statuses(
        ROOT, "badges", ChangeStatuses(changes=(by_index, lifted, by_index))
    )

    assert changed.changed == 3
    assert await wing.count("status_events") == 3
    assert (await wing.sets.get_entry(ROOT, "badges", int(index))).statuses[1].status == 1


# Release


async def test_released_entry_keeps_its_bit_and_refuses_every_status(wing: Wing) -> None:
    (index,) = await allocate(wing, STUDENT)
    await wing.publisher.publish_dirty()
    versions = wing.place.query("SELECT wanted_version FROM set_versions")

    released = await wing.sets.release(ROOT, "badges", release(status_list_index=index))
    again = await wing.sets.release(ROOT, "badges", release(status_list_index=index))
    by_reference = await wing.sets.release(ROOT, "badges", release(reference=STUDENT))

    assert (released.released, again.released, by_reference.released) == (1, 0, 0)
    for purpose in ("revocation", "suspension"):
        with pytest.raises(EntryReleased):
            await wing.change("badges", int(index), purpose, 1)
    with pytest.raises(EntryReleased):
        await wing.sets.set_statuses(ROOT, "badges", change(STUDENT))
    assert (await wing.sets.get_entry(ROOT, "badges", int(index))).is_released
    assert await wing.count("statuses") == await wing.count("status_events") == 0
    assert wing.place.query("SELECT wanted_version FROM set_versions") == versions


async def test_reference_of_a_failed_issuance_may_be_given_again_and_its_index_never_is(wing: Wing) -> None:
    (failed,) = await allocate(wing, STUDENT)
    await wing.sets.release(ROOT, "badges", release(reference=STUDENT))
    (second,) = await allocate(wing, STUDENT)
    changed = await wing.sets.set_statuses(ROOT, "badges", change(STUDENT))

    shown = (await wing.sets.find(ACME, FindEntries(reference=STUDENT))).entries
    assert failed != second
    assert changed.changed == 1
    assert {(entry.status_list_index, entry.is_released) for entry in shown} == {
        (failed, True),
        (second, False),
    }


async def test_batch_with_one_entry_in_use_releases_none(wing: Wing) -> None:
    indexes = await allocate(wing, "one", "two")
    await wing.change("badges", int(indexes[1]), "suspension", 1)
    both = ReleaseEntries(entries=tuple(NamedEntry(status_list_index=index) for index in indexes))

    with pytest.raises(EntryInUse):
        await wing.sets.release(ROOT, "badges", both)
    released = await wing.sets.release(ROOT, "badges", release(status_list_index=indexes[0]))

    assert released.released == 1


async def test_entry_that_was_suspended_once_is_never_released_and_stays_revocable(wing: Wing) -> None:
    """Whoever suspended it, and lifted that, has issued the credential."""
    (index,) = await allocate(wing, STUDENT)
    for status in (1, 0):
        await wing.change("badges", int(index), "suspension", status)

    with pytest.raises(EntryInUse, match="revoke it instead"):
        await wing.sets.release(ROOT, "badges", release(reference=STUDENT))
    await wing.revoke("badges", int(index))

    assert (await wing.sets.get_entry(ROOT, "badges", int(index))).statuses[0].status == 1


async def test_entry_that_nobody_got_is_not_released(wing: Wing) -> None:
    (index,) = await allocate(wing, STUDENT)

    with pytest.raises(NotAllocated):
        await wing.sets.release(ROOT, "badges", release(status_list_index=str((int(index) + 1) % 131_072)))
    with pytest.raises(NotAllocated):
        await wing.sets.release(ROOT, "badges", release(reference="nobody"))
    with pytest.raises(Forbidden):
        await wing.sets.release(READER, "badges", release(status_list_index=index))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entry_references",
        "UPDATE entry_references SET digest = ''",
        "UPDATE entry_references SET is_released = 0 WHERE is_released = 1",
        "DELETE FROM reference_key",
        "UPDATE reference_key SET fingerprint = ''",
        "DELETE FROM released_entries",
        "UPDATE released_entries SET entry_index = 5",
    ],
)
async def test_what_is_final_is_final_for_raw_sql_too(wing: Wing, statement: str) -> None:
    await allocate(wing, "one", "two")
    await wing.sets.release(ROOT, "badges", release(reference="one"))
    await wing.sets.set_statuses(ROOT, "badges", change("two"))

    with pytest.raises(SQL_ERRORS):
        wing.tamper(statement)


# Batches


async def test_entry_is_found_by_the_name_of_its_batch_and_its_place_there(wing: Wing) -> None:
    """As those of earlier releases are, which have no reference of their own."""
    batch = await wing.sets.allocate(ROOT, "badges", Allocate(count=3, reference="batch 7"))
    await allocate(wing, STUDENT)

    entries = [
        (await wing.sets.find(ACME, FindEntries(batch="batch 7", position=position))).entries
        for position in range(4)
    ]

    assert [[entry.status_list_index for entry in found] for found in entries] == [
        *([entry.status_list_index] for entry in batch.entries),
        [],
    ]
    assert entries[0][0].format is None
    assert (await wing.sets.find(OTHER, FindEntries(batch="batch 7"))).entries == ()


# The key


async def test_key_file_is_private_and_made_once(wing: Wing, key_file: Path) -> None:
    text = key_file.read_bytes()

    made = await provide_key(wing.database, ReferenceKey(key_file))

    assert not made
    assert key_file.read_bytes() == text
    assert re.fullmatch(rb"[0-9a-f]{64}\n", text)
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in key_file.parent.glob("references*")] == ["references.key"]


async def test_of_nodes_that_start_at_once_one_makes_the_key(place: Place, tmp_path: Path) -> None:
    async with Wing.open(place) as wing:
        files = [tmp_path / str(number) for number in range(4)]
        made = await asyncio.gather(*(provide_key(wing.database, ReferenceKey(file)) for file in files))

        kept = [file for file in files if file.exists()]
        assert sum(made) == len(kept) == 1
        assert wing.place.query("SELECT count(*) FROM reference_key") == [(1,)]


async def test_lost_key_stops_references_and_nothing_else(wing: Wing, key_file: Path, place: Place) -> None:
    (index,) = await allocate(wing, STUDENT)
    key = key_file.read_bytes()
    key_file.unlink()
    async with Wing.open(place, reference_key=ReferenceKey(key_file)) as restarted:
        await provide_key_if_possible(restarted.database, ReferenceKey(key_file))
        assert not key_file.exists()
        assert not await provide_key(restarted.database, ReferenceKey(key_file), anew=True)
        for attempt in (
            allocate(restarted, "another"),
            found(restarted),
            restarted.sets.set_statuses(ROOT, "badges", change(STUDENT)),
            restarted.sets.release(ROOT, "badges", release(reference=STUDENT)),
        ):
            with pytest.raises(ReferencesUnavailable, match=r"references\.key.* db forget-references"):
                await attempt
        assert len(await restarted.allocate("badges")) == 1
        await restarted.revoke("badges", int(index))

        key_file.write_bytes(key)
        key_file.chmod(0o600)
        assert await found(restarted) == [("badges", index, "dc+sd-jwt")]


async def test_check_of_a_database_misses_the_key_once_a_reference_needs_it(
    wing: Wing, key_file: Path
) -> None:
    kept = key_file.read_bytes()
    key_file.unlink()
    unneeded = await key_faults(wing.database, ReferenceKey(key_file))
    key_file.write_bytes(kept)
    key_file.chmod(0o600)
    await allocate(wing, STUDENT)
    there = await key_faults(wing.database, ReferenceKey(key_file))
    key_file.unlink()
    (missing,) = await key_faults(wing.database, ReferenceKey(key_file))
    ReferenceKey(key_file).make()
    (another,) = await key_faults(wing.database, ReferenceKey(key_file))

    assert unneeded == there == ()
    assert "there is no such file" in missing
    assert "another key" in another


async def test_key_of_another_database_is_refused(wing: Wing, key_file: Path, place: Place) -> None:
    """With it nothing would be found, and a reference would get a second entry."""
    await allocate(wing, STUDENT)
    key_file.unlink()
    ReferenceKey(key_file).make()
    async with Wing.open(place, reference_key=ReferenceKey(key_file)) as restarted:
        with pytest.raises(ReferencesUnavailable, match="another key"):
            await allocate(restarted, STUDENT)
        with pytest.raises(ReferencesUnavailable, match="another key"):
            await found(restarted)


async def test_key_that_was_lost_before_it_was_used_is_made_anew_by_init_alone(
    wing: Wing, key_file: Path
) -> None:
    key_file.unlink()

    served = await provide_key(wing.database, ReferenceKey(key_file))
    initialised = await provide_key(wing.database, ReferenceKey(key_file), anew=True)

    assert (served, initialised) == (False, True)
    fresh = Wing(wing.database, wing.place, ReferenceKey(key_file))
    assert len(await allocate(fresh, STUDENT)) == 1


@pytest.mark.parametrize("text", [b"", b"0" * 63, b"0" * 66, b"g" * 64, b"\xff" * 64])
async def test_file_that_is_no_key_is_refused(wing: Wing, key_file: Path, text: bytes) -> None:
    key_file.write_bytes(text)

    with pytest.raises(ReferencesUnavailable, match="hexadecimal digits"):
        await allocate(wing, STUDENT)


async def test_file_that_others_may_read_is_refused(wing: Wing, key_file: Path) -> None:
    key_file.chmod(0o640)

    with pytest.raises(ReferencesUnavailable, match="0600"):
        await allocate(wing, STUDENT)


# A key that is lost for good


async def begin(wing: Wing, key: ReferenceKey) -> int:
    return await begin_anew(wing.database, key, acting("test"), at=1)


async def test_once_a_lost_key_is_given_up_references_are_taken_again_and_nothing_else_changed(
    wing: Wing, key_file: Path, place: Place
) -> None:
    revoked, released, _ = await allocate(wing, STUDENT, "another", "third")
    await wing.sets.set_statuses(ROOT, "badges", change(STUDENT))
    await wing.sets.release(ROOT, "badges", release(reference="another"))
    tables = ("allocations", "statuses", "status_events", "released_entries", "status_sets", "set_versions")
    before = {table: place.query(f"SELECT * FROM {table}") for table in tables}
    key_file.unlink()

    forgotten = await begin(wing, ReferenceKey(key_file))

    assert forgotten == 3
    assert {table: place.query(f"SELECT * FROM {table}") for table in tables} == before
    assert await key_faults(wing.database, ReferenceKey(key_file)) == ()
    assert key_file.stat().st_mode & 0o777 == 0o600
    fresh = Wing(wing.database, wing.place, ReferenceKey(key_file))
    assert await found(fresh) == []
    (index,) = await allocate(fresh, STUDENT)
    assert await found(fresh) == [("badges", index, "dc+sd-jwt")]
    assert index not in (revoked, released)
    assert (await fresh.sets.get_entry(ROOT, "badges", int(revoked))).statuses[0].status == 1
    assert (await fresh.sets.get_entry(ROOT, "badges", int(released))).is_released


async def test_giving_up_a_key_is_audited_without_a_trace_of_any_reference(
    wing: Wing, key_file: Path, place: Place
) -> None:
    await allocate(wing, STUDENT, "another")
    key_file.unlink()
    await begin(wing, ReferenceKey(key_file))

    ((detail,),) = place.query("SELECT detail FROM audit WHERE action = 'database.forget-references'")
    assert msgspec.json.decode(detail)["references"] == 2
    assert STUDENT not in detail


async def test_no_reference_is_forgotten_while_there_is_a_key_file(wing: Wing, key_file: Path) -> None:
    """Be it the right one, that of another database, or none at all."""
    await allocate(wing, STUDENT)
    for text in (key_file.read_bytes(), b"0" * 64, b"damaged"):
        key_file.write_bytes(text)

        with pytest.raises(Conflict, match="move it away"):
            await begin(wing, ReferenceKey(key_file))

        assert await wing.count("entry_references") == 1
        assert key_file.read_bytes() == text


async def test_an_end_before_the_new_key_is_made_leaves_that_to_the_next_start(
    wing: Wing, key_file: Path
) -> None:
    await allocate(wing, STUDENT)
    key_file.unlink()
    with pytest.raises(FileNotFoundError):
        await begin(wing, ReferenceKey(key_file.parent / "absent" / key_file.name))
    await provide_key_if_possible(wing.database, ReferenceKey(key_file))
    fresh = Wing(wing.database, wing.place, ReferenceKey(key_file))

    assert len(await allocate(fresh, STUDENT)) == 1


async def test_a_second_loss_is_no_different(wing: Wing, key_file: Path) -> None:
    await allocate(wing, STUDENT)
    for _ in range(2):
        key_file.unlink()
        forgotten = await begin(wing, ReferenceKey(key_file))
        fresh = Wing(wing.database, wing.place, ReferenceKey(key_file))
        await allocate(fresh, STUDENT)

        assert forgotten == 1
