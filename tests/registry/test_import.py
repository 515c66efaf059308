"""An import replaces what differs, in one transaction, and leaves everything else as it was."""

import hashlib
from pathlib import Path
from typing import Any

import anyio
import pytest

from registry import (
    Asked,
    AuthorityNotFound,
    ChangesThePast,
    DefinitionNotFound,
    RegistryFileError,
    export_registry,
    find,
    read_registry_file,
)
from registry.events import read_head
from storage import Database, read_audit
from tests.actors import ADA
from tests.databases import Place
from tests.registry.databases import a_database
from tests.registry.examples import EDU, LICENSING, NOW, UNI, a_grant, a_registry, an_authority, as_file
from tests.registry.wing import Wing
from wire import parse_utc

pytestmark = pytest.mark.anyio

CLOCK = NOW / 1_000_000
YEAR_2025 = parse_utc("2025-06-01T00:00:00Z")
LATE = [{"state": "revoked", "since": "2025-01-01T00:00:00Z"}]


def a_wing(database: Database, clock: float = CLOCK) -> Wing:
    return Wing(database, clock=lambda: clock)


def ask(wing: Wing, at: int, known_at: int | None = None) -> bool:
    """Return whether UNI may issue Degree at a time, as far as is known, or was at another time."""
    asked = Asked(kind="authorization", authority=EDU, entity=UNI, action="issue", resource="Degree", at=at)
    with wing.registry.reading(known_at) as known:
        return find(known, asked).decision == "yes"


async def rows(database: Database, where: str = "1 = 1") -> list[Any]:
    sql = (
        "SELECT * FROM registry_events e JOIN registry_versions v ON v.version = e.version"
        f" WHERE {where} ORDER BY e.position"
    )
    return await database.read(lambda tx: [dict(row) for row in tx.all(sql)])


async def test_an_import_adds_every_fact_and_says_so(place: Place) -> None:
    async with a_database(place) as database:
        wing = a_wing(database)

        report = await wing.import_file(ADA, as_file(a_registry()))

        assert (report.version, report.added, report.changed, report.ended) == (1, 7, 0, 0)
        assert str(report).startswith("7 facts added")
        assert wing.version == 1
        assert {row["recorded_at"] for row in await rows(database)} == {NOW}


async def test_importing_the_same_again_changes_nothing(place: Place) -> None:
    async with a_database(place) as database:
        wing = a_wing(database)
        await wing.import_file(ADA, as_file(a_registry()))
        before = await rows(database)

        report = await a_wing(database, CLOCK + 9).import_file(ADA, as_file(a_registry()))

        assert (report.version, report.added, report.changed, report.ended) == (1, 0, 0, 0)
        assert await rows(database) == before
        assert len(await database.read(read_audit)) == 1


async def test_an_import_touches_only_the_rows_that_differ(place: Place) -> None:
    async with a_database(place) as database:
        wing = a_wing(database)
        await wing.import_file(ADA, as_file(a_registry()))
        renamed = a_registry(entities=[{"id": UNI, "names": {"en": "Renamed"}}], recognitions=[])

        report = await a_wing(database, CLOCK + 60).import_file(ADA, as_file(renamed))

        assert (report.version, report.added, report.changed, report.ended) == (2, 0, 1, 1)
        new = await rows(database, "e.version = 2")
        assert [(row["kind"], row["what"], row["revision"]) for row in new] == [
            ("entity", "change", 2),
            ("recognition", "end", 2),
        ]
        assert {row["recorded_at"] for row in new} == {NOW + 60_000_000}


async def test_what_a_file_does_not_say_any_more_was_true_until_now(place: Place) -> None:
    """An older export of a registry takes nothing back of what was so yesterday."""
    async with a_database(place) as database:
        wing = a_wing(database)
        await wing.import_file(ADA, as_file(a_registry(authorizations=[])))
        older = await wing.export()
        await wing.import_file(ADA, as_file(a_registry()))

        await a_wing(database, CLOCK + 60).import_file(ADA, older)

        await wing.follow()
        assert [ask(wing, NOW + seconds * 1_000_000) for seconds in (-86_400, 59, 60)] == [True, True, False]


async def test_what_a_file_says_otherwise_of_the_past_is_refused_unless_it_is_a_correction(
    place: Place,
) -> None:
    moved = as_file(a_registry(authorizations=[a_grant(valid_from="2024-01-01T00:00:00Z", history=LATE)]))
    async with a_database(place) as database:
        wing = a_wing(database)
        await wing.import_file(ADA, as_file(a_registry()))
        with pytest.raises(ChangesThePast, match="2025-01-01T00:00:00Z"):
            await wing.import_file(ADA, moved)
        before = ask(wing, YEAR_2025)

        report = await wing.import_file(ADA, moved, corrects=True)

        assert (report.corrected, before, ask(wing, YEAR_2025)) == (1, True, False)
        assert ask(wing, YEAR_2025, known_at=NOW) is True


async def test_what_ended_can_begin_again(place: Place) -> None:
    async with a_database(place) as database:
        await a_wing(database).import_file(ADA, as_file(a_registry()))
        await a_wing(database, CLOCK + 60).import_file(ADA, as_file(a_registry(authorizations=[])))
        wing = a_wing(database, CLOCK + 120)
        anew = a_grant(valid_from="2026-11-24T12:02:00Z")

        report = await wing.import_file(ADA, as_file(a_registry(authorizations=[anew])))

        assert (report.version, report.added) == (3, 1)
        assert [ask(wing, NOW + seconds * 1_000_000) for seconds in (0, 60, 119, 120)] == [
            True,
            False,
            False,
            True,
        ]


async def test_a_change_of_state_keeps_what_was_said_before(place: Place) -> None:
    suspended = a_grant(history=[{"state": "suspended", "since": "2027-01-01T00:00:00Z"}])
    async with a_database(place) as database:
        wing = a_wing(database)
        await wing.import_file(ADA, as_file(a_registry()))

        report = await wing.import_file(ADA, as_file(a_registry(authorizations=[suspended])))

        assert report.changed == 1
        bodies = [row["body"] for row in await rows(database, "e.kind = 'authorization'")]
        assert ["suspended" in body for body in bodies] == [False, True]


async def test_a_file_with_a_fault_changes_nothing(place: Place) -> None:
    async with a_database(place) as database:
        wing = a_wing(database)
        await wing.import_file(ADA, as_file(a_registry()))
        before = await rows(database)

        with pytest.raises(RegistryFileError):
            await wing.import_file(ADA, as_file(a_registry(authorizations=[a_grant(action="x")])))

        assert await rows(database) == before
        assert wing.version == 1
        assert len(await database.read(read_audit)) == 1


async def test_every_change_leaves_an_audit_row_with_the_file_it_came_from(place: Place) -> None:
    data = as_file(a_registry())
    async with a_database(place) as database:
        wing = a_wing(database)
        await wing.import_file(ADA, data)

        [row] = await database.read(read_audit)
        head = await database.read(read_head)

    assert (row.actor, row.action, row.subject, row.at) == ("ada", "registry.import", "registry", NOW)
    assert row.detail == {
        "file_sha256": hashlib.sha256(data).hexdigest(),
        "events_sha256": head.digest,
        "version": 1,
        "added": 7,
        "changed": 0,
        "corrected": 0,
        "ended": 0,
    }


async def test_an_export_is_the_canonical_form_of_what_was_imported(place: Place) -> None:
    sample = (Path(__file__).parents[2] / "data" / "registry.json").read_bytes()
    async with a_database(place) as database:
        wing = a_wing(database)
        await wing.import_file(ADA, sample)

        exported = await wing.export()

        assert exported == export_registry(list(read_registry_file(sample)))
        assert (await wing.import_file(ADA, exported)).version == 1


async def test_an_empty_registry_exports_and_is_imported_as_one(place: Place) -> None:
    async with a_database(place) as database:
        wing = a_wing(database)
        empty = await wing.export()
        await wing.import_file(ADA, as_file(a_registry()))

        report = await wing.import_file(ADA, empty)

        assert (report.ended, report.version) == (7, 2)
        with pytest.raises(AuthorityNotFound):
            ask(wing, NOW)


async def test_what_ended_on_what_is_defined_no_more_is_exported_and_imported_again(place: Place) -> None:
    dropped = a_registry(
        authorizations=[], recognitions=[], authorities=[an_authority(EDU, ("issue", "Licence"))]
    )
    async with a_database(place) as database:
        wing = a_wing(database)
        await wing.import_file(ADA, as_file(a_registry()))

        await a_wing(database, CLOCK + 60).import_file(ADA, as_file(dropped))

        await wing.follow()
        assert ask(wing, YEAR_2025) is True
        with pytest.raises(DefinitionNotFound):
            ask(wing, NOW + 60_000_000)
        later = a_wing(database, CLOCK + 120)
        assert (await later.import_file(ADA, await later.export())).version == 2
        assert (await later.import_file(ADA, as_file(dropped))).version == 2


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM registry_events",
        "DELETE FROM registry_versions",
        "UPDATE registry_events SET body = '{}'",
        "UPDATE registry_versions SET recorded_at = recorded_at + 1",
        "UPDATE registry_head SET version = version - 1",
        "UPDATE registry_head SET recorded_at = recorded_at - 1",
        "DELETE FROM registry_head",
        "INSERT INTO registry_versions (version, recorded_at, last_position, actor, occasion, digest)"
        " SELECT 99, recorded_at, 99, 'x', 'x', 'x' FROM registry_head",
    ],
)
async def test_history_is_not_rewritten_by_hand(place: Place, statement: str) -> None:
    async with a_database(place) as database:
        await a_wing(database).import_file(ADA, as_file(a_registry()))
        before = await rows(database)

        with pytest.raises(Exception, match="never"):
            await database.write(lambda tx: tx.execute(statement))

        assert await rows(database) == before


async def test_two_imports_at_once_end_as_one_of_the_two(place: Place) -> None:

    one, other = as_file(a_registry()), as_file(a_registry(recognitions=[a_grant(authority_id=LICENSING)]))
    async with a_database(place) as database:
        wing = a_wing(database)

        async with anyio.create_task_group() as tasks:
            for data in (one, other) * 5:
                tasks.start_soon(wing.import_file, ADA, data)

        await wing.follow()
        assert wing.version == await database.read(_version)
        assert len(await rows(database)) == len({row["position"] for row in await rows(database)})


def _version(tx: Any) -> int:
    return int(tx.one("SELECT version FROM registry_head")["version"])
