"""The real engine on a database of its own, migrated, for the registry's tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import storage
from operators import MIGRATIONS as OPERATORS
from registry import MIGRATIONS
from tests.databases import Place


@asynccontextmanager
async def a_database(place: Place) -> AsyncIterator[storage.Engine]:
    """Open the database at `place`, migrated; closed afterwards."""
    database = place.open()
    try:
        await storage.migrate(database, (*storage.MIGRATIONS, *OPERATORS, *MIGRATIONS))
        yield database
    finally:
        database.close()
