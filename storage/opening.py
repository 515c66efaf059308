"""
From the setting `database_url` to an open engine. Each engine is loaded only where it is used.
"""

from pathlib import Path

from storage.database import DatabaseUnavailable, Engine

SQLITE = "sqlite:///"


def sqlite_path(url: str) -> Path | None:
    """Return the file of a `sqlite:///` URL (relative unless it begins with another slash); None: not SQLite."""
    return Path(url.removeprefix(SQLITE)) if url.startswith(SQLITE) else None


def open_database(
    url: str, *, create: bool = False, direct_url: str | None = None, password_file: Path | None = None
) -> Engine:
    """
    Open the database at `url`.

    Args:
        create: make the SQLite file where there is none; a PostgreSQL database must be there.
        direct_url: for PostgreSQL behind a pooler: the server itself, for what needs a session.
        password_file: for PostgreSQL.

    Raises:
        DatabaseUnavailable: it cannot be opened or reached, or cannot keep what the contract promises.
    """
    path = sqlite_path(url)
    if path is not None:
        from storage.sqlite import open_sqlite

        return open_sqlite(path, create=create)
    try:
        from storage.postgres import open_postgres
    except ImportError:
        raise DatabaseUnavailable(
            "PostgreSQL needs the extra: pip install 'touchstone-vc[postgres]'"
        ) from None
    from storage.postgres_dsn import Dsn

    direct = Dsn(direct_url, password_file) if direct_url else None
    return open_postgres(Dsn(url, password_file), direct)
