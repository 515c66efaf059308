"""
The contract between a wing and its database.

What a caller may rely on
-------------------------
- *Work is a function.* `fn(tx)` is sync, touches nothing but `tx`, and may run more than once (a
  serialization failure runs it again); so it derives everything from its arguments and from rows.
- *Writes are serial.* One writer per process takes them in the order of the calls, many to one database
  transaction; each has a savepoint of its own, so that a failing `fn` undoes its own work only and fails
  only its own caller. A `fn` sees what the functions before it wrote.
- *An answer means durable.* `write` returns after the commit that holds its work has reached the disk
  (SQLite: WAL with `synchronous=FULL`). Where it raises `DatabaseUnavailable` the outcome is unknown:
  idempotency keys make a retry safe.
- *Reads are snapshots.* `read` runs `fn` in one read transaction; it sees every write that returned before
  the call, and nothing uncommitted.
- *Cancelling the caller does not cancel the work.* A write once taken is committed or fails as a whole.

SQL is written once for both engines: `:name` parameters, integer microseconds UTC, JSON as text,
`RETURNING` and `ON CONFLICT` as both engines know them; what differs is a token in a migration.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from wire import Refusal

T = TypeVar("T")


class Row(Protocol):
    """A row: its values by column name (`row["count"]`)."""

    def __getitem__(self, column: str) -> Any: ...


class Transaction(Protocol):
    """What a `fn` works on; valid only while that `fn` runs, and only on its thread."""

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> int:
        """Run one statement; return the number of rows it changed."""
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
        """Which SQL the engine speaks: "sqlite"."""
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
            DatabaseUnavailable: the engine failed.
            Exception: whatever `fn` raised.
        """
        ...

    def close(self) -> None:
        """Finish the writes taken so far, then close. Idempotent."""
        ...


class DatabaseUnavailable(Refusal):
    """The database cannot be reached or failed; a retry with the same idempotency key is safe."""

    type = "/problems/database-unavailable"
    title = "Database unavailable"
    status = 503
