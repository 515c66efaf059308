"""
A SQLite database as files: a copy of a live one, a look at its integrity, and its place taken by another.

A copy is taken from one snapshot, so that it is a whole however long it takes; writers go on meanwhile (the WAL
cannot start over until it is done). It gets its name when it is complete, verified and on the disk.
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2 as sqlite3

from storage.database import DatabaseUnavailable
from storage.sqlite import _connect

STEP_PAGES = 1_024  # pages between two reports, 4 MiB
COMPANIONS = ("-wal", "-shm")
ASIDE = ".before-restore-"
# Where SQLite locks a database file (its source, os.h): a connection in WAL mode holds a shared lock there.
_SHARED_FIRST, _SHARED_SIZE = 0x40000002, 510

Progress = Callable[[int, int], None]  # bytes done, bytes in all


def back_up(source: Path, destination: Path, on_progress: Progress = lambda _done, _all: None) -> None:
    """
    Copy the database at `source`, which may be in use, to a file (mode 0600) that is not there yet.

    1. Copy to `<destination>.unfinished`. 2. Verify that. 3. Bring it to the disk. 4. Name it `destination`.

    Raises:
        FileExistsError: `destination` is there.
        DatabaseUnavailable: the source cannot be read, or the copy is not sound.
    """
    if destination.exists():
        raise FileExistsError(17, "is there already; it is not overwritten", str(destination))
    if not source.exists():
        raise DatabaseUnavailable(f"{source}: no such database")
    unfinished = destination.with_name(destination.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        _copy(source, unfinished, on_progress)  # 1
        _require_sound(unfinished)  # 2
    except (sqlite3.Error, DatabaseUnavailable) as error:
        unfinished.unlink(missing_ok=True)
        raise DatabaseUnavailable(f"{source}: not copied ({error})") from None
    _sync(unfinished)  # 3
    unfinished.rename(destination)  # 4
    _sync(destination.parent)


def is_in_use(path: Path) -> bool:
    """Tell whether a process, which must not be ours, has the database at `path` open."""
    if not path.exists():
        return False
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_SIZE, _SHARED_FIRST)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def take_place(new: Path, path: Path, stamp: str) -> Path | None:
    """
    Put the closed database `new` in the place of the one at `path`; nobody may have either open.

    `stamp` is a time that ends with "Z" and sorts.

    What was at `path` is moved to `<path>.before-restore-<stamp>`, which is returned; None: nothing was there.
    After a crash in between there is no database at `path`, and none of its companions is taken for another's.
    """
    _sync(new)
    aside = _move_aside(path, stamp)
    new.rename(path)
    _sync(path.parent)
    return aside


def set_aside(path: Path) -> list[Path]:
    """Return the databases that earlier restores moved aside, the latest first."""
    return sorted(path.parent.glob(f"{path.name}{ASIDE}*Z"), reverse=True)


def _move_aside(path: Path, stamp: str) -> Path | None:
    """Move the file first: whoever starts now finds none. Then its companions, and those a crash left here."""
    aside = path.with_name(f"{path.name}{ASIDE}{stamp}")
    if path.exists():
        path.rename(aside)
    elif earlier := set_aside(path):
        aside = earlier[0]
    else:
        aside = path.with_name(f"{path.name}{ASIDE}{stamp}")
    for companion in COMPANIONS:
        left = path.with_name(path.name + companion)
        if left.exists():
            left.rename(aside.with_name(aside.name + companion))
    _sync(path.parent)
    return aside if aside.exists() else None


def _copy(source: Path, target: Path, on_progress: Progress) -> None:
    reading, writing = _connect(source, read_only=True), sqlite3.connect(str(target), isolation_level=None)
    page_bytes = int(reading.execute("PRAGMA page_size").fetchone()[0])

    def report(_status: int, remaining: int, total: int) -> None:
        on_progress((total - remaining) * page_bytes, total * page_bytes)

    try:
        reading.execute("BEGIN")
        # The snapshot begins at the first look. Without it, another's commit would start the copy over, for ever.
        reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        reading.backup(writing, pages=STEP_PAGES, progress=report, sleep=0)
        writing.execute("PRAGMA journal_mode=DELETE").fetchone()  # One file, without companions.
    finally:
        writing.close()
        reading.close()


def _require_sound(path: Path) -> None:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    try:
        faults = integrity_faults(lambda sql: connection.execute(sql).fetchall())
    finally:
        connection.close()
    if faults:
        raise DatabaseUnavailable("; ".join(faults[:3]))


def integrity_faults(query: Callable[[str], list[Any]]) -> list[str]:
    """Return what `PRAGMA integrity_check` and `foreign_key_check` find, a sentence each."""
    found = [str(row[0]) for row in query("PRAGMA integrity_check")]
    faults = [] if found == ["ok"] else found
    strays = query("PRAGMA foreign_key_check")
    return faults + [f"a row of {row[0]} refers to one of {row[2]} that is not there" for row in strays]


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
