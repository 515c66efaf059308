"""An import replaces what differs, in one transaction, and leaves everything else as it was."""

import hashlib
from pathlib import Path
from typing import Any

import anyio
import pytest

from registry import RegistryFileError, export_registry, read_registry_file
from storage import Database, read_audit
from tests.actors import ADA
from tests.databases import Place
from tests.registry.databases import a_database
from tests.registry.examples import LICENSING, NOW, UNI, a_grant, a_registry, as_file
from tests.registry.wing import Wing

pytestmark = pytest.mark.anyio

CLOCK = NOW / 1_000_000


def a_wing(database: Database, clock: float = CLOCK) -> Wing:
    return Wing(database, clock=lambda: clock)


async def rows(database: Database, where: str = "1 = 1") -> list[Any]:
    sql = f"SELECT * FROM registry_facts WHERE {where} ORDER BY id"
    return await database.read(lambda tx: [dict(row) for row in tx.all(sql)])


async def test_an_import_adds_every_fact_and_says_so(place: Place) -> None:
    async with a_database(place) as database:
        wing = a_wing(database)

        report = await wing.import_file(ADA, as_file(a_registry()))

        assert (report.version, report.added, report.changed, report.removed) == (1, 5, 0, 0)
        assert str(report).startswith("5 statements added")
        assert wing.version == 1
        assert {row["recorded_at"] for row in await rows(database)} == {NOW}


async def test_importing_the_same_again_changes_nothing(place: Place) -> None:
    async with a_database(place) as database:
        wing = a_wing(database)
        await wing.import_file(ADA, as_file(a_registry()))
        before = await rows(database)

        report = await a_wing(database, CLOCK + 9).import_file(ADA, as_file(a_registry()))

        assert (report.version, report.added, report.unchanged) == (1, 0, 5)
        assert await rows(database) == before
        assert len(await database.read(read_audit)) == 1


async def test_an_import_touches_only_the_rows_that_differ(place: Place) -> None:
    async with a_database(place) as database:
        wing = a_wing(database)
        await wing.import_file(ADA, as_file(a_registry()))
        renamed = a_registry(entities=[{"id": UNI, "names": {"en": "Renamed"}}], recognitions=[])

        report = await a_wing(database, CLOCK + 60).import_file(ADA, as_file(renamed))

        assert (report.version, report.added, report.changed, report.removed) == (2, 0, 1, 1)
        closed = await rows(database, "closed_version IS NOT NULL")
        assert [(row["kind"], row["version"], row["closed_version"]) for row in closed] == [
            ("entity", 1, 2),
            ("recognition", 1, 2),
        ]
        assert {row["closed_at"] for row in closed} == {NOW + 60_000_000}
        assert len(await rows(database, "version = 2")) == 1


async def test_what_was_taken_back_can_return(place: Place) -> None:
    async with a_database(place) as database:
        wing = a_wing(database)
        for registry in (a_registry(), a_registry(recognitions=[]), a_registry()):
            report = await wing.import_file(ADA, as_file(registry))

        assert (report.version, report.added) == (3, 1)
        assert len(await rows(database, "kind = 'recognition'")) == 2


async def test_a_change_of_state_keeps_what_was_said_before(place: Place) -> None:
    suspended = a_grant(history=[{"state": "suspended", "since": "2026-01-01T00:00:00Z"}])
    async with a_database(place) as database:
        wing = a_wing(database)
        await wing.import_file(ADA, as_file(a_registry()))

        report = await wing.import_file(ADA, as_file(a_registry(authorizations=[suspended])))

        assert report.changed == 1
        bodies = [row["body"] for row in await rows(database, "kind = 'authorization'")]
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
        exported = await wing.export()

        [row] = await database.read(read_audit)

    assert (row.actor, row.action, row.subject, row.at) == ("ada", "registry.import", "registry", NOW)
    assert row.detail == {
        "file_sha256": hashlib.sha256(data).hexdigest(),
        "export_sha256": hashlib.sha256(exported).hexdigest(),
        "version": 1,
        "added": 5,
        "changed": 0,
        "removed": 0,
        "unchanged": 0,
    }


async def test_an_export_is_the_canonical_form_of_what_was_imported(place: Place) -> None:
    sample = (Path(__file__).parents[2] / "data" / "registry.json").read_bytes()
    async with a_database(place) as database:
        wing = a_wing(database)
        await wing.import_file(ADA, sample)

        exported = await wing.export()

        assert exported == export_registry(read_registry_file(sample))
        assert (await wing.import_file(ADA, exported)).unchanged == 46


async def test_an_empty_registry_exports_and_is_imported_as_one(place: Place) -> None:
    async with a_database(place) as database:
        wing = a_wing(database)
        empty = await wing.export()
        await wing.import_file(ADA, as_file(a_registry()))

        report = await wing.import_file(ADA, empty)

        assert (report.removed, report.version) == (5, 2)
        assert wing.view.authorities == {}


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM registry_facts",
        "UPDATE registry_facts SET body = '{}'",
        "UPDATE registry_facts SET recorded_at = 0",
        "UPDATE registry_facts SET fact_key = 'x'",
        "UPDATE registry_version SET version = version - 1",
        "DELETE FROM registry_version",
    ],
)
async def test_history_is_not_rewritten_by_hand(place: Place, statement: str) -> None:
    async with a_database(place) as database:
        await a_wing(database).import_file(ADA, as_file(a_registry()))
        before = await rows(database)

        with pytest.raises(Exception, match=r"final|never"):
            await database.write(lambda tx: tx.execute(statement))

        assert await rows(database) == before


async def test_a_closed_fact_is_not_reopened(place: Place) -> None:
    async with a_database(place) as database:
        wing = a_wing(database)
        await wing.import_file(ADA, as_file(a_registry()))
        await wing.import_file(ADA, as_file(a_registry(recognitions=[])))

        with pytest.raises(Exception, match="final"):
            await database.write(
                lambda tx: tx.execute("UPDATE registry_facts SET closed_version = NULL, closed_at = NULL")
            )


async def test_two_imports_at_once_end_as_one_of_the_two(place: Place) -> None:

    one, other = as_file(a_registry()), as_file(a_registry(recognitions=[a_grant(authority_id=LICENSING)]))
    async with a_database(place) as database:
        wing = a_wing(database)

        async with anyio.create_task_group() as tasks:
            for data in (one, other) * 5:
                tasks.start_soon(wing.import_file, ADA, data)

        assert await wing.export() in {
            export_registry(read_registry_file(one)),
            export_registry(read_registry_file(other)),
        }
        assert wing.version == await database.read(_version)


def _version(tx: Any) -> int:
    return int(tx.one("SELECT version FROM registry_version")["version"])
