"""
One connection to one origin: GET after GET over HTTP/1.1, with every cap on what comes back. Service.

h11 reads and writes the messages (RFC 9112); asyncio's streams carry them. After an answer one read stays
under way: what ends it, an end or a byte that nobody asked for, makes the connection unfit for another request.

Whatever fails, fails the connection too: it is aborted, never reused, never waited for.
"""

import asyncio
from contextlib import suppress
from typing import NamedTuple

import h11

from resolver.fetch_errors import FetchError, OriginMalformed, OriginTooLarge, OriginUnreachable

READ_BYTES = 8_192  # per read: the parser takes 5 ms for that much in chunks of one byte
MAX_PIECES = 4_096  # of a body; an origin that sends single bytes costs more to parse than to send
MAX_INTERIM = 8  # 1xx answers before the real one
FRAMING_FACTOR = 2  # all bytes of an answer against the body's cap: what chunked framing may add

Header = tuple[bytes, bytes]


class ConnectionStale(Exception):
    """The origin closed a kept connection without a byte in answer: GET may be sent again on a new one."""


class Answer(NamedTuple):
    """What came back; names of `headers` are in lower case."""

    status: int
    headers: list[Header]
    body: bytes


class Connection:
    """
    A connection, used by one request at a time.

    Args:
        reader, writer: connected, and inside TLS where the origin speaks it.
        address: where it leads; the guard has checked it.
        opened_at: by the clock of whoever keeps it.
        max_head_bytes: status line and headers of an answer, and each line of its framing.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        address: str,
        opened_at: float,
        max_head_bytes: int,
    ) -> None:
        self.address = address
        self.opened_at = opened_at
        self._reader = reader
        self._writer = writer
        self._max_head_bytes = max_head_bytes
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=max_head_bytes)
        self._received = 0  # bytes of the answer under way
        self._idle_read: asyncio.Task[bytes] | None = None  # None: new, in use or aborted

    @property
    def is_idle(self) -> bool:
        """Whether another request may be sent: the last answer is complete, and nothing came since."""
        return self._idle_read is not None and not self._idle_read.done()

    async def get(self, target: bytes, headers: list[Header], max_bytes: int) -> Answer:
        """
        Send a GET and return the answer; the caller sets the deadline.

        Raises:
            ConnectionStale: the connection had been used before, and ended without any answer.
            OriginMalformed, OriginTooLarge, OriginUnreachable: see `fetch_errors.py`.
        """
        first_read, self._idle_read = self._idle_read, None
        self._received = 0
        try:
            self._send(target, headers)
            await self._receive_first(first_read)
            response = await self._head(max_bytes)
            body = await self._body(max_bytes)
        except BaseException as error:
            self.abort()
            raise _translated(error, self._max_head_bytes) from None
        self._settle()
        return Answer(response.status_code, list(response.headers), body)

    def abort(self) -> None:
        """Close at once, without a word to an origin that may never answer it."""
        if self._idle_read is not None:
            self._idle_read.cancel()
            if self._idle_read.done() and not self._idle_read.cancelled():
                self._idle_read.exception()  # Seen; nobody waits for it.
            self._idle_read = None
        self._writer.transport.abort()

    async def closed(self) -> None:
        """Wait until an aborted connection is gone."""
        with suppress(OSError):
            await self._writer.wait_closed()

    def _send(self, target: bytes, headers: list[Header]) -> None:
        request = self._http.send(h11.Request(method="GET", target=target, headers=headers))
        end = self._http.send(h11.EndOfMessage())
        self._writer.write((request or b"") + (end or b""))  # Some hundred bytes: they need no draining.

    async def _receive_first(self, first_read: "asyncio.Task[bytes] | None") -> None:
        """Take the first bytes of the answer, on a kept connection by the read that is under way already."""
        if first_read is None:
            return
        try:
            data = await first_read
        except OSError:
            raise ConnectionStale from None
        if not data:
            raise ConnectionStale
        self._take(data)

    async def _head(self, max_bytes: int) -> h11.Response:
        for _ in range(MAX_INTERIM + 1):
            event = await self._event(max_bytes)
            if isinstance(event, h11.Response):
                self._check_head(event, max_bytes)
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise OriginMalformed("the origin sent no answer")
        raise OriginMalformed(f"the origin sent more than {MAX_INTERIM} interim answers")

    def _check_head(self, response: h11.Response, max_bytes: int) -> None:
        if self._received - len(self._http.trailing_data[0]) > self._max_head_bytes:
            raise OriginMalformed(f"the head of the answer is over {self._max_head_bytes} bytes")
        fields = dict(response.headers)
        if fields.get(b"content-encoding", b"identity").strip().lower() not in (b"", b"identity"):
            raise OriginMalformed("the origin applied a content coding although none was asked for")
        if b"content-length" in fields and b"transfer-encoding" in fields:
            raise OriginMalformed("the answer has two framings, Content-Length and Transfer-Encoding")
        length = int(fields.get(b"content-length", b"0"))  # h11 has checked that it is one number.
        if length > max_bytes:
            raise OriginTooLarge(f"the document has {length} bytes; the limit is {max_bytes}")

    async def _body(self, max_bytes: int) -> bytes:
        pieces: list[bytes] = []
        total = 0
        while not isinstance(event := await self._event(max_bytes), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                raise OriginMalformed("the answer ended before its body")
            pieces.append(event.data)
            total += len(event.data)
            if total > max_bytes:
                raise OriginTooLarge(f"the document has more than {max_bytes} bytes")
            if len(pieces) > MAX_PIECES:
                raise OriginMalformed(f"the body came in more than {MAX_PIECES} pieces")
        return b"".join(pieces)

    async def _event(self, max_bytes: int) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._received > self._max_head_bytes + FRAMING_FACTOR * max_bytes:
                raise OriginTooLarge("the origin sent more bytes than the document may have")
            if self._received:
                await asyncio.sleep(0)  # A read of what has come already does not let others run.
            self._take(await self._reader.read(READ_BYTES))
        return event

    def _take(self, data: bytes) -> None:
        self._received += len(data)
        self._http.receive_data(data)

    def _settle(self) -> None:
        """Make ready for the next request, where HTTP allows one and the origin has sent nothing more."""
        done = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        if not done or self._http.trailing_data[0]:
            self.abort()
            return
        self._http.start_next_cycle()
        self._idle_read = asyncio.create_task(self._reader.read(READ_BYTES))


def _translated(error: BaseException, max_head_bytes: int) -> BaseException:
    """Return what h11 and the connection raise, in our own tree; all else as it is."""
    if isinstance(error, FetchError | ConnectionStale):
        return error
    if isinstance(error, h11.RemoteProtocolError):
        if error.error_status_hint == 431:
            return OriginMalformed(
                f"the head of the answer, or a line of its framing, is over {max_head_bytes} bytes"
            )
        return OriginMalformed("what the origin sent is not an HTTP/1.1 answer")
    if isinstance(error, OSError) and not isinstance(error, TimeoutError):
        return OriginUnreachable("the connection to the origin broke")
    return error
