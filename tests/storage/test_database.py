"""The contract of `storage.Database`; every engine passes it."""

import asyncio
import sqlite3 as system_sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import DatabaseUnavailable, Migration, SchemaMismatch, Transaction, migrate
from storage.migrations import forbid
from storage.sqlite import SqliteDatabase, is_safe_version, open_sqlite

pytestmark = pytest.mark.anyio

TABLE = Migration(
    room="test",
    number=1,
    name="a table",
    statements=(
        "CREATE TABLE things (name TEXT PRIMARY KEY, value {bigint} NOT NULL)",
        forbid("things", "DELETE", "things stay"),
        forbid("things", "UPDATE WHEN OLD.value > NEW.value", "values only grow"),
    ),
)


@pytest.fixture
async def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    engine = open_sqlite(tmp_path / "test.db", create=True)
    await migrate(engine, [TABLE])
    yield engine
    engine.close()


def insert(tx: Transaction, name: str, value: int = 1) -> None:
    tx.execute("INSERT INTO things (name, value) VALUES (:name, :value)", {"name": name, "value": value})


def count(tx: Transaction) -> int:
    row = tx.one("SELECT count(*) AS n FROM things")
    assert row is not None
    return int(row["n"])


async def test_a_write_that_returned_is_seen_by_another_connection(database: SqliteDatabase) -> None:
    await database.write(lambda tx: insert(tx, "a"))

    with system_sqlite3.connect(database.path) as other:
        assert other.execute("SELECT name FROM things").fetchall() == [("a",)]
    other.close()


async def test_writes_that_wait_together_share_commits(database: SqliteDatabase) -> None:
    before = database.stats.commits
    await asyncio.gather(*(database.write(lambda tx, n=n: insert(tx, f"n{n}")) for n in range(300)))

    assert await database.read(count) == 300
    assert database.stats.commits - before < 150


async def test_a_failing_function_undoes_its_own_work_and_fails_its_own_caller(
    database: SqliteDatabase,
) -> None:
    def failing(tx: Transaction) -> None:
        insert(tx, "gone")
        raise LookupError("mine")

    outcomes = await asyncio.gather(
        database.write(lambda tx: insert(tx, "a")),
        database.write(failing),
        database.write(lambda tx: insert(tx, "b")),
        return_exceptions=True,
    )
    names = await database.read(
        lambda tx: [row["name"] for row in tx.all("SELECT name FROM things ORDER BY name")]
    )

    assert names == ["a", "b"]
    assert [type(outcome) for outcome in outcomes] == [type(None), LookupError, type(None)]


async def test_a_constraint_fails_only_the_caller_that_broke_it(database: SqliteDatabase) -> None:
    outcomes = await asyncio.gather(
        *(database.write(lambda tx: insert(tx, "same")) for _ in range(5)), return_exceptions=True
    )

    assert sum(outcome is None for outcome in outcomes) == 1
    assert await database.read(count) == 1


async def test_cancelling_the_caller_does_not_cancel_the_work(database: SqliteDatabase) -> None:
    task = asyncio.create_task(database.write(lambda tx: insert(tx, "a")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await database.write(lambda tx: insert(tx, "b"))

    assert await database.read(count) == 2


async def test_a_reader_cannot_write(database: SqliteDatabase) -> None:
    with pytest.raises(DatabaseUnavailable):
        await database.read(lambda tx: insert(tx, "a"))


async def test_one_way_rules_are_held_by_the_engine(database: SqliteDatabase) -> None:
    await database.write(lambda tx: insert(tx, "a", 5))

    for statement in ("DELETE FROM things", "UPDATE things SET value = 4"):
        with pytest.raises(Exception, match=r"things stay|values only grow"):
            await database.write(lambda tx, statement=statement: tx.execute(statement))
    assert await database.write(lambda tx: tx.execute("UPDATE things SET value = 6")) == 1


async def test_a_closed_database_refuses_and_keeps_what_was_taken(tmp_path: Path) -> None:
    engine = open_sqlite(tmp_path / "test.db", create=True)
    await migrate(engine, [TABLE])
    work = [asyncio.create_task(engine.write(lambda tx, n=n: insert(tx, f"n{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    engine.close()
    await asyncio.gather(*work)
    with pytest.raises(DatabaseUnavailable):
        await engine.write(lambda tx: insert(tx, "late"))
    again = open_sqlite(tmp_path / "test.db")
    kept = await again.read(count)
    again.close()

    assert kept == 50


def test_a_missing_file_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="touchstone init"):
        open_sqlite(tmp_path / "none.db")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database" * 1_000)

    with pytest.raises(DatabaseUnavailable):
        open_sqlite(tmp_path / "x.db")


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
        ((4, 0, 0), True),
    ],
)
def test_only_sqlite_with_the_wal_fix_is_used(version: tuple[int, int, int], safe: bool) -> None:
    assert is_safe_version(version) is safe


async def test_migrating_twice_changes_nothing(database: SqliteDatabase) -> None:
    await migrate(database, [TABLE])

    assert await database.read(lambda tx: len(tx.all("SELECT * FROM migrations"))) == 1


async def test_a_migration_with_another_text_is_refused(database: SqliteDatabase) -> None:
    changed = Migration(room="test", number=1, name="a table", statements=("CREATE TABLE other (x TEXT)",))

    with pytest.raises(SchemaMismatch, match="test-1"):
        await migrate(database, [changed])


async def test_a_database_of_a_newer_version_is_refused(database: SqliteDatabase) -> None:
    with pytest.raises(SchemaMismatch, match="test-1"):
        await migrate(database, [])


async def test_a_migration_that_fails_leaves_nothing_behind(database: SqliteDatabase) -> None:
    broken = Migration(
        room="test", number=2, name="broken", statements=("CREATE TABLE half (x TEXT)", "NOT SQL")
    )
    with pytest.raises(DatabaseUnavailable):
        await migrate(database, [TABLE, broken])

    assert await database.read(lambda tx: tx.one("SELECT 1 FROM sqlite_master WHERE name = 'half'")) is None
