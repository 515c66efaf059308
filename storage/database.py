"""
The contract between a wing and its database.

What a caller may rely on
-------------------------
- *Work is a function.* `fn(tx)` is sync, touches nothing but `tx`, and may run more than once (a
  serialization failure runs it again); so it derives everything from its arguments and from rows. It lets an
  error of a statement through: on PostgreSQL nothing more can be done in its savepoint.
- *Writes are serial*, over all processes and nodes: one transaction writes at a time. One writer per process takes
  them in the order of the calls, many to one database transaction; a failing `fn` undoes its own work only and
  fails only its own caller. A `fn` sees what the functions before it wrote, wherever they ran.
- *What is alike may be done in one.* Functions that are a `Together` of the same kind, and follow one another, are
  called as one, with the items of all: so a hundred changes take a few statements instead of some hundreds.
- *An answer means durable.* `write` returns after the commit that holds its work has reached the disk
  (SQLite: WAL with `synchronous=FULL`; PostgreSQL: `synchronous_commit`, hence every synchronous standby).
  Where it raises `DatabaseUnavailable` the outcome may be unknown: the connection can break while a commit is under
  way. Idempotency keys make a retry safe.
- *A call ends.* Where a deadline is set, `read` and `write` raise `DatabaseUnavailable` at its end, whatever hangs:
  a write that had not begun never happens, the outcome of one that had is unknown.
- *Reads are snapshots.* `read` runs `fn` in one read transaction; it sees every write that returned before
  the call, and nothing uncommitted.
- *Cancelling the caller does not cancel the work.* A write once taken is committed or fails as a whole.

SQL is written once for both engines: `:name` parameters, integer microseconds UTC, JSON as text,
`RETURNING` and `ON CONFLICT` as both engines know them; what differs is a token in a migration.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from wire import Refusal

Item = TypeVar("Item")
T = TypeVar("T")


class WriterStats(msgspec.Struct):
    """
    Plain counters of one engine, written by its writer thread and read by the metrics.

    `failures` counts writes whose callers were told so. `failing_since` is a monotonic time, None from the next
    commit on.
    """

    commits: int = 0
    writes: int = 0
    largest_batch: int = 0
    retries: int = 0
    checkpoints: int = 0
    checkpoint_failures: int = 0
    wal_bytes: int = 0
    failures: int = 0
    failing_since: float | None = None

    def failed(self, writes: int) -> None:
        """Count writes that failed; also on event loops, when their time is over."""
        self.failures += writes
        if self.failing_since is None:
            self.failing_since = time.monotonic()


class Together(Generic[Item, T]):
    """
    A `fn` for `Database.write` that can be done in one with others of its kind.

    Args:
        make: is called with the items of all that are done in one, in the order of their calls; returns for each of
            them its result, or the error of its caller, for whom it has written nothing. Whatever it raises undoes
            all of them; each then runs alone. Two `Together` are of one kind if their `make` are equal.
        item: what this one is about; small, since many of them are done in one turn of the writer.
    """

    def __init__(
        self, make: "Callable[[Transaction, Sequence[Item]], Sequence[T | Exception]]", item: Item
    ) -> None:
        self.make = make
        self.item = item

    def __call__(self, tx: "Transaction") -> T:
        (outcome,) = self.make(tx, [self.item])
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class Row(Protocol):
    """A row: its values by column name (`row["count"]`)."""

    def __getitem__(self, column: str) -> Any: ...


class Transaction(Protocol):
    """What a `fn` works on; valid only while that `fn` runs, and only on its thread."""

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> int:
        """Run one statement; return the number of rows it changed."""
        ...

    def send(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """
        Run one statement whose result nobody needs.

        An engine over a network need not wait for it; should it fail, that shows at the latest when `fn` ends.
        """
        ...

    def execute_many(self, sql: str, parameters: Iterable[Mapping[str, Any]]) -> None:
        """Run one statement once for each of `parameters`."""
        ...

    def all(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Run one statement (a query, or a change with RETURNING); return all its rows."""
        ...

    def one(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Row | None:
        """Run one statement; return its first row, or None."""
        ...


class Database(Protocol):
    """One open database. The composition root opens and closes it; a wing only gets to see this."""

    @property
    def dialect(self) -> str:
        """Which SQL the engine speaks: "sqlite" or "postgres"; of interest to migrations only."""
        ...

    async def write(self, fn: Callable[[Transaction], T]) -> T:
        """
        Run `fn` in a write transaction; return its result once it is durable.

        Raises:
            DatabaseUnavailable: the engine failed; whether the work was committed is unknown.
            Exception: whatever `fn` raised; its work is undone, nobody else's is.
        """
        ...

    async def read(self, fn: Callable[[Transaction], T]) -> T:
        """
        Run `fn` in a read transaction (a snapshot); return its result.

        Raises:
            DatabaseUnavailable: the engine failed, or does not answer in time.
            Exception: whatever `fn` raised.
        """
        ...

    def close(self) -> None:
        """Finish the writes taken so far, then close. Idempotent."""
        ...


class Lease(Protocol):
    """
    A right that one process at a time has, and that its death gives back.

    It keeps work from being done twice, nothing more: a holder may lose it without knowing for a moment, so what is
    done under it must be harmless if two do it. Both methods may block for a moment: call them on a thread.
    """

    def hold(self) -> bool:
        """Take the lease if it is free; tell whether we have it now."""
        ...

    def release(self) -> None:
        """Give it back. Idempotent."""
        ...


class Engine(Database, Protocol):
    """
    What the composition root sees of an open database, beyond what wings do.

    Attributes:
        is_healthy: whether writes can be expected to work.
        recovers: whether an outage passes without a restart of this process.
        call_seconds: how long a read or a write may take; None, as it is opened: for ever, as tools and migrations
            need it.
    """

    is_healthy: bool
    recovers: bool
    stats: WriterStats

    @property
    def call_seconds(self) -> float | None: ...

    @call_seconds.setter
    def call_seconds(self, seconds: float | None) -> None: ...

    def lease(self, name: str) -> Lease:
        """Return a claim to the lease `name` of this database, not yet held; `close` releases it."""
        ...

    def watch(self, on_change: Callable[[], None]) -> None:
        """
        Call `on_change` on this event loop after any process has committed. A hint: it may come late, twice,
        for our own commits or not at all, so versions are polled as well.
        """
        ...


class DatabaseUnavailable(Refusal, type="/problems/database-unavailable", status=503):
    """The database cannot be reached or failed; a retry with the same idempotency key is safe."""
