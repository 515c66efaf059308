"""
A cache around a load function: bounded in bytes, one load per key at a time, stale entries for revalidation.

What a load returns is kept, errors that it returns in an entry among them (a DID that does not exist); what
it raises is shared with everyone who waits for that load, and then forgotten. Used on one event loop.

Limit: what was used longest ago goes first. A flood of new keys evicts what is not used while `max_bytes` of
the flood pass; it is the outbound budget that makes such a flood slow.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Generic, TypeVar

import msgspec
from cachetools import LRUCache

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ENTRY_BYTES = 2_048  # an entry's own objects, its key and its headers, roughly


class Entry(msgspec.Struct, Generic[V], frozen=True, kw_only=True):
    """
    What is kept for a key.

    Attributes:
        value: what the load found.
        fresh_until: seconds since 1970.
        value_bytes: the length of the bytes in `value`.
        headers: the origin's headers about caching, for revalidation.
    """

    value: V
    fresh_until: float
    value_bytes: int = 0
    headers: Mapping[str, str] = {}


class Cache(Generic[K, V]):
    """
    Remembers what `load` returned.

    Args:
        load: key and the entry known so far, if any, to a new entry.
        max_bytes: bound on all `value_bytes`, plus `ENTRY_BYTES` for each; an entry over it is handed out
            but not kept.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        load: Callable[[K, Entry[V] | None], Awaitable[Entry[V]]],
        *,
        max_bytes: int,
        clock: Callable[[], float],
    ) -> None:
        self._load = load
        self._clock = clock
        self._entries: LRUCache[K, Entry[V]] = LRUCache(max_bytes, getsizeof=_memory_bytes_of)
        self._loading: dict[K, asyncio.Task[Entry[V]]] = {}

    async def get(self, key: K, *, renew: bool = False) -> Entry[V]:
        """
        Return the entry of `key`: a fresh one from memory, else a new one.

        One load serves all who wait for a key; it goes on when they stop waiting. With `renew` the entry in
        memory is not used, but a load under way is.

        Raises:
            Exception: whatever the load raised.
        """
        entry = self._entries.get(key)
        if entry is not None and not renew and self._clock() < entry.fresh_until:
            return entry
        task = self._loading.get(key)
        if task is None:
            task = asyncio.create_task(self._renew(key, entry))
            self._loading[key] = task
            task.add_done_callback(_retrieve)
        return await asyncio.shield(task)

    async def aclose(self) -> None:
        """Stop the loads under way."""
        tasks = list(self._loading.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def memory_bytes(self) -> int:
        """What is kept, by the measure of `max_bytes`."""
        return int(self._entries.currsize)

    def __len__(self) -> int:
        return len(self._entries)

    async def _renew(self, key: K, known: Entry[V] | None) -> Entry[V]:
        try:
            entry = await self._load(key, known)
        finally:
            del self._loading[key]
        if _memory_bytes_of(entry) <= self._entries.maxsize:
            self._entries[key] = entry
        else:
            self._entries.pop(key, None)
        return entry


def _memory_bytes_of(entry: Entry[V]) -> int:
    return ENTRY_BYTES + entry.value_bytes


def _retrieve(task: asyncio.Task[Entry[V]]) -> None:
    """See the error of a load that nobody waits for any more; whoever waits is told."""
    if not task.cancelled():
        task.exception()
