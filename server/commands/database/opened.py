"""
What one command works on, opened beside a running server or without one.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from operators import EVERYTHING, Grant, Principal, Role
from server.commands.terminal import ACTOR
from server.database import open_of, prepare
from server.settings import Settings
from storage import Engine


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Engine]:
    """
    Open the database, of this release's schema.

    Raises:
        DatabaseUnavailable, SchemaMismatch: there is no database, or one of another version.
    """
    database = open_of(settings)
    try:
        await prepare(database)
        yield database
    finally:
        database.close()


def operator_of(reason: str | None) -> Principal:
    """Return who acts on the database itself: whoever can run such a command may do everything."""
    grants = frozenset({Grant(EVERYTHING, Role.ADMINISTRATOR)})
    return Principal(id=ACTOR, grants=grants, reason=reason)
