"""
A deadline that is set anew for every message and hardly ever passes: moving it costs no timer of the event loop.

A timer of the loop costs a microsecond to make and another to cancel, of the thirty that a whole answer takes. So
the timer that runs is left running; when it ends it looks whether the deadline has been moved, and sleeps on.
"""

import asyncio
from collections.abc import Callable

NEVER = float("inf")


class Deadline:
    """
    Calls `on_passed` once at the time that was set last, unless it was cleared before.

    A deadline that is moved to earlier than the timer that runs makes a new one, at the price of both.
    """

    __slots__ = ("_at", "_ends_at", "_loop", "_on_passed", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, on_passed: Callable[[], None]) -> None:
        self._loop = loop
        self._on_passed = on_passed
        self._at = NEVER  # seconds of the loop's clock
        self._ends_at = NEVER  # when the timer ends; NEVER: there is none
        self._timer: asyncio.TimerHandle | None = None

    def set(self, seconds: float) -> None:
        """Let the deadline pass in `seconds`, whatever it was."""
        self._at = at = self._loop.time() + seconds
        if at < self._ends_at:
            self._start(seconds)

    def clear(self) -> None:
        """Let it never pass; the timer runs on, for the next time that it is set."""
        self._at = NEVER

    def is_set(self) -> bool:
        return self._at is not NEVER

    def cancel(self) -> None:
        """Clear the deadline, and let go of whoever is called."""
        self.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._ends_at = None, NEVER

    def _start(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._ends_at = self._loop.time() + seconds
        self._timer = self._loop.call_later(seconds, self._end)

    def _end(self) -> None:
        self._timer, self._ends_at = None, NEVER
        if self._at is NEVER:
            return
        remaining = self._at - self._loop.time()
        if remaining > 0:
            self._start(remaining)
        else:
            self.clear()
            self._on_passed()
