"""
Where a test's database is, on either engine: opened through the product, and looked at past it.
"""

import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import psycopg
import pytest
from pysqlite3 import dbapi2 as sqlite3

from storage import Database, DatabaseUnavailable, Engine, Migration, Transaction, migrate, open_database
from tests.postgres import Cluster

T = TypeVar("T")
Query = Callable[[str], list[tuple[Any, ...]]]

# What a broken rule of the schema raises, in the words of either engine.
RULE_BROKEN = (sqlite3.IntegrityError, psycopg.IntegrityError)
SQL_ERRORS = (sqlite3.Error, psycopg.Error)
_numbers = itertools.count(1)


class Place(Protocol):
    """An empty database that may be opened several times, as several processes do."""

    dialect: str
    url: str

    def open(self) -> Engine:
        """Open it through the engine; the caller closes it."""
        ...

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement on a connection that knows nothing of the engine: it sees what was committed."""
        ...

    def drop_rule(self, table: str, event: str) -> None:
        """Remove the one-way rules (`forbid`) for `event` on `table`."""
        ...


@asynccontextmanager
async def migrated(place: Place, migrations: Sequence[Migration]) -> AsyncIterator[Engine]:
    """Open the database with the tables of `migrations`, and close it."""
    database = place.open()
    await migrate(database, migrations)
    yield database
    database.close()


class SqlitePlace:
    """A file in a test's directory."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"

    def open(self) -> Engine:
        return open_database(self.url, create=True)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(str(self.path), isolation_level=None)
        try:
            return list(connection.execute(sql).fetchall())
        finally:
            connection.close()

    def drop_rule(self, table: str, event: str) -> None:
        triggers = self.query(
            f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND sql LIKE '% BEFORE {event} ON {table} %'"
        )
        for (name,) in triggers:
            self.query(f"DROP TRIGGER {name}")


class PostgresPlace:
    """A database of the tests' own cluster, empty: one that another test gave back, else a new one."""

    dialect = "postgres"

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        if cluster.empty_databases:
            self.name = cluster.empty_databases.pop()
        else:
            self.name = f"touchstone_{next(_numbers)}"
            cluster.create_database(self.name)
        self.url = cluster.url(self.name)

    def give_back(self) -> None:
        """Empty it for the next test; to make and to remove a database costs several times as much."""
        self._cluster.empty_database(self.name)

    def open(self) -> Engine:
        return open_database(self.url)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def drop_rule(self, table: str, event: str) -> None:
        triggers = self.query(
            "SELECT trigger_name FROM information_schema.triggers"
            f" WHERE event_object_table = '{table}' AND event_manipulation = '{event}'"
        )
        for (name,) in triggers:
            self.query(f"DROP TRIGGER {name} ON {table}")


class MayFail:
    """A database whose reads fail while `is_away`."""

    def __init__(self, inner: Database, *, is_away: bool = False) -> None:
        self.is_away = is_away
        self.dialect = inner.dialect
        self.write = inner.write
        self._inner = inner

    async def read(self, fn: Callable[[Transaction], T]) -> T:
        if self.is_away:
            raise DatabaseUnavailable("the database is away")
        return await self._inner.read(fn)

    def close(self) -> None:
        """The inner one is closed by whoever opened it."""


def mark_slow_on_postgres(
    items: Iterable[pytest.Item], files: tuple[str, ...], *, but: Iterable[str] = ()
) -> None:
    """
    Make slow tests, which CI runs, of those of some files that run on PostgreSQL.

    Each takes a database ten times as long there as on SQLite, on which all of them are fast.

    Args:
        files: the ends of their paths.
        but: names of tests that stay, as what they are about is not tried on PostgreSQL otherwise.
    """
    kept = frozenset(but)
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        is_of_those = parameters.get("place") == "postgres" and item.path.as_posix().endswith(files)
        if is_of_those and getattr(item, "originalname", "") not in kept:
            item.add_marker(pytest.mark.slow)
