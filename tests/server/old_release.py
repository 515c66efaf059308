"""A database that release 0.2.0 made, with the keys that signed what is in it, and this release over both."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
from pysqlite3 import dbapi2 as sqlite3

from server.services import Services, open_services
from server.settings import Settings
from tests.databases import Place

DUMPS = Path(__file__).parent / "release_0_2_0"
THEN = 1_790_000_600.0  # seconds since 1970; the lists of the dump are valid
KEY_FILES = ("key-1.pem", "acme-1.pem")  # of the issuers default and acme


def restore(place: Place) -> None:
    """Fill an empty database with the dump of its engine."""
    text = (DUMPS / f"{place.dialect}.sql").read_text()
    if place.dialect == "postgres":
        with psycopg.connect(place.url, autocommit=True) as connection:
            connection.execute(text)
        return
    connection = sqlite3.connect(place.url.removeprefix("sqlite:///"), isolation_level=None)
    try:
        connection.executescript(text)
    finally:
        connection.close()


def put_key(place: Place, name: str, directory: Path) -> None:
    """Put a key file of the dump where the server looks for it, safe from others, as a checkout leaves none."""
    shutil.copyfile(DUMPS / f"{place.dialect}_keys" / name, directory / name)
    (directory / name).chmod(0o600)


@asynccontextmanager
async def upgraded(
    old: Place,
    directory: Path,
    *,
    keys: tuple[str, ...] = KEY_FILES,
    clock: Callable[[], float] = lambda: THEN,
) -> AsyncIterator[Services]:
    """Serve the database, with those key files that are not in `directory` yet."""
    for name in keys:
        if not (directory / name).exists():
            put_key(old, name, directory)
    settings = Settings(
        database_url=old.url, key_dir=str(directory), mirror_dir="off", observe_interval_seconds=0
    )
    async with open_services(settings, clock=clock) as services:
        yield services
