"""
A cache around a load function: bounded in bytes, one load per key at a time, stale entries within a ceiling.
Service.

What a load returns is kept, errors that it returns in an entry among them (a DID that does not exist); what
it raises is shared with everyone who waits for that load, and then forgotten. Used on one event loop.

An entry past `fresh_until` is served in two cases only, and never past its `stale_until`:

- stale while revalidate (RFC 5861, section 3): until `revalidate_until`, while a load goes on behind it;
- stale if error (RFC 5861, section 4): where the load failed for one of the `excused` reasons. It is tried again
  after `retry_seconds`, not with each caller: a document whose origin is down costs no more than a fresh one.

A load that finds out something (no such DID, another id) replaces the entry, and a purge removes it: in neither
case can what was known before come back.

Loads give times in seconds since 1970. How much of them has passed is measured by a timer, so that nothing lives
longer, or shorter, because somebody set the clock.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Hashable
from contextvars import Context
from copy import copy
from enum import Enum
from typing import Generic, TypeVar

import msgspec

from resolver.sources.kept import Kept
from resolver.sources.source import Entry

__all__ = ["ENTRY_BYTES", "Cache", "Entry", "Look", "State"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ENTRY_BYTES = 2_048  # an entry's own objects, its key and its headers, roughly


class State(Enum):
    """How an entry was had."""

    FRESH = "fresh"
    LOADED = "loaded"
    REVALIDATING = "stale-while-revalidate"
    FAILED = "stale-if-error"


class Look(msgspec.Struct, Generic[V], frozen=True):
    """
    An entry, how it was had, and why the load failed where it did.

    `clock_step`: whole seconds by which the clock was set forward since the entry was kept.
    """

    entry: Entry[V]
    state: State
    failure: Exception | None = None
    clock_step: int = 0

    @property
    def is_stale(self) -> bool:
        return self.state in (State.REVALIDATING, State.FAILED)


class Cache(Generic[K, V]):
    """
    Remembers what `load` returned.

    Args:
        load: key and the entry known so far, if any, to a new entry.
        max_bytes: bound on all `value_bytes`, plus `ENTRY_BYTES` for each; an entry over it is handed out
            but not kept.
        clock: seconds since 1970, the measure of what loads return.
        timer: monotonic seconds.
        key_bytes: what a key takes of `max_bytes`.
        retry_seconds: how long a load that failed is not tried again where a stale entry takes its place.
        excused: what a load may raise and a stale entry be served in its place.
    """

    def __init__(
        self,
        load: Callable[[K, Entry[V] | None], Awaitable[Entry[V]]],
        *,
        max_bytes: int,
        clock: Callable[[], float],
        timer: Callable[[], float],
        key_bytes: Callable[[K], int] = lambda _: 0,
        retry_seconds: float = 0.0,
        excused: tuple[type[Exception], ...] = (),
    ) -> None:
        self._load = load
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._timer = timer
        self._excused = excused
        self._entries: Kept[K, Entry[V]] = Kept(
            max_bytes, lambda key, entry: key_bytes(key) + _bytes_of(entry)
        )
        self._loading: dict[K, asyncio.Task[Entry[V]]] = {}
        self._outdated: set[asyncio.Task[Entry[V]]] = set()

    async def get(self, key: K, *, renew: bool = False) -> Entry[V]:
        """Return the entry of `key` as `look` does."""
        return (await self.look(key, renew=renew)).entry

    async def look(self, key: K, *, renew: bool = False, max_stale: float = math.inf) -> Look[V]:
        """
        Return the entry of `key`: a fresh one from memory, else a new one, else a stale one.

        One load serves all who wait for a key; it goes on when they stop waiting. With `renew` no entry in
        memory is used, but a load under way is.

        Args:
            max_stale: seconds past freshness that the caller takes; can only lower what is allowed anyway.

        Raises:
            Exception: whatever the load raised, where no stale entry may take its place.
        """
        entry = self._entries.get(key)
        if entry is not None and not renew:
            if self._is_before(entry, entry.fresh_until):
                return self._look(entry, State.FRESH)
            if self._is_before(entry, entry.retry_at) and self._is_usable(entry, max_stale):
                return self._look(entry, State.FAILED, entry.failure)
            if self._is_before(entry, min(entry.revalidate_until, entry.fresh_until + max_stale)):
                self._loading_of(key, entry, Context())  # Nobody waits for it: it is not asked for a client.
                return self._look(entry, State.REVALIDATING)
        try:
            return Look(await asyncio.shield(self._loading_of(key, entry)), State.LOADED)
        except self._excused as error:
            kept = self._entries.peek(key)
            if renew or entry is None or kept is None or kept.value is not entry.value:
                raise
            if not self._is_usable(entry, max_stale):
                raise
            return self._look(entry, State.FAILED, error)

    def touch(self, key: K) -> None:
        """Count a use that was answered elsewhere, from what this cache gave."""
        self._entries.get(key)

    def would_load(self, key: K) -> bool:
        """Tell whether a look at `key` would begin a load now; does not count as a use."""
        entry = self._entries.peek(key)
        if key in self._loading:
            return False
        if entry is None:
            return True
        is_failed = self._is_before(entry, min(entry.retry_at, entry.stale_until))
        return not (is_failed or self._is_before(entry, entry.fresh_until))

    def purge(self, is_meant: Callable[[K], bool] = lambda _: True) -> int:
        """
        Forget the keys that are meant; return how many entries that were.

        What is being loaded for them is given to those who wait already, and to nobody else.
        """
        meant = [key for key in self._entries if is_meant(key)]
        for key in meant:
            self._entries.pop(key)
        for key in [key for key in self._loading if is_meant(key)]:
            self._outdated.add(self._loading.pop(key))
        return len(meant)

    async def aclose(self) -> None:
        """Stop the loads under way."""
        tasks = [*self._loading.values(), *self._outdated]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def memory_bytes(self) -> int:
        """What is kept, by the measure of `max_bytes`."""
        return self._entries.bytes_held

    def __len__(self) -> int:
        return len(self._entries)

    def _look(self, entry: Entry[V], state: State, failure: Exception | None = None) -> Look[V]:
        return Look(entry, state, failure, round(self._clock() - self._now(entry)))

    def _is_usable(self, entry: Entry[V], max_stale: float) -> bool:
        return self._is_before(entry, min(entry.stale_until, entry.fresh_until + max_stale))

    def _is_before(self, entry: Entry[V], end: float) -> bool:
        return self._now(entry) < end

    def _now(self, entry: Entry[V]) -> float:
        """Return what the clock would say now had nobody set it since `entry` was kept."""
        return self._timer() + entry.clock_ahead

    def _loading_of(
        self, key: K, known: Entry[V] | None, context: Context | None = None
    ) -> asyncio.Task[Entry[V]]:
        """Return the load under way, or begin one; in the context of the caller unless another is given."""
        task = self._loading.get(key)
        if task is None:
            task = asyncio.create_task(self._renew(key, known), context=context)
            self._loading[key] = task
            task.add_done_callback(_retrieve)
        return task

    async def _renew(self, key: K, known: Entry[V] | None) -> Entry[V]:
        task = asyncio.current_task()
        try:
            entry = await self._load(key, known)
        except self._excused as error:
            self._put_off(key, known, error)
            raise
        finally:
            is_current = self._loading.get(key) is task
            if is_current:
                del self._loading[key]
            self._outdated.discard(task)
        entry = msgspec.structs.replace(entry, clock_ahead=self._clock() - self._timer())
        if is_current:
            self._entries.put(key, entry)
        return entry

    def _put_off(self, key: K, known: Entry[V] | None, error: Exception) -> None:
        """Note in what is known that it could not be loaded anew just now; what is not kept any more stays away."""
        if known is None or self._entries.peek(key) is not known:
            return
        if not self._is_before(known, known.stale_until):
            return
        retry_at = self._now(known) + self._retry_seconds
        put_off = msgspec.structs.replace(known, retry_at=retry_at, failure=_without_traceback(error))
        self._entries.put(key, put_off)


def _without_traceback(error: Exception) -> Exception:
    """Return a copy to keep: a traceback would keep the frames of the load, and what is in them."""
    return copy(error)


def _bytes_of(entry: Entry[V]) -> int:
    return (
        ENTRY_BYTES + entry.value_bytes + sum(len(name) + len(value) for name, value in entry.headers.items())
    )


def _retrieve(task: asyncio.Task[Entry[V]]) -> None:
    """See the error of a load that nobody waits for any more; whoever waits is told."""
    if not task.cancelled():
        task.exception()
