"""
A circuit breaker: what fails again and again is left alone for a while. Pure but for the clock handed in.

    closed --- so many failures in a row ---> open --- after a while ---> half-open: a few requests are let through
      ^                                         ^                            |
      +----------------- one succeeds ----------|----------------------------+
                                                +----------- one fails ------+

Whoever names DIDs must not open it for all others, nor hold it open. A DID that fails again counts once, and a
failure does not count where others were answered meanwhile: it says something of that DID, not of the driver.
Probes are of different DIDs, and only one of them is of a DID that failed before.
"""

from collections import OrderedDict
from collections.abc import Callable
from enum import Enum

MAX_PROBES = 3  # at a time, while half-open
MAX_SUSPECTS = 64  # DIDs, of which each may have 8 KiB


class BreakerState(Enum):
    """What a breaker does with a request; the values are those of the metric."""

    CLOSED = "closed"
    HALF_OPEN = "half-open"
    OPEN = "open"


class Breaker:
    """
    One breaker. Used on one event loop.

    Args:
        failures_to_open: DIDs that failed in a row.
        open_seconds: for how long nothing is let through.
        clock: monotonic seconds.
    """

    def __init__(self, *, failures_to_open: int, open_seconds: float, clock: Callable[[], float]) -> None:
        self._failures_to_open = failures_to_open
        self._open_seconds = open_seconds
        self._clock = clock
        self._in_a_row: set[str] = (
            set()
        )  # DIDs that failed since the last success; as many as open it, at most
        self._suspects: OrderedDict[str, None] = OrderedDict()  # DIDs whose last try failed, the newest last
        self._probes: set[str] = set()  # DIDs under way
        self._opened_at: float | None = None
        self._answered_at = float("-inf")

    @property
    def state(self) -> BreakerState:
        if self._opened_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._seconds_left() > 0 else BreakerState.HALF_OPEN

    def admit(self, did: str) -> float:
        """
        Return 0 where a request for `did`, whatever its options, may go, else the seconds until the next try.

        Whoever is let through tells how it went, by `succeeded` or `failed` where that says something of the other
        side, and must say `ended`.
        """
        if self._opened_at is None:
            return 0.0
        if (left := self._seconds_left()) > 0:
            return left
        if not self._may_probe(did):
            return min(1.0, self._open_seconds)
        self._probes.add(did)
        return 0.0

    def succeeded(self, did: str) -> None:
        """Close: it answers."""
        self._suspects.pop(did, None)
        self._in_a_row.clear()
        self._opened_at = None
        self._answered_at = self._clock()

    def failed(self, did: str, began_at: float) -> None:
        """Count a request that began then; open where that was one DID too many, or where it was a probe."""
        self._suspects.pop(did, None)
        self._suspects[did] = None
        if len(self._suspects) > MAX_SUSPECTS:
            self._suspects.popitem(last=False)
        if self._answered_at > began_at:
            return
        if len(self._in_a_row) < self._failures_to_open:
            self._in_a_row.add(did)
        if len(self._in_a_row) >= self._failures_to_open:
            self._opened_at = self._clock()

    def ended(self, did: str) -> None:
        """Make room for another probe; one that began before the breaker opened makes room for one more."""
        self._probes.discard(did)

    def _may_probe(self, did: str) -> bool:
        if did in self._suspects and not self._suspects.keys().isdisjoint(self._probes):
            return False
        return did not in self._probes and len(self._probes) < MAX_PROBES

    def _seconds_left(self) -> float:
        return 0.0 if self._opened_at is None else self._opened_at + self._open_seconds - self._clock()
