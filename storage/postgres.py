"""
The PostgreSQL engine (15 or newer): the same writer, serial across all nodes; snapshots; durable at return.

Theory of operation
-------------------
- *Writer.* One thread and one connection per process. A batch is one transaction that begins by taking the
  advisory lock `WRITE_LOCK`; so writers of all nodes take turns, in the order of their asking, and can neither
  deadlock nor fail to serialize among themselves. READ COMMITTED suffices: each statement after the lock sees
  all that was committed before it. `BATCH_SECONDS` bounds how long the others wait.
- *Round trips are what costs.* So a batch runs without savepoints and in pipeline mode, in which nothing waits for
  a statement that was sent with `send`; where a job fails, all is rolled back and the batch runs again, with a
  savepoint per job and each statement awaited. (A function may run more than once.)
- *Durability.* COMMIT returns when the WAL is flushed and, where the cluster has synchronous standbys, when they
  have it. A session whose `synchronous_commit` is off is raised to on; a server with `fsync` off is refused. A
  WARNING during COMMIT says that the wait for a standby was cut short: the outcome is then unknown.
- *Failure.* A connection lost before COMMIT was sent is opened again and the batch runs again, once. Lost after
  that, the outcome is unknown: `DatabaseUnavailable`. Nothing is ever failed for good: the next batch connects
  anew, to whichever host of the URL takes writes (`target_session_attrs=read-write`).
- *Poolers.* Everything set is set with SET LOCAL in the transaction, so a pooler in transaction mode may stand in
  between. Leases and LISTEN need a session: they use the direct URL.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from storage.database import DatabaseUnavailable, Row, Transaction, WriterStats
from storage.postgres_dsn import Dsn
from storage.postgres_sessions import LOCK_SPACE, PostgresLease, PostgresWatch
from storage.postgres_transaction import PostgresTransaction
from storage.threads import Threads
from storage.writer import BATCH_SECONDS, MAX_BATCH, Job, Writer, take_turn, turns

T = TypeVar("T")

READERS = 4  # reading threads, a connection each
MIN_VERSION = 150_000  # PostgreSQL 15, as the server numbers itself
WRITE_LOCK = (LOCK_SPACE, 1)
CHANNEL = "touchstone"  # NOTIFY after every commit: "look at the versions"
ATTEMPTS = 5  # of a batch that the engine asks to run again
# Milliseconds: how long a writer waits for its turn, a statement may take, and a stalled node keeps the turn.
LOCK_TIMEOUT_MS, STATEMENT_TIMEOUT_MS, STALLED_MS = 10_000, 30_000, 10_000

_BEGIN_WRITE = (
    "BEGIN; SET LOCAL synchronous_commit = '{durability}';"
    f" SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}; SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS};"
    f" SET LOCAL idle_in_transaction_session_timeout = {STALLED_MS};"
    f" SELECT pg_advisory_xact_lock({WRITE_LOCK[0]}, {WRITE_LOCK[1]})"
)
_BEGIN_READ = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    f" SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS};"
    f" SET LOCAL idle_in_transaction_session_timeout = {STALLED_MS}"
)
_RUN_AGAIN = (errors.SerializationFailure, errors.DeadlockDetected)
# What one statement did not cause: the connection, the server's resources, its shutdown, a demoted primary.
_ENGINE_FAILURES = (
    psycopg.InterfaceError,
    errors.OperationalError,
    errors.LockNotAvailable,
    errors.QueryCanceled,
    errors.ReadOnlySqlTransaction,
    errors.InternalError_,
    *_RUN_AGAIN,
)
# What psycopg files under OperationalError and yet one job did: a statement sent before had failed, or a value or a
# statement is larger than the server takes (class 54).
_JOBS_OWN = (
    errors.PipelineAborted,
    errors.ProgramLimitExceeded,
    errors.StatementTooComplex,
    errors.TooManyColumns,
    errors.TooManyArguments,
)


def open_postgres(dsn: Dsn, direct: Dsn | None = None) -> "PostgresDatabase":
    """
    Connect, and look whether the server can keep what the contract promises.

    Args:
        direct: for leases and LISTEN where `dsn` leads through a pooler; None: `dsn` is direct.

    Raises:
        DatabaseUnavailable: no server, older than 15, or with `fsync` off.
    """
    database = PostgresDatabase(dsn, direct or dsn, is_pooled=direct is not None)
    try:
        database.check()
    except BaseException:
        database.close()
        raise
    return database


class PostgresDatabase:
    """
    `Database` over a PostgreSQL cluster; make it with `open_postgres`.

    Attributes:
        is_healthy: whether the last thing asked of the server was answered.
        stats: counters for metrics.
    """

    dialect = "postgres"
    recovers = True  # An outage passes without a restart.

    def __init__(self, dsn: Dsn, direct: Dsn, *, is_pooled: bool = False, max_batch: int = MAX_BATCH) -> None:
        self.is_healthy = True
        self.stats = WriterStats()
        self.direct = direct
        self._dsn = dsn
        # Prepared statements belong to a session, and a pooler may give each transaction another.
        self._prepare_threshold = None if is_pooled else 5
        self._connection: psycopg.Connection[dict[str, Any]] | None = None  # Of the writer thread.
        self._durability = "on"
        self._warned = False  # A WARNING arrived; reset before each COMMIT. Of the writer thread.
        self._local = threading.local()
        self._read_connections: list[psycopg.Connection[dict[str, Any]]] = []
        self._readers = Threads("postgres-reader", READERS)
        self._writer = Writer(self._commit, stats=self.stats, max_batch=max_batch)
        self._watch: PostgresWatch | None = None
        self._leases: list[PostgresLease] = []
        self._is_closed = False

    @property
    def call_seconds(self) -> float | None:
        """As `Engine.call_seconds`."""
        return self._writer.write_seconds

    @call_seconds.setter
    def call_seconds(self, seconds: float | None) -> None:
        self._writer.write_seconds = self._readers.seconds = seconds

    async def write(self, fn: Callable[[Transaction], T]) -> T:
        """As `Database.write`."""
        return await self._writer.write(fn)

    async def read(self, fn: Callable[[Transaction], T]) -> T:
        """As `Database.read`."""
        return await self._readers.run(lambda: self._read(fn))

    def check(self) -> None:
        """
        Connect for reading; refuse a server that cannot keep the contract.

        Raises:
            DatabaseUnavailable: see `open_postgres`.
        """
        rows = self._readers.submit(lambda: self._read(_server_facts)).result()
        if rows["version"] < MIN_VERSION:
            raise DatabaseUnavailable(f"expected PostgreSQL 15 or newer, found {rows['version']}")
        if rows["fsync"] != "on":
            raise DatabaseUnavailable("the server runs with fsync off: what it acknowledges can be lost")

    def lease(self, name: str) -> PostgresLease:
        """As `Engine.lease`: a session's advisory lock, on the direct URL."""
        lease = PostgresLease(self.direct, name)
        self._leases.append(lease)
        return lease

    def watch(self, on_change: Callable[[], None]) -> None:
        """As `Engine.watch`: LISTEN, on the direct URL."""
        self._watch = PostgresWatch(self.direct, CHANNEL, on_change)

    def close(self) -> None:
        """As `Database.close`."""
        if self._is_closed:
            return
        self._is_closed = True
        for lease in self._leases:
            lease.release()
        if self._watch is not None:
            self._watch.close()
        # What hangs ends with the process.
        mine = [self._connection] if self._writer.close() else []
        read = self._read_connections if self._readers.close() else []
        for connection in (*mine, *read):
            if connection is not None:
                connection.close()

    def _commit(self, batch: list[Job]) -> int:
        """As `Writer` asks."""
        careful, lost = False, False
        for _ in range(ATTEMPTS):
            try:
                return self._commit_once(batch, careful=careful)
            except _JobFailed:
                careful = True
            except _RUN_AGAIN:
                pass
            except _ENGINE_FAILURES as error:
                if lost or not self._is_lost():
                    raise self._unavailable(error, "nothing was written") from None
                lost = True
            self.stats.retries += 1
        raise DatabaseUnavailable("other writers came first each time", headers={"retry-after": "1"})

    def _commit_once(self, batch: list[Job], *, careful: bool) -> int:
        connection = self._writing()
        try:
            connection.execute(_BEGIN_WRITE.format(durability=self._durability), prepare=False)
            done = self._run_jobs(connection, batch, careful=careful)
        except BaseException:
            _roll_back(connection)
            raise
        self._finish(connection)
        self.is_healthy = True
        return done

    def _run_jobs(
        self, connection: psycopg.Connection[dict[str, Any]], batch: list[Job], *, careful: bool
    ) -> int:
        if careful:
            return _run_each(batch, lambda job: _run_in_savepoint(connection, job))
        try:
            with connection.pipeline() as pipeline:
                tx = PostgresTransaction(connection, pipeline)
                done = _run_each(batch, lambda job: _run_or_fail(job, tx))
        except _JOBS_OWN:
            raise _JobFailed from None
        except _ENGINE_FAILURES:
            raise
        except psycopg.Error:
            raise _JobFailed from None
        if connection.info.transaction_status != TransactionStatus.INTRANS:  # A job caught its own error.
            raise _JobFailed
        return done

    def _finish(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        """
        Commit. What fails here is not run again: the server may have committed before it fell silent.

        Raises:
            DatabaseUnavailable: the outcome is unknown.
        """
        self._warned = False
        try:
            connection.execute(f"NOTIFY {CHANNEL}; COMMIT", prepare=False)
        except _RUN_AGAIN:
            _roll_back(connection)
            raise
        except psycopg.Error as error:
            _roll_back(connection)
            raise self._unavailable(error, "whether it happened is unknown") from None
        if self._warned:
            raise self._unavailable(None, "no standby has confirmed it; whether it stays is unknown")

    def _writing(self) -> psycopg.Connection[dict[str, Any]]:
        """Return the writer's connection, a new one where there is none that works."""
        if self._connection is None or self._connection.closed:
            self._connection = None
            try:
                connection = self._connect(self._dsn)
            except psycopg.Error as error:
                raise self._unavailable(error, "nothing was written") from None
            connection.add_notice_handler(self._on_notice)
            row = connection.execute("SHOW synchronous_commit").fetchone()
            found = row["synchronous_commit"] if row else "on"
            self._durability = found if found in ("on", "remote_apply", "remote_write") else "on"
            self._connection = connection
        return self._connection

    def _on_notice(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            self._warned = True

    def _is_lost(self) -> bool:
        connection = self._connection
        return connection is not None and connection.closed

    def _unavailable(self, error: Exception | None, outcome: str) -> DatabaseUnavailable:
        self.is_healthy = error is None
        reason = (
            f" ({str(error).strip().splitlines()[0]})" if error is not None and str(error).strip() else ""
        )
        return DatabaseUnavailable(
            f"the write failed{reason}; {outcome}, try again with the same key", headers={"retry-after": "1"}
        )

    def _connect(self, dsn: Dsn) -> psycopg.Connection[dict[str, Any]]:
        return psycopg.connect(
            dsn.conninfo(), autocommit=True, row_factory=dict_row, prepare_threshold=self._prepare_threshold
        )

    def _read(self, fn: Callable[[Transaction], T]) -> T:
        """Run `fn` in a snapshot; where the connection turns out to be gone, once more on a new one."""
        for is_last in (False, True):
            try:
                return self._read_once(fn)
            except _ENGINE_FAILURES as error:
                connection = getattr(self._local, "connection", None)
                if is_last or (connection is not None and not connection.closed):
                    self.is_healthy = False
                    raise DatabaseUnavailable(
                        f"the database cannot be read ({str(error).strip()[:200]})",
                        headers={"retry-after": "1"},
                    ) from None
        raise AssertionError("the second turn returns or raises")

    def _read_once(self, fn: Callable[[Transaction], T]) -> T:
        connection = self._reader()
        try:
            connection.execute(_BEGIN_READ, prepare=False)
            result = fn(PostgresTransaction(connection))
        finally:
            _roll_back(connection)
        self.is_healthy = True
        return result

    def _reader(self) -> psycopg.Connection[dict[str, Any]]:
        connection: psycopg.Connection[dict[str, Any]] | None = getattr(self._local, "connection", None)
        if connection is None or connection.closed:
            connection = self._local.connection = self._connect(self._dsn)
            self._read_connections = [c for c in self._read_connections if not c.closed] + [connection]
        return connection


def _run_each(batch: list[Job], run: Callable[[Job], None]) -> int:
    """Run jobs until the batch or its time is over; return how many ran."""
    until = time.monotonic() + BATCH_SECONDS
    done = 0
    for jobs in turns(batch):
        take_turn(jobs, run)
        done += len(jobs)
        if time.monotonic() > until:
            break
    return done


def _run_in_savepoint(connection: psycopg.Connection[dict[str, Any]], job: Job) -> None:
    connection.execute("SAVEPOINT job", prepare=False)
    job.error = None
    try:
        job.result = job.fn(PostgresTransaction(connection))
        connection.execute("RELEASE job", prepare=False)
    except BaseException as error:
        if isinstance(error, _ENGINE_FAILURES) and not isinstance(error, _JOBS_OWN):
            raise
        job.error = error
        connection.execute("ROLLBACK TO job; RELEASE job", prepare=False)


def _run_or_fail(job: Job, tx: Transaction) -> None:
    job.error = None
    try:
        job.result = job.fn(tx)
    except _JOBS_OWN:
        raise _JobFailed from None
    except _ENGINE_FAILURES:
        raise
    except BaseException:
        raise _JobFailed from None


class _JobFailed(Exception):
    """A job of a batch without savepoints failed: the batch must run again, with them."""


def _server_facts(tx: Transaction) -> Row:
    row = tx.one(
        "SELECT current_setting('server_version_num')::bigint AS version, current_setting('fsync') AS fsync"
    )
    assert row is not None
    return row


def _roll_back(connection: psycopg.Connection[dict[str, Any]]) -> None:
    """End the transaction, if the connection still is; a connection in doubt is closed."""
    try:
        connection.execute("ROLLBACK")
    except psycopg.Error:
        with contextlib.suppress(psycopg.Error):
            connection.close()
