"""
The registry opened for one command, beside a running server or without one.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from registry.registry import Registry
from server.bootstrap import MIGRATIONS
from server.database import open_of
from server.settings import Settings
from storage import migrate


@asynccontextmanager
async def open_registry(settings: Settings) -> AsyncIterator[Registry]:
    """
    Open the database and load the registry.

    Raises:
        DatabaseUnavailable, SchemaMismatch: there is no database, or one of another version.
    """
    database = open_of(settings)
    try:
        await migrate(database, MIGRATIONS)
        registry = Registry(database, clock=time.time)
        await registry.load()
        yield registry
    finally:
        database.close()
