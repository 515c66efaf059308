"""
The SQLite engine: one writer thread with group commit, read-only snapshots, explicit checkpoints.

Theory of operation
-------------------
- *Writer.* One thread owns the only connection that writes. It takes every function that is waiting (up to
  `MAX_BATCH`), holds the file lock `<database>.writer` (the busy handler is unfair between processes), and
  runs them in one `BEGIN IMMEDIATE` transaction, a SAVEPOINT each. Futures are resolved after COMMIT has
  returned; with WAL and `synchronous=FULL` that is after the disk has it.
- *Readers.* A few threads, each with a connection that can only read; a read transaction is a snapshot.
- *Checkpoints.* Automatic ones swallow I/O errors, so they are off. The writer checkpoints when the WAL has
  grown over `CHECKPOINT_WAL_BYTES`; a failure is counted and logged.
- *Failure.* An error of COMMIT fails the whole batch with `DatabaseUnavailable`. An I/O error makes the
  engine unhealthy for good: after a failed sync nobody knows what the disk holds, so start over. (pysqlite3
  does not tell a failed sync from a failed write, so a quota counts too. A full disk is an error of its own,
  which passes.)

The library is pysqlite3: SQLite before 3.51.3 (but for 3.50.7 and 3.44.6 and their later patches) can lose a
commit when a checkpoint meets a WAL reset, and Debian's is older.
"""

import contextlib
import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pysqlite3 import dbapi2 as sqlite3

from storage.database import DatabaseUnavailable, Row, Transaction, WriterStats
from storage.file_lease import FileLease
from storage.threads import Threads
from storage.wakeups import Wakeups
from storage.writer import BATCH_SECONDS, MAX_BATCH, UNKNOWN, Job, Writer, take_turn, turns

T = TypeVar("T")

LOG = logging.getLogger("touchstone.storage")

READERS = 4  # reading threads, a connection each
CHECKPOINT_WAL_BYTES = 4_194_304  # 4 MiB
BUSY_TIMEOUT_MS = 10_000  # milliseconds; readers only wait while a WAL is recovered
CHECKPOINT_WAIT_MS = 50  # milliseconds; a checkpoint holds the writer lock while it waits for long readers

# Primary result codes (sqlite.org/rescode.html). After the first kind nobody knows what the disk holds; after
# either kind the whole transaction is in doubt. Any other error is the fault of one statement.
_CORRUPTIONS = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_ENGINE_FAILURES = _CORRUPTIONS | {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}


def is_safe_version(version: Sequence[int]) -> bool:
    """Tell whether a SQLite of that (major, minor, patch) has the fix of the WAL-reset bug."""
    major, minor, patch = version[:3]
    backports = {(3, 50): 7, (3, 44): 6}
    if (major, minor) in backports:
        return patch >= backports[major, minor]
    return (major, minor, patch) >= (3, 51, 3)


class UnsafeSqlite(DatabaseUnavailable):
    """The SQLite library can lose acknowledged commits; install the locked pysqlite3."""


class _SqliteTransaction:
    """`Transaction` over one connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> int:
        return int(self._connection.execute(sql, parameters or {}).rowcount)

    def send(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        self._connection.execute(sql, parameters or {})

    def execute_many(self, sql: str, parameters: Iterable[Mapping[str, Any]]) -> None:
        self._connection.executemany(sql, list(parameters))

    def all(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        return list(self._connection.execute(sql, parameters or {}).fetchall())

    def one(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Row | None:
        row: Row | None = next(iter(self.all(sql, parameters)), None)
        return row


def open_sqlite(path: Path, *, create: bool = False) -> "SqliteDatabase":
    """
    Open the database at `path`; with `create`, make the file (mode 0600) where there is none.

    Raises:
        UnsafeSqlite: the SQLite library is an affected one.
        DatabaseUnavailable: no such file, or it cannot be opened.
    """
    if not is_safe_version(sqlite3.sqlite_version_info):
        raise UnsafeSqlite(f"SQLite {sqlite3.sqlite_version} can lose commits; expected 3.51.3 or newer")
    if not path.exists():
        if not create:
            raise DatabaseUnavailable(f"{path}: no such database; create it with: touchstone init")
        _create_file(path)
    try:
        return SqliteDatabase(path)
    except sqlite3.Error as error:
        raise DatabaseUnavailable(f"{path}: cannot be opened ({error})") from None


class SqliteDatabase:
    """
    `Database` over one SQLite file; make it with `open_sqlite`.

    Attributes:
        is_healthy: false once an I/O error was seen; every later write is refused.
        stats: counters for metrics.
    """

    dialect = "sqlite"
    recovers = False  # After an I/O error only a new process is to be trusted.

    def __init__(self, path: Path, *, max_batch: int = MAX_BATCH) -> None:
        self.path = path
        self.is_healthy = True
        self.stats = WriterStats()
        self._connection = _connect(path)
        self._page_bytes = int(self._connection.execute("PRAGMA page_size").fetchone()[0])
        self._leases: list[FileLease] = []
        self._is_closed = False
        self._local = threading.local()
        self._read_connections: list[Any] = []
        self._readers = Threads("sqlite-reader", READERS)
        self._lock = os.open(
            path.with_name(path.name + ".writer"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600
        )
        self._checkpointed_bytes = 0  # Size of the WAL when it was last checkpointed; of the writer thread.
        self._wakeups = Wakeups(path.with_name("run"))
        self._writer = Writer(
            self._commit, stats=self.stats, on_idle=self._checkpoint_when_due, max_batch=max_batch
        )

    @property
    def call_seconds(self) -> float | None:
        """As `Engine.call_seconds`."""
        return self._writer.write_seconds

    @call_seconds.setter
    def call_seconds(self, seconds: float | None) -> None:
        self._writer.write_seconds = self._readers.seconds = seconds

    async def write(self, fn: Callable[[Transaction], T]) -> T:
        """As `Database.write`."""
        if not self.is_healthy:
            raise DatabaseUnavailable("the database failed; start anew", headers={"retry-after": "5"})
        return await self._writer.write(fn)

    async def read(self, fn: Callable[[Transaction], T]) -> T:
        """As `Database.read`."""
        try:
            return await self._readers.run(lambda: self._read(fn))
        except sqlite3.Error as error:
            if _code(error) not in _ENGINE_FAILURES:
                raise
            raise DatabaseUnavailable(f"the database cannot be read ({error})") from None

    def lease(self, name: str) -> FileLease:
        """As `Engine.lease`: a lock on the file `<database>.<name>`."""
        lease = FileLease(self.path.with_name(f"{self.path.name}.{name}"))
        self._leases.append(lease)
        return lease

    def watch(self, on_change: Callable[[], None]) -> None:
        """As `Engine.watch`: datagrams between the processes of this machine."""
        self._wakeups.watch(on_change)

    def close(self) -> None:
        """As `Database.close`; ends with a checkpoint that empties the WAL."""
        if self._is_closed:
            return
        self._is_closed = True
        for lease in self._leases:
            lease.release()
        has_ended = self._writer.close()
        self._wakeups.close()
        if self._readers.close():
            for connection in self._read_connections:
                connection.close()
        else:
            has_ended = False
        if not has_ended:
            LOG.error("a thread hangs; the connections are left to the end of the process")
            return
        if self.is_healthy:
            self._checkpoint("TRUNCATE")
        self._connection.close()
        os.close(self._lock)

    def _commit(self, batch: list[Job]) -> int:
        """Run the batch, or as much of it as fits into `BATCH_SECONDS`, in one transaction; as `Writer` asks."""
        if not self.is_healthy:  # These were taken before the failure was seen.
            raise DatabaseUnavailable("the database failed; nothing was written")
        try:
            with self._writer_lock():
                self._connection.execute("BEGIN IMMEDIATE")
                until = time.monotonic() + BATCH_SECONDS
                done = 0
                waiting = list(turns(batch))
                first = self._run_as_a_whole if len(waiting) == 1 else self._run_in_savepoint
                for jobs in waiting:
                    take_turn(jobs, self._run_in_savepoint, at_first=first)
                    done += len(jobs)
                    if time.monotonic() > until:
                        break
                self._connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise self._failed(error) from None
        self._wakeups.send()
        return done

    def _run_as_a_whole(self, job: Job) -> None:
        """
        Run one function that has the transaction to itself; its failure undoes that, and begins another.

        A savepoint would copy each page before it changes: half as much again as a thousand rows cost.
        """
        try:
            job.result = job.fn(_SqliteTransaction(self._connection))
        except BaseException as error:
            if _code(error) in _ENGINE_FAILURES:
                raise
            job.error = error
            self._connection.execute("ROLLBACK")
            self._connection.execute("BEGIN IMMEDIATE")

    def _run_in_savepoint(self, job: Job) -> None:
        """Run one function; its failure undoes its own work only. An engine failure fails the batch."""
        self._connection.execute("SAVEPOINT job")
        try:
            job.result = job.fn(_SqliteTransaction(self._connection))
        except BaseException as error:
            if _code(error) in _ENGINE_FAILURES:
                raise
            job.error = error
        if job.error is not None:
            self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")

    def _failed(self, error: Exception) -> DatabaseUnavailable:
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("ROLLBACK")
        if _code(error) in _CORRUPTIONS:
            self.is_healthy = False
        return DatabaseUnavailable(
            f"the write failed ({error}); {UNKNOWN}",
            headers={"retry-after": "1"},
        )

    @contextlib.contextmanager
    def _writer_lock(self) -> Iterator[None]:
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _checkpoint_when_due(self) -> None:
        """
        Checkpoint each time that the WAL has grown by `CHECKPOINT_WAL_BYTES`.

        Its frames are counted, not the size of its file: a WAL that starts over is written from its
        beginning, and the file keeps its size.
        """
        try:
            # NOOP counts and does no more (SQLite 3.51; older ones read it as PASSIVE, which is slower only).
            frames = self._connection.execute("PRAGMA wal_checkpoint(NOOP)").fetchone()[1]
        except sqlite3.Error as error:
            self._checkpoint_failed(error)
            return
        self.stats.wal_bytes = size = frames * self._page_bytes
        if size < self._checkpointed_bytes:  # It has started over since.
            self._checkpointed_bytes = 0
        if size - self._checkpointed_bytes > CHECKPOINT_WAL_BYTES:
            self._checkpointed_bytes = size
            self._checkpoint("RESTART" if size > 4 * CHECKPOINT_WAL_BYTES else "PASSIVE")

    def _checkpoint(self, mode: str) -> None:
        """
        Checkpoint once.

        SQLite does not raise where a reader, or another checkpoint, is in the way: it answers (busy, frames,
        frames checkpointed). A PASSIVE one goes as far as it can and is never "busy" for a reader: the next one
        goes on. One that waited (RESTART, TRUNCATE) and is still busy means that the WAL keeps growing behind
        somebody: that is a failure.
        """
        try:
            with self._writer_lock():
                self._connection.execute(f"PRAGMA busy_timeout={CHECKPOINT_WAIT_MS}")
                try:
                    row = self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
                finally:
                    self._connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        except (sqlite3.Error, OSError) as error:
            self._checkpoint_failed(error)
            return
        if row[0] and mode != "PASSIVE":
            self._checkpoint_failed(
                TimeoutError(f"blocked by a long reader; {row[2]} of {row[1]} frames are in the database")
            )
            return
        self.stats.checkpoints += 1

    def _checkpoint_failed(self, error: Exception) -> None:
        self.stats.checkpoint_failures += 1
        LOG.error("a checkpoint failed: %s", error)
        if _code(error) in _CORRUPTIONS:
            self.is_healthy = False

    def _reader(self) -> Any:
        """Return this thread's connection; opened at the first read, so that a failure to open may pass."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _connect(self.path, read_only=True)
            self._read_connections.append(connection)
        return connection

    def _read(self, fn: Callable[[Transaction], T]) -> T:
        connection = self._reader()
        connection.execute("BEGIN")
        try:
            return fn(_SqliteTransaction(connection))
        finally:
            if connection.in_transaction:  # An engine failure may have ended it.
                connection.execute("ROLLBACK")


def _code(error: BaseException) -> int:
    """Return the primary result code of an engine's error; 0 where it is none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF if isinstance(error, sqlite3.Error) else 0


def _connect(path: Path, *, read_only: bool = False) -> Any:
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
    )
    connection.row_factory = sqlite3.Row
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    if read_only:
        connection.execute("PRAGMA query_only=ON")
        return connection
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA recursive_triggers=ON")  # Else INSERT OR REPLACE deletes past `forbid`.
    connection.execute("PRAGMA wal_autocheckpoint=0")
    return connection


def _create_file(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
