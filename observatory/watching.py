"""
Looking at DIDs in turns, such as at registered did:web and did:webvh documents, so that there is a history from the
first day. Service.

For the holder of the lease. Each DID has its turn about once per interval, jittered so that they spread; a new
one has it within a minute. DIDs of one host follow one another, `HOST_SECONDS` apart. Where a budget of ours
refuses a look, the DID keeps its turn, and its host waits.

What is seen of registered DIDs goes the way of every resolution, through the cache, the guard and its budgets, to
the observer. A name that does not resolve is nothing to tell: its next turn comes.
"""

import asyncio
import heapq
import logging
import random
from collections.abc import Awaitable, Callable

from resolver import Options, ResolutionError, Resolver
from resolver.sources.web import OutboundBusy

LOG = logging.getLogger("touchstone.watching")

FIRST_SECONDS = 60.0  # seconds within which a DID that was never seen has its turn
AT_ONCE = 4  # hosts asked at the same time, and per second; of each one DID
HOST_SECONDS = 2.0  # seconds between two looks at one host; clients want their share of its budget
WATCHED = ("did:web:", "did:webvh:")  # others are computed, or need a driver
JITTER = 0.1  # of the interval, either way

_FROM_THE_ORIGIN = Options(max_stale=0)  # what is stale is served while our budget refuses to renew it

LastSeen = Callable[[frozenset[str]], Awaitable[dict[str, int]]]
LookAt = Callable[
    [str], Awaitable[float | None]
]  # at a DID; in how many seconds again, None: after the interval


def looking_with(resolver: Resolver) -> LookAt:
    """Return what looks at a DID by resolving it."""

    async def look_at(did: str) -> None:
        try:
            if resolver.resolve_local(did) is None:  # Ours is in nobody's hands but ours.
                await resolver.resolve(did, _FROM_THE_ORIGIN)
        except OutboundBusy:
            raise
        except ResolutionError as error:
            LOG.debug("a registered DID cannot be resolved now: %s", type(error).__name__)

    return look_at


class Watch:
    """
    Args:
        look_at: looks at one of them; may raise OutboundBusy.
        watched: the DIDs; the same object as long as they are the same. They are held in memory.
        prefixes: of those that are looked at.
        last_seen: when each of some DIDs was seen last (microseconds since 1970), as the rows say.
        interval: seconds between two looks at a DID; 0: never look.
        clock: seconds since 1970, to compare with `last_seen`.
        timer: monotonic seconds: turns come though the clock is set back.
        uniform: a random number between two.
    """

    def __init__(
        self,
        look_at: LookAt,
        *,
        watched: Callable[[], Awaitable[frozenset[str]]],
        prefixes: tuple[str, ...] = WATCHED,
        last_seen: LastSeen,
        interval: float,
        clock: Callable[[], float],
        timer: Callable[[], float],
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._look_at = look_at
        self._watched = watched
        self._prefixes = prefixes
        self._last_seen = last_seen
        self._interval = interval
        self._clock = clock
        self._timer = timer
        self._uniform = uniform
        self._planned: frozenset[str] = frozenset()
        self._turns: dict[str, list[tuple[float, str]]] = {}  # of each host the turns of its DIDs, a heap
        self._hosts: list[tuple[float, str]] = []  # the hosts by their next turn, a heap
        self._free_at: dict[str, float] = {}  # when a host may be asked again

    async def look(self) -> int:
        """
        Look at those whose turn it is, a few, each of another host; return how many.

        Raises:
            DatabaseUnavailable: the rows cannot be read.
        """
        if self._interval <= 0:
            return 0
        watched = await self._watched()
        if watched is not self._planned:
            await self._plan(watched)
        due: list[str] = []
        while self._hosts and self._hosts[0][0] <= self._timer() and len(due) < AT_ONCE:
            due.append(heapq.heappop(self._hosts)[1])
        await asyncio.gather(*map(self._look_at_host, due))
        for host in due:
            heapq.heappush(self._hosts, (self._turn_of(host), host))
        return len(due)

    async def _plan(self, watched: frozenset[str]) -> None:
        """Give each DID its turn: those known to us keep theirs, others follow their last look."""
        turns = {did: at for queue in self._turns.values() for at, did in queue if did in watched}
        new = frozenset(did for did in watched if did.startswith(self._prefixes) and did not in turns)
        seen = await self._last_seen(new)
        now, since_1970 = self._timer(), self._clock()
        for did in new:
            turns[did] = now + self._uniform(0.0, min(FIRST_SECONDS, self._interval))
            if did in seen:
                ago = max(0.0, since_1970 - seen[did] / 1_000_000)  # Never ahead, whatever the clock says.
                turns[did] = max(turns[did], now - ago + self._next())
        self._arrange(turns)
        self._planned = watched

    def _arrange(self, turns: dict[str, float]) -> None:
        """Sort turns of DIDs into their hosts, and the hosts by their next turn."""
        self._turns = {}
        for did, at in turns.items():
            self._turns.setdefault(_host_of(did), []).append((at, did))
        for queue in self._turns.values():
            heapq.heapify(queue)
        self._free_at = {host: at for host, at in self._free_at.items() if host in self._turns}
        self._hosts = [(self._turn_of(host), host) for host in self._turns]
        heapq.heapify(self._hosts)

    def _turn_of(self, host: str) -> float:
        return max(self._turns[host][0][0], self._free_at.get(host, 0.0))

    def _next(self) -> float:
        return self._interval * self._uniform(1 - JITTER, 1 + JITTER)

    async def _look_at_host(self, host: str) -> None:
        """Look at the DID of a host whose turn it is; where we may not ask now, it stays the first."""
        turn, did = heapq.heappop(self._turns[host])
        wait = HOST_SECONDS
        try:
            again = await self._look_at(did)
            turn = self._timer() + (self._next() if again is None else again)
        except OutboundBusy as error:
            # Twice what the budget wants, so that what is free by then is not all ours.
            wait = max(wait, 2 * float(error.headers.get("retry-after", "1")))
        except Exception:
            # A bug: it must not be the last look at this DID, nor at those that had their turn with it.
            LOG.exception("a look at a DID failed")
            turn = self._timer() + self._next()
        self._free_at[host] = self._timer() + wait
        heapq.heappush(self._turns[host], (turn, did))


def _host_of(did: str) -> str:
    """Return the host in a did:web or did:webvh, without the port; of a malformed one, anything."""
    _, method, *rest = did.split(":")
    authority = rest[1] if method == "webvh" and len(rest) > 1 else rest[0]
    return authority.partition("%")[0].lower()
