"""
Looking at registered did:web and did:webvh documents, so that there is a history from the first day. Service.

For the holder of the lease. Each DID has its turn about once per interval, jittered so that they spread; a new one
has it within a minute. What is seen goes the way of every resolution, through the cache, the guard and its budgets,
to the observer. A name that does not resolve, or a host that is busy, is nothing to tell: its next turn comes.
"""

import asyncio
import heapq
import logging
import random
from collections.abc import Awaitable, Callable

from resolver import ResolutionError, Resolver

LOG = logging.getLogger("touchstone.watching")

FIRST_SECONDS = 60.0  # seconds within which a DID that was never seen has its turn
AT_ONCE = 4  # DIDs asked for at the same time, and per second
WATCHED = ("did:web:", "did:webvh:")  # others are computed, or need a driver
JITTER = 0.1  # of the interval, either way

LastSeen = Callable[[], Awaitable[dict[str, int]]]


class Watch:
    """
    Args:
        registered: the DIDs of the registry.
        last_seen: when each DID was seen last (microseconds since 1970), as the rows say.
        interval: seconds between two looks at a DID; 0: never look.
        clock: seconds since 1970.
        uniform: a random number between two.
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        registered: Callable[[], frozenset[str]],
        last_seen: LastSeen,
        interval: float,
        clock: Callable[[], float],
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._resolver = resolver
        self._registered = registered
        self._last_seen = last_seen
        self._interval = interval
        self._clock = clock
        self._uniform = uniform
        self._planned: frozenset[str] = frozenset()
        self._turns: list[tuple[float, str]] = []  # a heap

    async def look(self) -> int:
        """
        Resolve those whose turn it is, a few; return how many.

        Raises:
            DatabaseUnavailable: the rows cannot be read.
        """
        if self._interval <= 0:
            return 0
        if self._registered() is not self._planned:
            await self._plan()
        due: list[str] = []
        while self._turns and self._turns[0][0] <= self._clock() and len(due) < AT_ONCE:
            due.append(heapq.heappop(self._turns)[1])
        await asyncio.gather(*map(self._look_at, due))
        for did in due:
            heapq.heappush(self._turns, (self._clock() + self._next(), did))
        return len(due)

    async def _plan(self) -> None:
        """Give each DID its turn: those known to us keep theirs, others follow their last look."""
        registered = self._registered()
        turns = {did: at for at, did in self._turns if did in registered}
        seen = await self._last_seen()
        now = self._clock()
        for did in registered:
            if did.startswith(WATCHED) and did not in turns:
                turns[did] = now + self._uniform(0.0, min(FIRST_SECONDS, self._interval))
                if did in seen:
                    turns[did] = max(turns[did], seen[did] / 1_000_000 + self._next())
        self._turns = [(at, did) for did, at in turns.items()]
        heapq.heapify(self._turns)
        self._planned = registered

    def _next(self) -> float:
        return self._interval * self._uniform(1 - JITTER, 1 + JITTER)

    async def _look_at(self, did: str) -> None:
        try:
            if self._resolver.resolve_local(did) is None:  # Ours is in nobody's hands but ours.
                await self._resolver.resolve(did)
        except ResolutionError as error:
            LOG.debug("a registered DID cannot be resolved now: %s", type(error).__name__)
