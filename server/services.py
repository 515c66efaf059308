"""
The composition root: the database opened, every wing put together, the background work started.

What one wing needs of another is handed in by `wings.py`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from resolver.outbound.fetch import Guard
from server.background import Background
from server.canonicalizer import canonicalizer_for
from server.database import open_of, prepare
from server.readiness import health_of
from server.readings import sources_of
from server.settings import Settings
from server.settings.outbound import guard_of
from server.share import Share
from server.telemetry.counters import Telemetry
from server.telemetry.health import Health
from server.wings import Resources, Wings, open_wings
from statuslist.entries.references import ReferenceKey
from statuslist.entries.referring import provide_key_if_possible
from storage import Engine
from storage.writer import CALL_SECONDS


class Services(Wings, frozen=True):
    """All parts of one process, and what keeps them going."""

    background: Background
    health: Health

    @property
    def settings(self) -> Settings:
        return self.resources.settings

    @property
    def database(self) -> Engine:
        return self.resources.database

    @property
    def telemetry(self) -> Telemetry:
        return self.resources.telemetry


@asynccontextmanager
async def open_services(
    settings: Settings,
    share: Share | None = None,
    *,
    guard: Guard | None = None,
    clock: Callable[[], float] = time.time,
    timer: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Services]:
    """
    Open the database, load what is served from memory, and start the background work; close it all at the end.

    Args:
        share: this process's part of the node; None: all of it.
        guard: fetches from strangers; None: the real one, within the limits of the settings.
        clock: seconds since 1970; what is compared with others' times goes by it.
        timer: monotonic seconds; what is kept for a while goes by it.

    Raises:
        DatabaseUnavailable, SchemaMismatch: the database is not there, or of another version.
        IdentityChanged: the database was made for another DID.
    """
    share = share or Share()
    database = open_of(settings)
    canonicalizer = canonicalizer_for(settings.contexts_dir)
    try:
        await prepare(database)
        if share.leads:
            await provide_key_if_possible(database, ReferenceKey(settings.reference_key_path))
        database.call_seconds = CALL_SECONDS
        resources = Resources(
            settings=settings,
            share=share,
            database=database,
            guard=guard or guard_of(settings),
            telemetry=Telemetry(share.board, share.slot),
            canonicalize_rdf=canonicalizer,
            clock=clock,
            timer=timer,
        )
        async with _running(await open_wings(resources)) as services:
            yield services
    finally:
        if canonicalizer is not None:
            await asyncio.to_thread(canonicalizer.close)
        await asyncio.to_thread(database.close)


@asynccontextmanager
async def _running(wings: Wings) -> AsyncIterator[Services]:
    background = Background(wings)
    wings.resources.telemetry.sources += sources_of(wings, background)
    parts = {name: getattr(wings, name) for name in wings.__struct_fields__}
    async with wings.resolver:
        await background.start()
        try:
            yield Services(**parts, background=background, health=health_of(wings, background))
        finally:
            await background.stop()
            await wings.status.checker.aclose()
            await wings.metadata.aclose()
            await wings.crls.aclose()
            if wings.operators.signing_in is not None:
                await wings.operators.signing_in.aclose()
