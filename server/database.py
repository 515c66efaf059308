"""
The database of the settings, opened, and the schema that all rooms with tables make together.
"""

from pathlib import Path

from observatory.schema import MIGRATIONS as OBSERVATORY
from operators import MIGRATIONS as OPERATORS
from registry import MIGRATIONS as REGISTRY
from registry import adopt_former_rows
from server.settings import Settings
from server.vitals.schema import MIGRATIONS as NODE
from statuslist.schema import MIGRATIONS as STATUSLIST
from storage import MIGRATIONS as STORAGE
from storage import Database, Engine, Migration, migrate, open_database

MIGRATIONS: tuple[Migration, ...] = (*STORAGE, *OPERATORS, *REGISTRY, *STATUSLIST, *OBSERVATORY, *NODE)


async def prepare(database: Database) -> tuple[Migration, ...]:
    """
    Bring a database, and its rows, to what this release reads; return the steps that were missing.

    Raises:
        DatabaseUnavailable, SchemaMismatch: as `storage.migrate`.
    """
    applied = await migrate(database, MIGRATIONS)
    await adopt_former_rows(database)
    return applied


def open_of(settings: Settings, *, create: bool = False) -> Engine:
    """
    Open the database that `settings` name.

    Raises:
        DatabaseUnavailable: it is not there, cannot be reached, or cannot keep what the contract promises.
    """
    password_file = settings.database_password_file
    return open_database(
        settings.database_url,
        create=create,
        direct_url=settings.database_direct_url or None,
        password_file=Path(password_file) if password_file else None,
    )
