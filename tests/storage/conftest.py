"""Every engine, behind one fixture: the contract of `storage.Database` is tested against each of them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pysqlite3 import dbapi2 as sqlite3

from storage.sqlite import SqliteDatabase, open_sqlite

Query = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(params=["sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteDatabase]:
    """An open database with the table `notes (id, text)`; closed afterwards."""
    database = open_sqlite(tmp_path / f"{request.param}.db", create=True)
    run_outside(database, "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)")
    yield database
    database.close()


@pytest.fixture
def outside(database: SqliteDatabase) -> Query:
    """A query on a connection that knows nothing of the engine: it sees what was committed, no more."""
    return lambda sql: run_outside(database, sql)


def run_outside(database: SqliteDatabase, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(str(database.path), isolation_level=None)
    try:
        return list(connection.execute(sql).fetchall())
    finally:
        connection.close()
