"""
All rows of one database into another, of either engine: one snapshot, one transaction, verified before it commits.

The tables are those that the migrations create, in the order of their creation, hence of their foreign keys. Rows
travel in pages of the primary key's order, and in that order a digest is taken of each table on either side.
"""

import asyncio
import contextlib
import hashlib
import queue
import re
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

import msgspec

from storage.database import Database, Row, Transaction
from storage.migrations import Migration
from wire import Refusal

PAGE_BYTES = 2_097_152  # 2 MiB; what a page shall hold, as far as the rows before tell
MAX_PAGE_ROWS = 1_000  # rows
PAGES_AHEAD = 2  # pages read and not yet written
WAIT_SECONDS = 30.0  # seconds that either side waits for the other

_CREATE = re.compile(r"\s*CREATE TABLE (?:IF NOT EXISTS )?([a-z_]+)")
_SEED = re.compile(r"\s*INSERT INTO ([a-z_]+)")
_COLUMNS = {
    "sqlite": "SELECT name, pk, 0 AS is_identity FROM pragma_table_info(:table) ORDER BY cid",
    "postgres": """
        SELECT c.column_name AS name, coalesce(k.ordinal_position, 0) AS pk,
            CASE c.is_identity WHEN 'YES' THEN 1 ELSE 0 END AS is_identity
        FROM information_schema.columns c
        LEFT JOIN information_schema.table_constraints t ON t.table_schema = c.table_schema
            AND t.table_name = c.table_name AND t.constraint_type = 'PRIMARY KEY'
        LEFT JOIN information_schema.key_column_usage k ON k.constraint_schema = t.constraint_schema
            AND k.constraint_name = t.constraint_name AND k.column_name = c.column_name
        WHERE c.table_schema = current_schema() AND c.table_name = :table
        ORDER BY c.ordinal_position
    """,
}

Report = Callable[[str, int], None]  # a table, and how many of its rows are written


class CopyRefused(Refusal, type="/problems/copy-refused", status=409):
    """The databases are not such that one can be copied into the other; nothing was written."""


class TableDigest(msgspec.Struct, frozen=True):
    """What a table holds: `digest` is the SHA-256 (hex) over its rows as JSON arrays, in primary key order."""

    table: str
    rows: int
    digest: str


class _Table(msgspec.Struct, frozen=True):
    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    identity: str | None


class _Page(msgspec.Struct, frozen=True):
    table: str
    rows: list[dict[str, Any]]


_End = list[TableDigest] | BaseException
_Feed = queue.Queue[_Page | _End]


async def copy_rows(
    source: Database,
    destination: Database,
    migrations: Sequence[Migration],
    on_progress: Report = lambda _table, _rows: None,
) -> list[TableDigest]:
    """
    Copy every row of `source` into `destination`; return what each table holds now, on either side.

    Both have all of `migrations`, and the destination nothing else. Memory: a few pages of `PAGE_BYTES`.

    Raises:
        CopyRefused: the destination is not empty, or what it holds in the end is not what the source does.
        DatabaseUnavailable: of either engine; the destination is as it was, unless its commit was under way.
    """
    feed: _Feed = queue.Queue(PAGES_AHEAD)
    stop = threading.Event()
    write = destination.write(_Once(lambda tx: _fill(tx, destination.dialect, migrations, feed, on_progress)))
    read = source.read(lambda tx: _read_all(tx, source.dialect, migrations, feed, stop))
    return await _both(read, write, feed, stop)


async def _both(
    read: Coroutine[Any, Any, None],
    write: Coroutine[Any, Any, list[TableDigest]],
    feed: _Feed,
    stop: threading.Event,
) -> list[TableDigest]:
    def tell(done: asyncio.Future[None]) -> None:
        """A source that cannot even begin must not leave the other side waiting."""
        if error := done.exception():
            with contextlib.suppress(queue.Full):
                feed.put_nowait(error)

    reading = asyncio.ensure_future(read)
    reading.add_done_callback(tell)
    try:
        copied = await write
    except BaseException:
        stop.set()
        await asyncio.gather(reading, return_exceptions=True)
        raise
    await reading
    return copied


def tables_of(migrations: Sequence[Migration]) -> tuple[str, ...]:
    """Return the names of the tables that `migrations` create, in that order."""
    return tuple(match[1] for statement in _statements(migrations) if (match := _CREATE.match(statement)))


def digest_tables(tx: Transaction, dialect: str, migrations: Sequence[Migration]) -> list[TableDigest]:
    """Return what each table holds, from one snapshot."""
    return [_digest(tx, _table(tx, dialect, name), lambda _: None) for name in tables_of(migrations)]


class _Once:
    """A function that must not run twice: what it is fed comes but once. The second time it fails as the first."""

    def __init__(self, fn: Callable[[Transaction], list[TableDigest]]) -> None:
        self._fn = fn
        self._error: BaseException | None = None
        self._has_run = False

    def __call__(self, tx: Transaction) -> list[TableDigest]:
        if self._has_run:
            raise self._error or CopyRefused("the destination asked to begin anew; run the copy again")
        self._has_run = True
        try:
            return self._fn(tx)
        except BaseException as error:
            self._error = error
            raise


def _read_all(
    tx: Transaction, dialect: str, migrations: Sequence[Migration], feed: _Feed, stop: threading.Event
) -> None:
    """Feed every page of every table, then the digests; an error is fed too, so that the other side ends."""

    def put(item: _Page | _End) -> None:
        for _ in range(int(WAIT_SECONDS * 10)):
            with contextlib.suppress(queue.Full):
                if not stop.is_set():
                    feed.put(item, timeout=0.1)
                return
        raise CopyRefused("the destination takes no more rows")

    try:
        digests = []
        for name in tables_of(migrations):
            digests.append(_digest(tx, _table(tx, dialect, name), put))
        put(digests)
    except BaseException as error:
        put(error)
        raise


def _fill(
    tx: Transaction, dialect: str, migrations: Sequence[Migration], feed: _Feed, on_progress: Report
) -> list[TableDigest]:
    """
    1. Refuse a destination that holds rows. 2. Insert what comes. 3. Set the sequences.
    4. Compare what is there with what the source said at its end.
    """
    tables = {name: _table(tx, dialect, name) for name in tables_of(migrations)}
    seeded = {match[1] for statement in _statements(migrations) if (match := _SEED.match(statement))}
    _require_empty(tx, [name for name in tables if name not in seeded])  # 1
    counts = dict.fromkeys(tables, 0)
    while isinstance(item := _next(feed), _Page):  # 2
        table = tables[item.table]
        tx.execute_many(_insert(table, is_seeded=table.name in seeded), item.rows)
        counts[table.name] += len(item.rows)
        on_progress(table.name, counts[table.name])
    if isinstance(item, BaseException):
        raise item
    for table in tables.values():  # 3
        _set_sequence(tx, table, counts[table.name])
    found = [_digest(tx, table, lambda _: None) for table in tables.values()]  # 4
    if differing := [ours.table for ours, theirs in zip(found, item, strict=True) if ours != theirs]:
        raise CopyRefused(f"nothing is kept: what arrived differs from the source in {', '.join(differing)}")
    return found


def _next(feed: _Feed) -> _Page | _End:
    try:
        return feed.get(timeout=WAIT_SECONDS)
    except queue.Empty:
        raise CopyRefused("the source gives no more rows; nothing is kept") from None


def _require_empty(tx: Transaction, names: Sequence[str]) -> None:
    full = [name for name in names if tx.one(f"SELECT 1 AS found FROM {name} LIMIT 1") is not None]  # noqa: S608 (ours)
    if full:
        raise CopyRefused(
            f"the destination is in use: there are rows in {', '.join(full)}; name an empty one"
        )


def _table(tx: Transaction, dialect: str, name: str) -> _Table:
    rows = tx.all(_COLUMNS[dialect], {"table": name})
    keyed = sorted((row["pk"], row["name"]) for row in rows if row["pk"])
    return _Table(
        name=name,
        columns=tuple(sorted(row["name"] for row in rows)),
        key=tuple(column for _, column in keyed),
        identity=next((row["name"] for row in rows if row["is_identity"]), None),
    )


def _digest(tx: Transaction, table: _Table, put: Callable[[_Page], None]) -> TableDigest:
    """Page through a table, giving each page to `put`; return the digest of it all."""
    hashed, count = hashlib.sha256(), 0
    for rows in _pages(tx, table):
        for row in rows:
            hashed.update(msgspec.json.encode([row[column] for column in table.columns]) + b"\n")
        count += len(rows)
        put(_Page(table.name, rows))
    return TableDigest(table.name, count, hashed.hexdigest())


def _pages(tx: Transaction, table: _Table) -> Iterator[list[dict[str, Any]]]:
    columns, key = ", ".join(table.columns), ", ".join(table.key)
    behind = ", ".join(f":after_{column}" for column in table.key)
    first = f"SELECT {columns} FROM {table.name} ORDER BY {key} LIMIT :limit"  # noqa: S608 (names of ours)
    other = f"SELECT {columns} FROM {table.name} WHERE ({key}) > ({behind}) ORDER BY {key} LIMIT :limit"  # noqa: S608
    limit, after = 16, None
    while found := tx.all(first if after is None else other, {"limit": limit, **(after or {})}):
        rows = [_as_dict(row, table.columns) for row in found]
        yield rows
        after = {f"after_{column}": rows[-1][column] for column in table.key}
        size = max(
            1, sum(len(value) for row in rows for value in row.values() if isinstance(value, bytes | str))
        )
        limit = max(1, min(MAX_PAGE_ROWS, limit * 4, PAGE_BYTES * len(rows) // size))


def _as_dict(row: Row, columns: Sequence[str]) -> dict[str, Any]:
    return {column: row[column] for column in columns}


def _insert(table: _Table, *, is_seeded: bool) -> str:
    """Return the statement for one row; a migration may have put a row of a seeded table there already."""
    columns, values = ", ".join(table.columns), ", ".join(f":{column}" for column in table.columns)
    overriding = " OVERRIDING SYSTEM VALUE" if table.identity else ""
    changes = ", ".join(f"{name} = excluded.{name}" for name in table.columns if name not in table.key)
    conflict = (
        f" ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET {changes}" if is_seeded and changes else ""
    )
    return f"INSERT INTO {table.name} ({columns}){overriding} VALUES ({values}){conflict}"  # noqa: S608 (ours)


def _set_sequence(tx: Transaction, table: _Table, rows: int) -> None:
    """PostgreSQL counts on from where its sequence is, whatever ids are there; SQLite looks for itself."""
    if table.identity is not None and rows:
        tx.one(
            f"SELECT setval(pg_get_serial_sequence(:table, :column), max({table.identity})) AS last"  # noqa: S608
            f" FROM {table.name}",
            {"table": table.name, "column": table.identity},
        )


def _statements(migrations: Sequence[Migration]) -> list[str]:
    return [text for migration in migrations for text in migration.statements if isinstance(text, str)]
