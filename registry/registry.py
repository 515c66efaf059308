"""
The registry over its database: the one way to change it, and what is known of it. Service.

Whatever is asked is answered from the index (`index/`), which follows the events. Whatever is changed is planned on
what is known, and recorded if nobody changed the registry meanwhile; else it is planned anew.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from registry.errors import KnownAtLost, Overtaken
from registry.events import Cause, Head, append, close, lock_head, new_event
from registry.index.gathered import Gathered, Remembered
from registry.index.index import Index
from registry.index.reading import Indexed
from registry.known import FactChange, Known
from storage import Database, Transaction
from wire import format_exact

ATTEMPTS = 50  # plans of one change, if others are always faster
MOMENT = 1_000_000  # microseconds; what is told just now is recorded with the time that its clock shows
CLOSE_APART_SECONDS = 0.25  # seconds between two promises that nothing more is recorded

T = TypeVar("T")
Work = Callable[[Transaction], T]
Plan = Callable[[Known, int], tuple[FactChange, ...]]


class Edit(msgspec.Struct, frozen=True):
    """
    What one transaction records.

    Attributes:
        version: the registry's, after it; where there are no changes, as before.
        recorded_at: microseconds since 1970.
        digest: hex SHA-256 over all that was recorded until then (`Head.digest`).
    """

    version: int
    recorded_at: int
    digest: str
    changes: tuple[FactChange, ...]


class _Planned(msgspec.Struct, frozen=True):
    version: int
    changes: tuple[FactChange, ...]
    revisions: tuple[int, ...]  # the number that each change gives its fact


class _Raced(Exception):
    """Somebody else recorded something since it was planned."""


class Registry:
    """
    One process's registry.

    Args:
        database: migrated; the composition root owns it.
        clock: seconds since 1970.
        index_path: of this node's index; None: one of our own.
        timer: monotonic seconds.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        *,
        index_path: Path | None = None,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.index = Index(database, index_path)
        self._database = database
        self._clock = clock
        self._timer = timer
        self._closing = asyncio.Lock()
        self._closed_at = 0  # Microseconds since 1970; the index knows all that was recorded until then.
        self._closed_when = float("-inf")  # Monotonic seconds.

    @property
    def version(self) -> int:
        """The version that is answered from; 0: nothing was ever recorded. Raises as `Index.reading`."""
        return self.index.version

    @property
    def recorded_at(self) -> int:
        """When the newest of what is answered from was recorded, as `Index.recorded_at`."""
        return self.index.recorded_at

    async def load(self) -> None:
        """
        Let the index take up all events; to be called before questions.

        Raises:
            DatabaseUnavailable: they cannot be read.
        """
        self._closed_at = (await self.index.load()).closed_at

    async def follow(self) -> None:
        """Take up what others recorded; raises as `load`, and then what was known stays."""
        self._closed_at = (await self.index.follow()).closed_at

    def reading(self, known_at: int | None = None) -> AbstractContextManager[Indexed]:
        """Read what is known, or was known at a recorded time that `close_until` returned for."""
        return self.index.reading(known_at)

    def gathering(self, known_at: int, before: Gathered | None = None) -> AbstractContextManager[Gathered]:
        """As `reading`, for many questions at once; `before` is what was gathered of the same time already."""
        return self.index.gathering(known_at, before)

    def remembering(self) -> AbstractContextManager[Remembered]:
        """Read what is known now, as questions before this one may have looked it up."""
        return self.index.remembering()

    def state(self) -> Hashable:
        """Return what stands for all that is known now: another value once anything is recorded."""
        return self.index.state()

    async def close_until(self, known_at: int) -> None:
        """
        Make sure that nothing more is recorded at or before a time, which is not after now.

        An answer as of that time is then for ever the same.

        Raises:
            KnownAtLost: a restore lost what was recorded then.
            DatabaseUnavailable: nothing can be promised now.
        """
        if known_at > self._closed_at:
            async with self._closing:
                if known_at > self._closed_at:
                    await asyncio.sleep(self._closed_when + CLOSE_APART_SECONDS - self._timer())
                    await self._close(known_at)
        self.require_kept(known_at)

    async def close_up(self) -> None:
        """
        Promise that nothing more is recorded up to a moment ago, whoever asks.

        What a restore loses begins at the last such promise in the backup, not at the last change of the registry.
        """
        at = self.now() - MOMENT
        await self._database.write(lambda tx: close(tx, at))

    def require_kept(self, known_at: int) -> None:
        """
        Refuse a recorded time of which nobody knows any more what was known then.

        Raises:
            KnownAtLost: a restore lost what was recorded then.
        """
        if (gap := self.index.gap_around(known_at)) is not None:
            lost_from, lost_until = (format_exact(each) for each in gap)
            raise KnownAtLost(
                f"the database was restored: what was recorded after {lost_from} and until {lost_until} is lost;"
                " ask for another known_at, or for none"
            )

    async def edit(
        self,
        plan: Plan,
        within: Callable[[Transaction, Edit], T],
        cause: Cause,
        *,
        write: Callable[[Work[T]], Awaitable[T]] | None = None,
    ) -> T:
        """
        Change the registry: the one way to.

        Args:
            plan: returns the changes, from what is known and from now in microseconds since 1970; it runs on a
                thread, and anew where somebody else changed the registry meanwhile.
            within: what else belongs to the transaction, such as its audit row; what it returns is returned.
            write: runs the transaction, as `Database.write`.

        Raises:
            Overtaken: others changed the registry as often as it was tried.
            Exception: whatever `plan` and `within` raise; nothing is changed then.
        """
        for _ in range(ATTEMPTS):
            await self.follow()
            planned = await asyncio.to_thread(self._plan, plan)
            try:
                done = await (write or self._database.write)(partial(self._record, planned, within, cause))
            except _Raced:
                continue
            await self.follow()
            return done
        raise Overtaken("others changed the registry at the same time, again and again; try again")

    def now(self) -> int:
        """Return now, in microseconds since 1970."""
        return int(self._clock() * 1_000_000)

    def _plan(self, plan: Plan) -> _Planned:
        with self.reading() as known:
            version = self.version
            changes = plan(known, self.now())
            revisions = tuple(known.last_number(change.kind, change.id) + 1 for change in changes)
        return _Planned(version, changes, revisions)

    def _record(
        self, planned: _Planned, within: Callable[[Transaction, Edit], T], cause: Cause, tx: Transaction
    ) -> T:
        head = lock_head(tx)
        if head.version != planned.version:
            raise _Raced
        if not planned.changes:
            return within(tx, Edit(head.version, head.recorded_at, head.digest, ()))
        numbered = zip(planned.changes, planned.revisions, strict=True)
        after = append(tx, head, [new_event(*each) for each in numbered], cause, self.now())
        return within(tx, Edit(after.version, after.recorded_at, after.digest, planned.changes))

    async def _close(self, known_at: int) -> None:
        head = await self._database.write(lambda tx: close(tx, max(known_at, self.now())))
        self._closed_when = self._timer()
        await self._be_at(head)
        self._closed_at = max(self._closed_at, head.closed_at)

    async def _be_at(self, head: Head) -> None:
        while (await self.index.follow()).position < head.position:
            pass
