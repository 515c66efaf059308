"""
The database of the settings, opened.
"""

from pathlib import Path

from server.settings import Settings
from storage import Engine, open_database


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
