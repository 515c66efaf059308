"""A copy of a live SQLite database is whole, private and verified; whether a database is in use is told."""

import asyncio
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite3

from storage import DatabaseUnavailable
from storage.sqlite import open_sqlite
from storage.sqlite_backup import back_up, is_in_use, set_aside, take_place
from tests.databases import SqlitePlace

pytestmark = pytest.mark.anyio

TABLES = (
    "CREATE TABLE pairs (id INTEGER PRIMARY KEY, one INTEGER NOT NULL, other INTEGER NOT NULL, filler BLOB)"
)
FILLED = 20_000  # rows of 1,000 bytes: several steps of the copy

# Writes pairs whose halves are equal, in two statements of one transaction each, until it is killed.
WRITER = """
import sys
from pysqlite3 import dbapi2 as sqlite3
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA busy_timeout=10000")
number = 0
while True:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE pairs SET one = one + 1 WHERE id % 1000 = ?", (number % 1000,))
    connection.execute("UPDATE pairs SET other = other + 1 WHERE id % 1000 = ?", (number % 1000,))
    connection.execute("COMMIT")
    number += 1
    if number == 1:
        print("writing", flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "live.db"
    open_sqlite(path, create=True).close()
    place = SqlitePlace(path)
    place.query(TABLES)
    place.query(
        f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {FILLED})"
        " INSERT INTO pairs SELECT i, 0, 0, zeroblob(1000) FROM n"
    )
    return path


@pytest.fixture
def writer(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that writes all the time."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_backup_taken_during_writes_is_a_whole(
    path: Path, writer: subprocess.Popen[str], tmp_path: Path
) -> None:
    copy, steps = tmp_path / "copy.db", []
    before = SqlitePlace(path).query("SELECT sum(one) FROM pairs")[0][0]
    back_up(path, copy, lambda done, of: steps.append((done, of)))
    after = SqlitePlace(path).query("SELECT sum(one) FROM pairs")[0][0]
    taken, torn = SqlitePlace(copy).query("SELECT sum(one), sum(one <> other) FROM pairs")[0]

    assert torn == 0
    assert before <= taken < after, "writers were not held up"
    assert len(steps) > 1
    assert steps[-1][0] == steps[-1][1] == copy.stat().st_size


def test_a_backup_is_private_one_file_and_never_overwrites(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copies" / "copy.db"
    copy.parent.mkdir()
    back_up(path, copy)
    before = copy.read_bytes()

    with pytest.raises(FileExistsError):
        back_up(path, copy)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert copy.read_bytes() == before
    assert [found.name for found in copy.parent.iterdir()] == ["copy.db"]


def test_a_damaged_database_gives_no_backup(path: Path, tmp_path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4_096 * 100)
        file.write(b"\xff" * 4_096 * 3)

    with pytest.raises(DatabaseUnavailable):
        back_up(path, tmp_path / "copy.db")
    assert not list(tmp_path.glob("copy.db*"))


def test_a_file_that_is_no_database_gives_no_backup(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"no database" * 1_000)

    with pytest.raises(DatabaseUnavailable):
        back_up(tmp_path / "other", tmp_path / "copy.db")
    assert not list(tmp_path.glob("copy.db*"))


def test_a_database_that_another_process_has_open_is_in_use(
    path: Path, writer: subprocess.Popen[str]
) -> None:
    used = is_in_use(path)
    writer.kill()
    writer.wait()

    assert used
    assert not is_in_use(path)


async def test_a_crash_between_the_moves_leaves_no_wal_to_the_new_database(
    path: Path, tmp_path: Path
) -> None:
    """The old database was moved, its WAL was not yet: the next restore must not give that to another file."""
    new = tmp_path / "new.db"
    back_up(path, new)
    path.rename(tmp_path / "live.db.before-restore-1Z")
    (tmp_path / "live.db-wal").write_bytes(b"the WAL of the old one")

    take_place(new, path, "2Z")

    assert not (tmp_path / "live.db-wal").exists()
    assert (tmp_path / "live.db.before-restore-1Z-wal").read_bytes() == b"the WAL of the old one"
    assert set_aside(path) == [tmp_path / "live.db.before-restore-1Z"]
    assert SqlitePlace(path).query("SELECT count(*) FROM pairs") == [(FILLED,)]


async def test_a_backup_does_not_hold_up_the_engine(path: Path, tmp_path: Path) -> None:
    database = open_sqlite(path)
    try:
        copying = asyncio.create_task(asyncio.to_thread(back_up, path, tmp_path / "copy.db"))
        writes = 0
        while not copying.done():
            await database.write(lambda tx: tx.execute("UPDATE pairs SET one = one + 1 WHERE id = 1"))
            writes += 1
        await copying
    finally:
        database.close()

    assert writes > 1
    with sqlite3.connect(tmp_path / "copy.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
