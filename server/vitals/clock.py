"""
The system's clock beside one that nobody can set: whether it jumped, and what is past whatever it says. Service.

Slewing, as time services do, moves both. What lasts is measured by the second (house decision 26); here is what
needs the first all the same, since it outlives the process: ages of rows.
"""

import logging
from collections.abc import Callable

from operators import AlarmKind, OnState

LOG = logging.getLogger("touchstone.clock")

STEP_SECONDS = 5.0  # seconds; less is what a pause between two readings, or a leap second, looks like
TOLD_SECONDS = 900.0  # seconds that the alarm lasts: nobody can tell whether the clock is right now


class ClockWatch:
    """
    Watches one machine's clock, from the start of the process.

    Args:
        clock: seconds since 1970.
        timer: monotonic seconds.
        on_state: told that the clock jumped.
        node: the name of the machine.
    """

    def __init__(
        self, *, clock: Callable[[], float], timer: Callable[[], float], on_state: OnState, node: str
    ) -> None:
        self._clock = clock
        self._timer = timer
        self._on_state = on_state
        self._node = node
        self._ahead = self._ahead_at_start = clock() - timer()
        self._jump: tuple[float, str] | None = None  # When, in monotonic seconds, and what is told of it.

    def look(self) -> None:
        """Tell whether the clock jumped since the last look, or a while ago; to be called every second."""
        now, ahead = self._timer(), self._clock() - self._timer()
        step, self._ahead = ahead - self._ahead, ahead
        if abs(step) >= STEP_SECONDS:
            told = f"the clock was set {'forward' if step > 0 else 'back'} by {abs(step):.0f} s"
            self._jump = now, told
            LOG.warning(told, extra={"event": "clock_step"})
        elif self._jump is not None and now - self._jump[0] >= TOLD_SECONDS:
            self._jump = None
            self._on_state(AlarmKind.CLOCK, self._node, None)
        if self._jump is not None:
            self._on_state(AlarmKind.CLOCK, self._node, self._jump[1])

    def surely_past(self) -> float:
        """
        Return seconds since 1970 that are past by the clock, and would be had nobody set it since the start.

        For what is deleted by its age: a clock that was set forward must not delete what is young.
        """
        return min(self._clock(), self._timer() + self._ahead_at_start)
