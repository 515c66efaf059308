"""
A cache around a load function: bounded in bytes, one load per key at a time, stale entries within a ceiling.

What a load returns is kept, errors that it returns in an entry among them (a DID that does not exist); what
it raises is shared with everyone who waits for that load, and then forgotten. Used on one event loop.

An entry past `fresh_until` is served in two cases only, and never past its `stale_until`:

- stale while revalidate (RFC 5861, section 3): for `revalidate_seconds`, while a load goes on behind it;
- stale if error (RFC 5861, section 4): where the load failed for one of the `excused` reasons.

A load that finds out something (no such DID, another id) replaces the entry, and a purge removes it: in neither
case can what was known before come back.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Hashable
from enum import Enum
from typing import Generic, TypeVar

import msgspec

from resolver.kept import Kept
from resolver.source import Entry

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
    """An entry, how it was had, and why the load failed where it did."""

    entry: Entry[V]
    state: State
    failure: Exception | None = None

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
        clock: seconds since 1970.
        revalidate_seconds: how long past freshness an entry is served while it is loaded anew.
        excused: what a load may raise and a stale entry be served in its place.
    """

    def __init__(
        self,
        load: Callable[[K, Entry[V] | None], Awaitable[Entry[V]]],
        *,
        max_bytes: int,
        clock: Callable[[], float],
        revalidate_seconds: float = 0.0,
        excused: tuple[type[Exception], ...] = (),
    ) -> None:
        self._load = load
        self._clock = clock
        self._revalidate_seconds = revalidate_seconds
        self._excused = excused
        self._entries: Kept[K, Entry[V]] = Kept(max_bytes, _memory_bytes_of)
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
            if self._clock() < entry.fresh_until:
                return Look(entry, State.FRESH)
            if self._is_usable(entry, min(self._revalidate_seconds, max_stale)):
                self._loading_of(key, entry)
                return Look(entry, State.REVALIDATING)
        try:
            return Look(await asyncio.shield(self._loading_of(key, entry)), State.LOADED)
        except self._excused as error:
            is_kept = entry is not None and self._entries.peek(key) is entry
            if renew or entry is None or not is_kept or not self._is_usable(entry, max_stale):
                raise
            return Look(entry, State.FAILED, error)

    def is_fresh(self, key: K) -> bool:
        """Tell whether `key` would be answered from memory; does not count as a use."""
        entry = self._entries.peek(key)
        return entry is not None and self._clock() < entry.fresh_until

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

    def _is_usable(self, entry: Entry[V], max_stale: float) -> bool:
        return self._clock() < min(entry.stale_until, entry.fresh_until + max_stale)

    def _loading_of(self, key: K, known: Entry[V] | None) -> asyncio.Task[Entry[V]]:
        """Return the load under way, or begin one."""
        task = self._loading.get(key)
        if task is None:
            task = asyncio.create_task(self._renew(key, known))
            self._loading[key] = task
            task.add_done_callback(_retrieve)
        return task

    async def _renew(self, key: K, known: Entry[V] | None) -> Entry[V]:
        task = asyncio.current_task()
        try:
            entry = await self._load(key, known)
        finally:
            is_current = self._loading.get(key) is task
            if is_current:
                del self._loading[key]
            self._outdated.discard(task)
        if is_current:
            self._entries.put(key, entry)
        return entry


def _memory_bytes_of(entry: Entry[V]) -> int:
    return ENTRY_BYTES + entry.value_bytes


def _retrieve(task: asyncio.Task[Entry[V]]) -> None:
    """See the error of a load that nobody waits for any more; whoever waits is told."""
    if not task.cancelled():
        task.exception()
