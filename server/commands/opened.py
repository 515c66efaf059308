"""
What one command works on, opened beside a running server or without one.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from operators import Principal, Principals, Role
from operators.issuers.issuers import Issuers
from registry.registry import Registry
from resolver.outbound.fetch import Guard
from server.database import MIGRATIONS, open_of
from server.identity.own import DEFAULT_ISSUER, require_same_identity
from server.identity.surroundings import Surroundings
from server.settings import Settings
from server.settings.outbound import guard_of
from server.share import Share
from server.telemetry.counters import Telemetry
from server.wings import Resources, Wings, open_wings
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


@asynccontextmanager
async def open_parts(settings: Settings, guard: Guard | None = None) -> AsyncIterator[Wings]:
    """
    Put all parts of a process together, the resolver among them; nothing works in the background, no key is opened.

    Args:
        guard: fetches from strangers; None: the real one, within the limits of the settings.

    Raises:
        DatabaseUnavailable, SchemaMismatch: as `open_database`.
        IdentityChanged: the database was made for another DID.
    """
    async with open_database(settings) as database:
        guard = guard or guard_of(settings)
        resources = Resources(
            settings=settings, share=Share(), database=database, guard=guard, telemetry=Telemetry()
        )
        wings = await open_wings(resources)
        async with wings.resolver:
            try:
                yield wings
            finally:
                await guard.aclose()


@asynccontextmanager
async def open_issuers(settings: Settings) -> AsyncIterator[Issuers]:
    """Open the database for work on issuers; raises as `open_parts`."""
    async with open_database(settings) as database:
        issuers = Issuers(database, surroundings=Surroundings(settings), clock=time.time)
        require_same_identity(settings, await issuers.find(DEFAULT_ISSUER))
        yield issuers


def actor(name: str) -> Principal:
    """Return who acts at the command line: whoever can run it may do everything."""
    return Principal(id=name, name=name, issuer_id=None, roles=frozenset({Role.ADMIN}))
