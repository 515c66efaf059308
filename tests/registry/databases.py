"""The real SQLite engine on a file of its own, migrated, for the registry's tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import storage
from registry import MIGRATIONS
from storage.sqlite import SqliteDatabase, open_sqlite


@asynccontextmanager
async def a_database(path: Path) -> AsyncIterator[SqliteDatabase]:
    """Open the database at `path`, made and migrated where it is new; closed afterwards."""
    database = open_sqlite(path, create=True)
    try:
        await storage.migrate(database, (*storage.MIGRATIONS, *MIGRATIONS))
        yield database
    finally:
        database.close()
