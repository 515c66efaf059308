"""
A connection is cut off whose client takes nothing of what waits to be sent.
"""

import asyncio


class WriteDeadline:
    """
    Gives the client `seconds` to take some of what waits to be sent, and again as long, until nothing waits.

    Who takes nothing is cut off.
    """

    __slots__ = ("_loop", "_seconds", "_timer", "_transport")

    def __init__(self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, seconds: float) -> None:
        self._loop = loop
        self._transport = transport
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """Begin anew, where something waits."""
        self.unwatch()
        unsent = self._transport.get_write_buffer_size()
        if unsent:
            self._timer = self._loop.call_later(self._seconds, self._check, unsent)

    def unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self, before: int) -> None:
        if self._transport.get_write_buffer_size() >= before:
            self._transport.abort()
        else:
            self.watch()
