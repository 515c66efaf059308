"""Migrations are applied once, in order, whole or not at all; one-way rules hold in the engine itself."""

import asyncio
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite3

import operators
import registry
import statuslist.schema
import storage
from storage import Migration, SchemaMismatch, Transaction, migrate
from storage.migrations import forbid, render
from storage.sqlite import SqliteDatabase, open_sqlite

pytestmark = pytest.mark.anyio

THINGS = Migration(
    room="test",
    number=1,
    name="things",
    statements=(
        "CREATE TABLE things (id {identity}, name TEXT NOT NULL, value {bigint} NOT NULL, body {blob})",
        forbid("things", "DELETE", "things don't go"),
        forbid("things", "UPDATE WHEN NEW.value < OLD.value", "values only grow"),
    ),
)
MORE = Migration(room="test", number=2, name="more", statements=("ALTER TABLE things ADD COLUMN more TEXT",))


def applied(tx: Transaction) -> list[tuple[str, int]]:
    return [(row["room"], row["number"]) for row in tx.all("SELECT * FROM migrations ORDER BY room, number")]


async def test_migrating_again_changes_nothing(database: SqliteDatabase) -> None:
    await migrate(database, [THINGS])
    await migrate(database, [THINGS])

    assert await database.read(applied) == [("test", 1)]


async def test_only_what_is_missing_is_applied(database: SqliteDatabase) -> None:
    await migrate(database, [THINGS])
    await database.write(lambda tx: tx.execute("INSERT INTO things (name, value) VALUES ('kept', 1)"))
    await migrate(database, [THINGS, MORE])

    row = await database.read(lambda tx: tx.one("SELECT name, more FROM things"))
    assert row is not None
    assert (row["name"], row["more"]) == ("kept", None)
    assert await database.read(applied) == [("test", 1), ("test", 2)]


async def test_another_text_of_an_applied_step_is_refused(database: SqliteDatabase) -> None:
    await migrate(database, [THINGS])
    changed = Migration(room="test", number=1, name="things", statements=(*THINGS.statements[:-1],))

    with pytest.raises(SchemaMismatch, match="test-1"):
        await migrate(database, [changed])


async def test_a_database_of_a_newer_version_is_refused(database: SqliteDatabase) -> None:
    await migrate(database, [THINGS, MORE])

    with pytest.raises(SchemaMismatch, match="test-2, unknown"):
        await migrate(database, [THINGS])


@pytest.mark.parametrize("statement", ["CREATE TABLE things (x TEXT)", "NOT SQL"])
async def test_a_step_that_fails_leaves_nothing_of_its_run_behind(
    database: SqliteDatabase, statement: str
) -> None:
    broken = Migration(room="test", number=2, name="broken", statements=(statement,))

    with pytest.raises(sqlite3.OperationalError):
        await migrate(database, [THINGS, broken])

    left = await database.read(lambda tx: tx.all("SELECT name FROM sqlite_master WHERE name <> 'notes'"))
    assert [row["name"] for row in left if not row["name"].startswith("sqlite_")] == []


async def test_two_processes_may_migrate_at_once(tmp_path: Path) -> None:
    engines = [open_sqlite(tmp_path / "shared.db", create=True), open_sqlite(tmp_path / "shared.db")]
    await asyncio.gather(*(migrate(engine, [THINGS, MORE]) for engine in engines))

    assert await engines[0].read(applied) == [("test", 1), ("test", 2)]
    for engine in engines:
        engine.close()


async def test_a_forbidden_event_fails_with_its_message(database: SqliteDatabase) -> None:
    await migrate(database, [THINGS])
    await database.write(lambda tx: tx.execute("INSERT INTO things (name, value) VALUES ('a', 5)"))

    with pytest.raises(sqlite3.IntegrityError, match="things don't go"):
        await database.write(lambda tx: tx.execute("DELETE FROM things"))
    with pytest.raises(sqlite3.IntegrityError, match="values only grow"):
        await database.write(lambda tx: tx.execute("UPDATE things SET value = 4"))
    assert await database.write(lambda tx: tx.execute("UPDATE things SET value = 6")) == 1


async def test_a_forbidden_event_is_forbidden_to_a_stranger_too(database: SqliteDatabase) -> None:
    await migrate(database, [THINGS])
    stranger = sqlite3.connect(str(database.path), isolation_level=None)
    stranger.execute("INSERT INTO things (name, value) VALUES ('a', 5)")

    with pytest.raises(sqlite3.IntegrityError, match="things don't go"):
        stranger.execute("DELETE FROM things")
    stranger.close()


def test_only_updates_and_deletes_can_be_forbidden() -> None:
    with pytest.raises(ValueError, match="UPDATE or DELETE"):
        forbid("things", "INSERT", "no things")


def test_every_token_is_rendered_for_every_engine() -> None:
    statement = "CREATE TABLE t (id {identity}, at {bigint}, body {blob})"

    rendered = render(statement, "sqlite", "t")
    assert rendered == "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, body BLOB)"


@pytest.mark.parametrize(
    ("room", "steps"),
    [
        ("storage", storage.MIGRATIONS),
        ("operators", operators.MIGRATIONS),
        ("registry", registry.MIGRATIONS),
        ("statuslist", statuslist.schema.MIGRATIONS),
    ],
)
def test_the_steps_of_a_room_are_numbered_without_a_gap(room: str, steps: tuple[Migration, ...]) -> None:
    assert [(step.room, step.number) for step in steps] == [(room, n) for n in range(1, len(steps) + 1)]
