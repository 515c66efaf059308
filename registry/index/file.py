"""
The file of the index: made of events, and of nothing else. Store, over a file of its own.

One SQLite file for each node, in WAL mode and mapped into memory, so that its processes share it: any of them
reads without waiting, and one at a time writes. Each version of the registry is applied in one transaction. It
holds every revision with the recorded times in which it was the newest, [known_from, known_until), so that a
question about what was known at some time is the same query with another number.

Its loss means nothing: it is made anew from the events, row for row the same. It is made anew as well where it is
of another format, or of other events (`Head.digest`). A process that is killed leaves a version whole or not at
all; the journal is synced only now and then, which can lose the last versions, and those are applied again.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec
from pysqlite3 import dbapi2 as sqlite3

from registry.events import GAP, Event
from registry.index.keys import dates_of, found_under, keys_of, words_for
from registry.model import TYPES, Fact

FORMAT = 3  # raised with each change of the tables or of the keys
FOREVER = 2**62  # microseconds; the end of what is known now
MAP_BYTES = 2**34  # bytes of the file that are mapped at most
CACHE_KIB = 2_048  # of each connection, besides what is mapped
WRITER_CACHE_KIB = 65_536  # of the one that writes, while it does: keys lie all over the file
BUSY_MS = 10_000  # milliseconds; nobody holds the file so long

_DECODERS = {kind: msgspec.json.Decoder(wanted) for kind, wanted in TYPES.items()}

_TABLES = (
    "CREATE TABLE progress (id INTEGER PRIMARY KEY CHECK (id = 1), format INTEGER, version INTEGER,"
    " position INTEGER, recorded_at INTEGER, digest TEXT)",
    "CREATE TABLE revisions (position INTEGER PRIMARY KEY, kind TEXT, fact_id TEXT, revision INTEGER,"
    " known_from INTEGER, known_until INTEGER, body TEXT)",
    "CREATE INDEX revisions_of ON revisions (kind, fact_id, known_from)",
    "CREATE TABLE keys (key INTEGER, position INTEGER, PRIMARY KEY (key, position)) WITHOUT ROWID",
    # What was ever so, whatever became of it: whoever reads looks at the facts themselves.
    "CREATE TABLE words (word TEXT, entity_id TEXT, PRIMARY KEY (word, entity_id)) WITHOUT ROWID",
    "CREATE TABLE granted (key INTEGER, entity_id TEXT, PRIMARY KEY (key, entity_id)) WITHOUT ROWID",
    "CREATE TABLE dates (what TEXT, at INTEGER, position INTEGER, PRIMARY KEY (what, at, position)) WITHOUT ROWID",
    "CREATE TABLE gaps (lost_from INTEGER, lost_until INTEGER)",
    f"INSERT INTO progress VALUES (1, {FORMAT}, 0, 0, 0, '')",  # noqa: S608 (a number)
)

_REVISION = "INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?)"
_KEY = "INSERT INTO keys VALUES (?, ?)"
_WORD = "INSERT OR IGNORE INTO words VALUES (?, ?)"
_DATE = "INSERT INTO dates VALUES (?, ?, ?)"
_GRANTED = "INSERT OR IGNORE INTO granted VALUES (?, ?)"
_REPLACED = (
    "UPDATE revisions SET known_until = ? WHERE kind = ? AND fact_id = ? AND known_until = ? AND position < ?"
)


def _rows_of(events: list[Event]) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows that revisions add, by the statement that inserts them."""
    revisions: list[tuple[Any, ...]] = []
    keys: list[tuple[Any, ...]] = []
    dates: list[tuple[Any, ...]] = []
    words: set[tuple[Any, ...]] = set()
    granted: set[tuple[Any, ...]] = set()
    for event in events:
        at, of = event.position, (event.kind, event.fact_id)
        revisions.append((at, *of, event.revision, event.recorded_at, FOREVER, event.body))
        if event.body is not None:
            fact: Fact = _DECODERS[event.kind].decode(event.body)  # type: ignore[index]
            keys += [(each, at) for each in set(keys_of(fact))]
            dates += [(*each, at) for each in set(dates_of(fact))]
            words.update((word, fact.id) for word in words_for(fact))
            granted.update(found_under(fact))
    return {
        _REVISION: revisions,
        _KEY: keys,
        _DATE: dates,
        _WORD: list(words),
        _GRANTED: list(granted),
    }


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

    def progress(self) -> Progress | None:
        """Return how far the file has come; None: it is empty, or of another format."""
        return progress_of(self.connection)

    def begin(self) -> None:
        """Begin a transaction; it goes on until `commit`."""
        self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Let everybody see what was done."""
        self.connection.execute("COMMIT")

    def clear(self) -> None:
        """Forget everything."""
        names = self.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            self.connection.execute(f"DROP TABLE {name}")
        _make(self.connection)

    def apply(self, events: Iterable[Event]) -> None:
        """Apply the next events; a version whose last event is among them is complete."""
        new = list(events)
        last = new[-1] if new else None
        self._add([event for event in new if event.kind != GAP])
        for event in new:
            if event.kind == GAP:
                self._open_gap(event)
        if last is not None:
            self.connection.execute(
                "UPDATE progress SET version = ?, position = ?, recorded_at = ?, digest = ?",
                (last.version, last.position, last.recorded_at, last.digest),
            )

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def _add(self, events: list[Event]) -> None:
        """Add revisions, table by table and in the order of their keys: in a long run that is the quickest."""
        for insert, rows in _rows_of(events).items():
            self.connection.executemany(insert, sorted(rows))
        replaced = [each for each in events if each.revision > 1]
        self.connection.executemany(
            _REPLACED,
            [(each.recorded_at, each.kind, each.fact_id, FOREVER, each.position) for each in replaced],
        )

    def _open_gap(self, event: Event) -> None:
        gap = msgspec.json.decode(event.body or "{}", type=dict[str, int])
        self.connection.execute("INSERT INTO gaps VALUES (?, ?)", (gap["from"], gap["until"]))


def progress_of(connection: Any) -> Progress | None:
    """Return how far the file has come; None: it is empty, or of another format."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'progress'").fetchone() is None:
        return None
    row = connection.execute(
        "SELECT version, position, recorded_at, digest FROM progress WHERE format = ?", (FORMAT,)
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
    _make(connection)
    return connection


def remove(path: Path) -> None:
    """Remove a file that cannot be read; whoever has it open goes on reading it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _make(connection: Any) -> None:
    for statement in _TABLES:
        connection.execute(statement)
