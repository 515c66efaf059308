"""Migrations are applied once, in order, whole or not at all; one-way rules hold in the engine itself."""

import asyncio

import msgspec
import pytest

import operators
import registry
import statuslist.schema
import storage
from storage import Engine, Migration, SchemaMismatch, Transaction, migrate
from storage.migrations import ForbidWhile, Lift, SchemaState, forbid, read_schema, render
from tests.databases import RULE_BROKEN, SQL_ERRORS, Place, Query

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


async def test_migrating_again_changes_nothing(database: Engine) -> None:
    await migrate(database, [THINGS])
    await migrate(database, [THINGS])

    assert await database.read(applied) == [("test", 1)]


async def test_only_what_is_missing_is_applied(database: Engine) -> None:
    await migrate(database, [THINGS])
    await database.write(lambda tx: tx.execute("INSERT INTO things (name, value) VALUES ('kept', 1)"))
    await migrate(database, [THINGS, MORE])

    row = await database.read(lambda tx: tx.one("SELECT name, more FROM things"))
    assert row is not None
    assert (row["name"], row["more"]) == ("kept", None)
    assert await database.read(applied) == [("test", 1), ("test", 2)]


async def test_a_schema_is_compared_without_being_changed(database: Engine) -> None:
    async def look(*steps: Migration) -> SchemaState:
        return await database.read(lambda tx: read_schema(tx, steps, database.dialect))

    empty = await look(THINGS)
    done = await migrate(database, [THINGS, msgspec.structs.replace(MORE, oldest_release="0.2.0")], "0.3.0")
    beside = await look(msgspec.structs.replace(THINGS, statements=THINGS.statements[:-1]))

    assert (empty.missing, empty.unknown, empty.floor) == (("test-1",), (), "0")
    assert [step.name for step in done] == ["things", "more"]
    assert beside == SchemaState(missing=(), unknown=("test-2",), differing=("test-1",), floor="0.2.0")


async def test_another_text_of_an_applied_step_is_refused(database: Engine) -> None:
    await migrate(database, [THINGS])
    changed = Migration(room="test", number=1, name="things", statements=(*THINGS.statements[:-1],))

    with pytest.raises(SchemaMismatch, match="test-1"):
        await migrate(database, [changed])


async def test_a_release_runs_beside_the_steps_of_a_newer_one(database: Engine) -> None:
    """The newer one only added: its nodes can go up and down again while this one serves."""
    await migrate(database, [THINGS, MORE], "0.3.0")
    await migrate(database, [THINGS], "0.2.0")

    assert await database.read(applied) == [("test", 1), ("test", 2)]


@pytest.mark.parametrize(("release", "is_refused"), [("0.9.0", True), ("0.10.0", False), ("1.0.0", False)])
async def test_a_release_below_the_floor_of_the_database_is_refused(
    database: Engine, release: str, is_refused: bool
) -> None:
    contracting = msgspec.structs.replace(MORE, oldest_release="0.10.0")
    await migrate(database, [THINGS, contracting], "0.11.0")

    if is_refused:
        with pytest.raises(
            SchemaMismatch, match=r"test-2.* 0\.9\.0 cannot run beside; start release 0\.10\.0"
        ):
            await migrate(database, [THINGS], release)
    else:
        await migrate(database, [THINGS], release)


@pytest.mark.parametrize("statement", ["CREATE TABLE things (x TEXT)", "NOT SQL"])
async def test_a_step_that_fails_leaves_nothing_of_its_run_behind(
    database: Engine, outside: Query, statement: str
) -> None:
    broken = Migration(room="test", number=2, name="broken", statements=(statement,))

    with pytest.raises(SQL_ERRORS):
        await migrate(database, [THINGS, broken])

    for table in ("migrations", "schema_floor", "things"):
        with pytest.raises(SQL_ERRORS, match=table):
            outside(f"SELECT * FROM {table}")


async def test_two_processes_may_migrate_at_once(place: Place) -> None:
    engines = [place.open(), place.open()]
    await asyncio.gather(*(migrate(engine, [THINGS, MORE]) for engine in engines))

    assert await engines[0].read(applied) == [("test", 1), ("test", 2)]
    for engine in engines:
        engine.close()


async def test_a_forbidden_event_fails_with_its_message(database: Engine) -> None:
    await migrate(database, [THINGS])
    await database.write(lambda tx: tx.execute("INSERT INTO things (name, value) VALUES ('a', 5)"))

    with pytest.raises(RULE_BROKEN, match="things don't go"):
        await database.write(lambda tx: tx.execute("DELETE FROM things"))
    with pytest.raises(RULE_BROKEN, match="values only grow"):
        await database.write(lambda tx: tx.execute("UPDATE things SET value = 4"))
    assert await database.write(lambda tx: tx.execute("UPDATE things SET value = 6")) == 1


async def test_a_forbidden_event_is_forbidden_to_a_stranger_too(database: Engine, outside: Query) -> None:
    await migrate(database, [THINGS])
    outside("INSERT INTO things (name, value) VALUES ('a', 5)")

    with pytest.raises(RULE_BROKEN, match="things don't go"):
        outside("DELETE FROM things")


async def test_text_is_compared_by_code_point(database: Engine) -> None:
    """A cursor that pages by a name must mean the same on every engine, whatever its locale."""
    names = ["b", "B", "a", "_", "é", "Z"]
    await migrate(database, [THINGS])
    rows = [{"name": name} for name in names]
    await database.write(
        lambda tx: tx.execute_many("INSERT INTO things (name, value) VALUES (:name, 1)", rows)
    )

    found = await database.read(lambda tx: tx.all("SELECT name FROM things ORDER BY name"))
    assert [row["name"] for row in found] == sorted(names)


def test_only_events_on_rows_can_be_forbidden() -> None:
    with pytest.raises(ValueError, match="INSERT, UPDATE or DELETE"):
        forbid("things", "TRUNCATE", "no things")


def test_every_token_is_rendered_for_every_engine() -> None:
    statement = "CREATE TABLE t (id {identity}, at {bigint}, body {blob}, note TEXT)"

    assert render(statement, "sqlite", "t") == (
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, body BLOB, note TEXT)"
    )
    assert render(statement, "postgres", "t") == (
        "CREATE TABLE t (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at BIGINT, body BYTEA,"
        ' note TEXT COLLATE "C")'
    )


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


SERVED = Migration(
    room="test",
    number=2,
    name="only what is shown stays",
    statements=(
        "CREATE TABLE shown (thing_id {bigint} NOT NULL)",
        Lift("things", room="test", number=1, position=1),
        ForbidWhile("things", "DELETE", "SELECT 1 FROM shown WHERE thing_id = OLD.id", "it's shown"),
    ),
)


async def test_a_rule_can_depend_on_other_rows_and_take_the_place_of_an_earlier_one(
    database: Engine, place: Place
) -> None:
    await migrate(database, [THINGS, SERVED])
    for name in ("shown", "hidden"):
        place.query(f"INSERT INTO things (name, value) VALUES ('{name}', 1)")
    place.query("INSERT INTO shown SELECT id FROM things WHERE name = 'shown'")

    place.query("DELETE FROM things WHERE name = 'hidden'")
    with pytest.raises(RULE_BROKEN, match="it's shown"):
        place.query("DELETE FROM things")
    assert place.query("SELECT name FROM things") == [("shown",)]
