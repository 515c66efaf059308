"""The writer thread: what it does after an I/O error, how often it checkpoints, and whom it wakes."""

import asyncio
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from pysqlite3 import dbapi2 as sqlite3

from storage import DatabaseUnavailable, Transaction
from storage.sqlite import CHECKPOINT_WAL_BYTES, SqliteDatabase
from tests.databases import Query, SqlitePlace

pytestmark = pytest.mark.anyio


@pytest.fixture
def database(sqlite: SqliteDatabase) -> SqliteDatabase:
    return sqlite


@pytest.fixture
def outside(sqlite: SqliteDatabase) -> Query:
    return SqlitePlace(sqlite.path).query


FILLS = CHECKPOINT_WAL_BYTES // 2**20 + 1  # calls of `fill` that make a checkpoint due


def note(text: str) -> Callable[[Transaction], int]:
    return lambda tx: tx.execute("INSERT INTO notes (text) VALUES (:text)", {"text": text})


def fill(tx: Transaction) -> None:
    """Make the WAL one MiB longer: half of it for the row, half for the index that keeps it unique."""
    tx.execute("INSERT INTO notes (text) VALUES (hex(randomblob(262144)))")


def fail_as_a_disk_does(tx: Transaction) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    raise error


async def test_a_write_that_waits_behind_an_io_error_is_neither_run_nor_acknowledged(
    database: SqliteDatabase, outside: Query
) -> None:
    """It was taken while the engine was well: nobody may be told that a disk in doubt has it."""
    entered, opened = threading.Event(), threading.Event()

    def wait_then_fail(tx: Transaction) -> None:
        entered.set()
        assert opened.wait(10)
        fail_as_a_disk_does(tx)

    failing = asyncio.create_task(database.write(wait_then_fail))
    await asyncio.to_thread(entered.wait, 10)
    behind = [asyncio.create_task(database.write(note(f"behind {number}"))) for number in range(3)]
    await asyncio.sleep(0)  # They are in the queue now.
    opened.set()
    outcomes = await asyncio.gather(failing, *behind, return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable] * 4
    assert outside("SELECT count(*) FROM notes") == [(0,)]
    assert not database.is_healthy


async def test_an_engine_that_failed_does_not_checkpoint_when_it_is_closed(database: SqliteDatabase) -> None:
    with pytest.raises(DatabaseUnavailable):
        await database.write(fail_as_a_disk_does)
    before = database.stats.checkpoints
    database.close()

    assert database.stats.checkpoints == before


async def test_small_commits_after_a_checkpoint_do_not_checkpoint_again(database: SqliteDatabase) -> None:
    """The WAL's file keeps its size when the WAL starts over, so its size says nothing."""
    for _ in range(FILLS):
        await database.write(fill)
    await database.write(note("the checkpoint is over"))
    before = database.stats.checkpoints
    for number in range(100):
        await database.write(note(str(number)))

    assert before == 1
    assert database.stats.checkpoints == before
    assert database.stats.wal_bytes < CHECKPOINT_WAL_BYTES


async def test_a_wal_that_grows_again_is_checkpointed_again(database: SqliteDatabase) -> None:
    for _ in range(2 * FILLS):
        await database.write(fill)
    await database.write(note("the checkpoint is over"))

    assert database.stats.checkpoints == 2


async def test_a_long_reader_costs_a_checkpoint_per_growth_and_not_per_commit(
    database: SqliteDatabase,
) -> None:
    stranger = sqlite3.connect(str(database.path), isolation_level=None)
    stranger.execute("BEGIN")
    stranger.execute("SELECT count(*) FROM notes").fetchall()
    for _ in range(5 * FILLS):
        await database.write(fill)
    before = database.stats.checkpoints
    for number in range(50):
        await database.write(note(str(number)))
    stranger.close()

    assert before <= 6
    assert database.stats.checkpoints == before


def test_nobody_else_can_hold_the_writer_lock(database: SqliteDatabase) -> None:
    """A flock needs no more than an open file: one that others may open could stop every write."""
    lock = database.path.with_name(database.path.name + ".writer")

    assert stat.S_IMODE(lock.stat().st_mode) == 0o600


def test_callers_on_several_event_loops_are_all_answered(database: SqliteDatabase, outside: Query) -> None:
    async def write(name: str) -> list[int]:
        writes = [database.write(note(f"{name}-{n}")) for n in range(100)]
        return await asyncio.wait_for(asyncio.gather(*writes), 10)

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda name: asyncio.run(write(name)), "abcd"))

    assert answers == [[1] * 100] * 4
    assert outside("SELECT count(*) FROM notes") == [(400,)]


def test_a_caller_whose_loop_is_gone_does_not_hold_up_the_others(
    database: SqliteDatabase, outside: Query
) -> None:
    opened = threading.Event()

    async def leave() -> None:
        asyncio.get_running_loop().create_task(database.write(lambda tx: opened.wait(10)))
        await asyncio.sleep(0.01)

    asyncio.run(leave())
    opened.set()
    asyncio.run(asyncio.wait_for(database.write(note("next")), 10))

    assert outside("SELECT text FROM notes") == [("next",)]
