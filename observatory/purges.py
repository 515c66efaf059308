"""
Purging what is cached of DIDs, in every process of every node, within a second. Service.

A purge is a row. Each process follows the rows by their numbers: it is woken by the commit, and looks every 250 ms
in any case. What it drops: documents of the DIDs, every verified status list (whose key it was is not known of a
kept list), and every ready-made answer that may change. A process that starts has an empty cache, so it begins at
the newest number.
"""

import contextlib
import logging
import re
from collections.abc import Callable
from typing import Annotated

import msgspec

from observatory import purge_store
from observatory.purge_store import Purge
from operators import EVERYTHING, Permission, Principal, require
from operators.acting import act_once
from operators.noting import note
from resolver import MethodNotSupported, ResolutionError, Resolver
from storage import Database, Transaction
from wire import BadRequest, Reading, format_utc

LOG = logging.getLogger("touchstone.purges")

EVERYWHERE_SECONDS = 1  # seconds until every process has followed
KEPT_SECONDS = (
    3_600  # seconds that rows are kept; a process that lagged longer has no connection to the database
)
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?", re.ASCII)


class AskedPurge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to purge: exactly one of a DID in any spelling, a host (no port), or everything (`"all": true`)."""

    did: Annotated[str, msgspec.Meta(min_length=1, max_length=8_192)] | None = None
    host: Annotated[str, msgspec.Meta(min_length=1, max_length=253)] | None = None
    all: bool = False


class PurgeView(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A purge as it was asked for, and from when on no process of any node has what was cached before."""

    number: int
    everywhere_by: str
    did: str | None = None
    host: str | None = None
    all: bool = False


class Purges:
    """
    Args:
        resolver: of this process.
        drop_lists: forgets the verified status lists of others.
        drop_answers: forgets the ready-made answers about DIDs, those being made included.
        clock: seconds since 1970.

    Attributes:
        followed: purges that this process has done.
    """

    def __init__(
        self,
        database: Database,
        *,
        resolver: Resolver,
        drop_lists: Callable[[], None],
        drop_answers: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._resolver = resolver
        self._drop_lists = drop_lists
        self._drop_answers = drop_answers
        self._clock = clock
        self._number = 0
        self.followed = 0

    async def start(self) -> None:
        """Begin at the newest purge; before anything is cached."""
        self._number = await self._database.read(purge_store.newest_number)

    async def ask(
        self, principal: Principal, asked: AskedPurge, *, idempotency_key: str | None = None
    ) -> PurgeView:
        """
        Purge in this process at once, and in every other within a second.

        Raises:
            Forbidden: the principal does not administer everything.
            BadRequest: not exactly one of the three, or no DID or host.
        """
        require(principal, Permission.ADMINISTER, EVERYTHING)
        check_asked(asked, self._resolver)
        at = int(self._clock() * 1_000_000)

        def add(tx: Transaction) -> PurgeView:
            return add_purge(tx, asked, principal, at=at)

        view = await act_once(
            self._database, principal, idempotency_key, ("purge", asked), add, PurgeView, at=at
        )
        await self.follow()
        return view

    async def follow(self) -> None:
        """
        Do the purges that are new.

        Raises:
            DatabaseUnavailable: the rows cannot be read.
        """
        number = self._number
        purges = await self._database.read(lambda tx: purge_store.purges_after(tx, number))
        for purge in purges:
            if purge.number > self._number:  # Another call may have done it meanwhile.
                self._number = purge.number
                self._purge(purge)

    def readings(self) -> list[Reading]:
        """Return what the metrics tell."""
        return [Reading("touchstone_cache_purges", "Purges done.", self.followed, "sum")]

    async def forget(self, now: float) -> None:
        """Delete rows that are old at `now`, seconds since 1970; for the holder of the lease."""
        before = int((now - KEPT_SECONDS) * 1_000_000)
        await self._database.write(lambda tx: purge_store.forget_before(tx, before))

    def _purge(self, purge: Purge) -> None:
        with contextlib.suppress(
            ResolutionError
        ):  # Another node knows its method; here nothing is cached of it.
            self._resolver.purge(did=purge.did, host=purge.host)
        self._drop_lists()
        self._drop_answers()
        self.followed += 1
        LOG.info("purged", extra={"event": "cache_purge"})


def check_asked(asked: AskedPurge, resolver: Resolver) -> None:
    """
    Refuse a purge that cannot be meant; `resolver` forgets a DID on this occasion.

    Raises:
        BadRequest: not exactly one of the three, or no DID or host.
    """
    if [asked.did is not None, asked.host is not None, asked.all].count(True) != 1:
        raise BadRequest('expected exactly one of "did", "host" and "all": true')
    if asked.host is not None and not _HOST.fullmatch(asked.host):
        raise BadRequest("expected a host name in lower case (A-labels), without a port", pointer="/host")
    if asked.did is not None:
        try:
            resolver.purge(did=asked.did)
        except MethodNotSupported:  # Not here; a driver of another node may know it.
            pass
        except ResolutionError as error:
            raise BadRequest(error.detail, pointer="/did") from None


def add_purge(tx: Transaction, asked: AskedPurge, principal: Principal, *, at: int) -> PurgeView:
    """Write the row of a purge, and its audit row; `at` is now, in microseconds since 1970."""
    number = purge_store.add(tx, did=asked.did, host=asked.host, at=at)
    subject = asked.did or asked.host or "everything"
    kind = "did" if asked.did else "host" if asked.host else "all"
    by = format_utc(at + (EVERYWHERE_SECONDS + 1) * 1_000_000)  # Whole seconds, rounded up.
    view = PurgeView(number=number, everywhere_by=by, did=asked.did, host=asked.host, all=asked.all)
    note(tx, principal, "cache.purge", subject, at=at, after=view, number=number, kind=kind)
    return view
