"""
What one command works on, opened beside a running server or without one.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from operators import EVERYTHING, Grant, Principal, Principals, Role
from registry.registry import Registry
from server.database import MIGRATIONS, open_of
from server.settings import Settings
from storage import Engine, migrate


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Engine]:
    """
    Open the database, of this release's schema.

    Raises:
        DatabaseUnavailable, SchemaMismatch: there is no database, or one of another version.
    """
    database = open_of(settings)
    try:
        await migrate(database, MIGRATIONS)
        yield database
    finally:
        database.close()


@asynccontextmanager
async def open_registry(settings: Settings) -> AsyncIterator[Registry]:
    """Open the database and load the registry; raises as `open_database`."""
    async with open_database(settings) as database:
        registry = Registry(database, clock=time.time)
        await registry.load()
        yield registry


@asynccontextmanager
async def open_principals(settings: Settings) -> AsyncIterator[Principals]:
    """Open the database for work on principals and keys; raises as `open_database`."""
    async with open_database(settings) as database:
        yield Principals(database, clock=time.time)


def actor(name: str) -> Principal:
    """Return who acts at the command line: whoever can run it may do everything."""
    return Principal(id=name, grants=frozenset({Grant(EVERYTHING, Role.ADMINISTRATOR)}))
