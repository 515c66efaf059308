"""
One connection to one origin: request after request. Service.

A protocol of asyncio's rather than its streams, so that what comes unasked is noticed when it comes: between
two requests an end or a byte makes the connection unfit for another. Whatever fails, fails the connection
too: it is aborted, never reused, and an origin that does not answer is not waited for.
"""

import asyncio

from resolver.outbound.answer import AnswerReader
from resolver.outbound.errors import FetchError, OriginMalformed, OriginUnreachable
from resolver.results import Fetched


class ConnectionStale(Exception):
    """The origin closed a kept connection without a byte in answer: the request may be sent again on a new one."""


class Connection(asyncio.Protocol):
    """
    A connection, used by one request at a time.

    Args:
        address: where it leads; the guard has checked it.
        opened_at: by the clock of whoever keeps it.
        max_head_bytes: of an answer.
    """

    def __init__(self, *, address: str, opened_at: float, max_head_bytes: int) -> None:
        self.address = address
        self.opened_at = opened_at
        self._max_head_bytes = max_head_bytes
        self._transport: asyncio.Transport | None = None  # None: not made yet, lost or aborted
        self._reader: AnswerReader | None = None  # None: idle
        self._done: asyncio.Future[None] | None = None  # of the request under way
        self._was_used = False

    @property
    def is_idle(self) -> bool:
        """Whether another request may be sent."""
        return self._transport is not None and self._reader is None

    async def ask(self, request: bytes, max_bytes: int, until: float) -> Fetched:
        """
        Send the bytes of a request, and return the answer.

        Args:
            until: the deadline, by the clock of the event loop.

        Raises:
            TimeoutError: the answer was not complete by then.
            ConnectionStale: the connection had been used before, and ended without any answer.
            OriginMalformed, OriginTooLarge, OriginUnreachable: see `errors.py`.
        """
        if self._transport is None:
            raise self._lost()
        reader = AnswerReader(max_head_bytes=self._max_head_bytes, max_bytes=max_bytes)
        self._reader = reader
        loop = asyncio.get_running_loop()
        self._done = loop.create_future()
        deadline = loop.call_at(until, self._expire)
        self._transport.write(request)
        try:
            await self._done
        except BaseException:
            self.abort()
            raise
        finally:
            deadline.cancel()
            self._reader = self._done = None
        self._was_used = True
        if not reader.keeps_alive:
            self.abort()
        return reader.answer()

    def abort(self) -> None:
        """Close at once, without a word to an origin that may never answer it."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # asyncio hands a Transport to a Protocol.

    def data_received(self, data: bytes) -> None:
        if self._reader is None:
            self.abort()  # Bytes that nobody asked for.
            return
        try:
            self._reader.feed(data)
        except FetchError as error:
            self._end(error)
            return
        if self._reader.is_complete:
            self._end(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._reader is None:
            return
        if self._reader.received == 0 or error is not None:
            self._end(self._lost(error))
            return
        try:
            self._reader.end()
        except FetchError as cut_short:
            self._end(cut_short)
        else:
            self._end(None)

    def _expire(self) -> None:
        self._end(TimeoutError())

    def _end(self, error: Exception | None) -> None:
        if self._done is None or self._done.done():
            return
        if error is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(error)

    def _lost(self, error: Exception | None = None) -> Exception:
        if self._was_used and (self._reader is None or self._reader.received == 0):
            return ConnectionStale()
        if error is None:
            return OriginMalformed("the origin closed the connection without an answer")
        return OriginUnreachable("the connection to the origin broke")
