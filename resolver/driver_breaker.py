"""
A circuit breaker: what fails again and again is left alone for a while. Pure but for the clock handed in.

    closed --- so many failures in a row ---> open --- after a while ---> half-open: one request is let through
      ^                                         ^                            |
      +----------------- it succeeds -----------|----------------------------+
                                                +----------- it fails -------+
"""

from collections.abc import Callable
from enum import Enum


class BreakerState(Enum):
    """What a breaker does with a request; the values are those of the metric."""

    CLOSED = "closed"
    HALF_OPEN = "half-open"
    OPEN = "open"


class Breaker:
    """
    One breaker. Used on one event loop.

    Args:
        failures_to_open: failures in a row.
        open_seconds: for how long nothing is let through.
        clock: monotonic seconds.
    """

    def __init__(self, *, failures_to_open: int, open_seconds: float, clock: Callable[[], float]) -> None:
        self._failures_to_open = failures_to_open
        self._open_seconds = open_seconds
        self._clock = clock
        self._failures = 0
        self._opened_at: float | None = None
        self._is_probing = False

    @property
    def state(self) -> BreakerState:
        if self._opened_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self._seconds_left() > 0 else BreakerState.HALF_OPEN

    def admit(self) -> float:
        """
        Return 0 where a request may go, else the seconds after which to try again.

        Whoever is let through tells how it went, by `succeeded` or `failed` where that says something of the other
        side, and must say `ended`.
        """
        if self._opened_at is None:
            return 0.0
        if (left := self._seconds_left()) > 0:
            return left
        if self._is_probing:
            return min(1.0, self._open_seconds)
        self._is_probing = True
        return 0.0

    def succeeded(self) -> None:
        """Close: it answers."""
        self._failures = 0
        self._opened_at = None

    def failed(self) -> None:
        """Count; open where that was one failure too many, or where it was the probe."""
        self._failures += 1
        if self._failures >= self._failures_to_open:
            self._opened_at = self._clock()

    def ended(self) -> None:
        """Make room for another probe; one that began before the breaker opened makes room for a second one."""
        self._is_probing = False

    def _seconds_left(self) -> float:
        return 0.0 if self._opened_at is None else self._opened_at + self._open_seconds - self._clock()
