"""The SQLite engine: which library it trusts, how it opens, and what it does about checkpoints."""

import asyncio
import stat
import time
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite3

from storage import DatabaseUnavailable, Transaction
from storage.sqlite import BUSY_TIMEOUT_MS, CHECKPOINT_WAL_BYTES, SqliteDatabase, is_safe_version, open_sqlite
from tests.storage.conftest import run_outside

pytestmark = pytest.mark.anyio


@pytest.fixture
def database(sqlite: SqliteDatabase) -> SqliteDatabase:
    return sqlite


@pytest.mark.parametrize(
    ("version", "is_safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 3), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 0), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
        ((4, 0, 0), True),
    ],
)
def test_only_a_sqlite_without_the_wal_reset_bug_is_trusted(
    version: tuple[int, int, int], is_safe: bool
) -> None:
    assert is_safe_version(version) is is_safe


def test_the_installed_library_is_a_trusted_one() -> None:
    assert is_safe_version(sqlite3.sqlite_version_info)


def test_a_missing_file_names_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="touchstone init"):
        open_sqlite(tmp_path / "none.db")

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database" * 1_000)

    with pytest.raises(DatabaseUnavailable, match="not a database"):
        open_sqlite(tmp_path / "x.db")


def test_a_new_database_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    open_sqlite(tmp_path / "deep" / "new.db", create=True).close()

    assert stat.S_IMODE((tmp_path / "deep" / "new.db").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "deep").stat().st_mode) & 0o077 == 0


async def test_the_connection_is_durable_and_checks_foreign_keys(database: SqliteDatabase) -> None:
    def pragma(tx: Transaction, name: str) -> object:
        row = tx.one(f"PRAGMA {name}")
        return row[name] if row else None

    names = ("journal_mode", "synchronous", "foreign_keys")
    found = await database.write(lambda tx: [pragma(tx, name) for name in names])

    assert found == ["wal", 2, 1]


def fill(tx: Transaction) -> None:
    """Write one MiB."""
    tx.execute("INSERT INTO notes (text) VALUES (hex(randomblob(524288)))")


async def test_a_wal_over_its_limit_is_checkpointed(database: SqliteDatabase) -> None:
    for _ in range(CHECKPOINT_WAL_BYTES // 2**20):
        await database.write(fill)
    await database.write(fill)
    await database.write(lambda tx: None)  # The checkpoint comes after the answer; this waits for it.

    assert database.stats.checkpoints >= 1
    assert database.stats.checkpoint_failures == 0
    assert database.path.stat().st_size > CHECKPOINT_WAL_BYTES // 2


async def test_a_reader_that_stays_does_not_hold_up_the_writers(database: SqliteDatabase) -> None:
    """A checkpoint waits for old readers, and holds the writer meanwhile: so it waits a moment only."""
    stranger = sqlite3.connect(str(database.path), isolation_level=None)
    stranger.execute("BEGIN")
    stranger.execute("SELECT count(*) FROM notes").fetchall()
    waits = []
    for _ in range(5 * CHECKPOINT_WAL_BYTES // 2**20):
        began = time.monotonic()
        await asyncio.wait_for(database.write(fill), 60)
        waits.append(time.monotonic() - began)
    stranger.close()

    assert database.stats.wal_bytes > 4 * CHECKPOINT_WAL_BYTES
    assert max(waits) < 5, "the busy handler of a request, not of a checkpoint, was waited for"


async def test_a_checkpoint_that_a_reader_blocks_is_counted_and_told(
    database: SqliteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    stranger = sqlite3.connect(str(database.path), isolation_level=None)
    stranger.execute("BEGIN")
    stranger.execute("SELECT count(*) FROM notes").fetchall()
    for _ in range(2 * CHECKPOINT_WAL_BYTES // 2**20):
        await database.write(fill)
    passive = database.stats.checkpoint_failures
    for _ in range(4 * CHECKPOINT_WAL_BYTES // 2**20):
        await database.write(fill)
    await database.write(lambda tx: None)
    stranger.close()
    timeout = await database.write(lambda tx: tx.one("PRAGMA busy_timeout"))

    assert passive == 0, "a passive checkpoint goes as far as it can"
    assert database.stats.checkpoint_failures >= 1
    assert "blocked by a long reader" in caplog.text
    assert database.is_healthy
    assert timeout is not None
    assert timeout["timeout"] == BUSY_TIMEOUT_MS


async def test_closing_leaves_everything_in_one_file(tmp_path: Path) -> None:
    database = open_sqlite(tmp_path / "one.db", create=True)
    await database.write(lambda tx: tx.execute("CREATE TABLE notes (text TEXT)"))
    await database.write(lambda tx: tx.execute("INSERT INTO notes VALUES ('here')"))
    database.close()

    assert not (tmp_path / "one.db-wal").exists()
    assert run_outside(database, "SELECT text FROM notes") == [("here",)]
