"""
The file of the index: made of events, and of nothing else. Store, over a file of its own.

One SQLite file for each node, in WAL mode and mapped into memory, so that its processes share it: any of them
reads without waiting, and one at a time writes. Each version of the registry is applied in one transaction, and
touches the rows of what it changes alone. A file that begins anew takes all there is in one transaction.

Its loss means nothing: it is made anew from the events, row for row the same. It is made anew as well where it is
of another format, or of other events (`Head.digest`). A process that is killed leaves a version whole or not at
all; the journal is synced only now and then, which can lose the last versions, and those are applied again.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from pysqlite3 import dbapi2 as sqlite3

from registry.events import GAP, Event
from registry.index import tables
from registry.index.keys import keys_of

MAP_BYTES = 2**34  # bytes of the file that are mapped at most
CACHE_KIB = 2_048  # of each connection, besides what is mapped
WRITER_CACHE_KIB = 32_768  # of the one that writes, while it does
KEPT_WAL_BYTES = 16_777_216  # 16 MiB; a journal that was longer, since the file was made anew, is cut
BUSY_MS = 10_000  # milliseconds; nobody holds the file so long


class Progress(msgspec.Struct, frozen=True):
    """How far the file has come; as `Head`."""

    version: int
    position: int
    recorded_at: int
    digest: str


class IndexFile:
    """
    The file, for one process of the machine at a time: whoever holds its lock. Closing it gives changes up that
    were not committed.

    Args:
        path: None: in memory, and empty.
    """

    def __init__(self, path: Path | None) -> None:
        if path is None:
            self.connection = nothing()
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        self.connection = connect(path, "rw", WRITER_CACHE_KIB)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = NORMAL")
        self.connection.execute(f"PRAGMA journal_size_limit = {KEPT_WAL_BYTES}")

    def progress(self) -> Progress | None:
        """Return how far the file has come; None: it is empty, or of another format."""
        return progress_of(self.connection)

    def begin(self) -> None:
        """Begin a transaction; it goes on until `commit`."""
        self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Let everybody see what was done."""
        self.connection.execute("COMMIT")

    def begin_anew(self) -> None:
        """Forget everything, and get ready for `fill`."""
        names = self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        _run(self.connection, *(f"DROP TABLE {name}" for (name,) in names), *tables.CREATE, *tables.UNSORTED)

    def fill(self, events: Sequence[Event]) -> None:
        """Take the next events of all there are."""
        self._add(events, tables.AT_ONCE)

    def put_in_order(self) -> None:
        """Sort what was taken; the file is as if each event had been applied."""
        _run(self.connection, *tables.SORTED)

    def apply(self, events: Sequence[Event]) -> None:
        """Apply the next events; a version whose last event is among them is complete."""
        self._add(events, tables.ONE_BY_ONE)
        for event in events:
            if event.revision > 1 and event.kind != GAP:
                self._supersede(event)

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def _add(self, events: Sequence[Event], inserts: dict[str, str]) -> None:
        told, last = [event for event in events if event.kind != GAP], events[-1]
        self.connection.executemany(tables.REVISION, map(tables.revision_row, told))
        for table, rows in tables.placed_rows(told).items():
            self.connection.executemany(inserts[table], rows)
        for event in events:
            if event.kind == GAP:
                self._open_gap(event)
        progress = (last.version, last.position, last.recorded_at, last.digest)
        self.connection.execute(tables.PROGRESS, progress)

    def _supersede(self, event: Event) -> None:
        """Note on the revision before, and on its keys, that it was known until this event."""
        at, of = event.recorded_at, (event.kind, event.fact_id)
        position, body = self.connection.execute(tables.BEFORE, (*of, event.position)).fetchone()
        self.connection.execute(tables.KNOWN_UNTIL, (at, position))
        keys = () if body is None else set(keys_of(tables.fact_of(event.kind, body)))
        self.connection.executemany(tables.FOUND_UNTIL, [(at, key, position) for key in keys])

    def _open_gap(self, event: Event) -> None:
        gap = msgspec.json.decode(event.body or "{}", type=dict[str, int])
        self.connection.execute(tables.GAP, (gap["from"], gap["until"]))


def progress_of(connection: Any) -> Progress | None:
    """Return how far the file has come; None: it is empty, or of another format."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'progress'").fetchone() is None:
        return None
    row = connection.execute(
        "SELECT version, position, recorded_at, digest FROM progress WHERE format = ?", (tables.FORMAT,)
    ).fetchone()
    return None if row is None else Progress(*row)


def connect(path: Path, mode: Literal["ro", "rw"], cache_kib: int = CACHE_KIB) -> Any:
    """
    Open a connection to a file that is there.

    One that only reads never removes the journal when it is closed, which may be that of a newer file by then.
    """
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
    )
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    connection.execute(f"PRAGMA mmap_size = {MAP_BYTES}")
    connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    return connection


def gap_around(connection: Any, known_at: int) -> tuple[int, int] | None:
    """Return the span around a recorded time of which a restore lost what was recorded, if there is one."""
    found: tuple[int, int] | None = connection.execute(
        "SELECT lost_from, lost_until FROM gaps WHERE lost_from < ? AND ? <= lost_until", (known_at, known_at)
    ).fetchone()
    return found


def dump_of(connection: Any) -> list[tuple[Any, ...]]:
    """Return every row of the file, table by table, in order; the same for the same events."""
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    ).fetchall()
    return [
        (name, *row)
        for (name,) in tables
        for row in connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2")  # noqa: S608 (our own)
    ]


def nothing() -> Any:
    """Return a connection to an empty index, in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    _run(connection, *tables.CREATE)
    return connection


def remove(path: Path) -> None:
    """Remove a file that cannot be read; whoever has it open goes on reading it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _run(connection: Any, *statements: str) -> None:
    for statement in statements:
        connection.execute(statement)
