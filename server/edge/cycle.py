"""
One request of a connection and its answer: uvicorn's cycle, and a short way for an answer whose head is ready.

uvicorn checks every header of every answer by two regular expressions and writes head and body apart, which is a
third of what a hot answer costs. A message that starts an answer may bring its head ready for the wire under
`READY_HEAD`, beside `headers` that say the same to any other server. It is written as it is, with Date and the body
behind it; where the connection is to close, or the client takes nothing, the headers go uvicorn's way.
"""

from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

READY_HEAD = "touchstone.head"  # status line and header lines, each with its CRLF; no Date, no blank line
Headers = list[tuple[bytes, bytes]]
Parts = tuple[bytes, ...]

# A body of at most so many bytes is copied behind its head: 30 KB in 0.7 us; a second buffer costs uvloop 5 us. A
# longer one is written for itself, so that a client that takes nothing holds no large copy.
MAX_JOINED_BYTES = 65_536


class Cycle(RequestResponseCycle):
    """As uvicorn's; `_ready` holds a head from the message that started the answer to the one that ends it."""

    _ready: bytes | None = None

    async def send(self, message: Any) -> None:
        ready = self._ready
        if ready is not None:
            self._ready = None
            write_ready(self.transport, (ready,), self.default_headers, message["body"])
            self.response_complete = True
            self.message_event.set()
            self.on_response()
        elif READY_HEAD in message and self.keep_alive and not (self.flow.write_paused or self.disconnected):
            self.response_started = True
            self.waiting_for_100_continue = False
            self._ready = message[READY_HEAD]
        else:
            await super().send(message)


def ready_head(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """
    Return a head as of `READY_HEAD`.

    The caller vouches for the headers: nobody checks them for line breaks any more.
    """
    return STATUS_LINE[status] + header_lines(headers)


def header_lines(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return headers as lines, each with its CRLF."""
    return b"".join([b"%b: %b\r\n" % header for header in headers])


def write_ready(transport: Any, head: Parts, default_headers: Headers, body: bytes) -> None:
    """Write an answer: `head` as of `READY_HEAD`, in parts; the server's own headers (Date); the body."""
    end = _end_of_head(default_headers)
    if len(body) <= MAX_JOINED_BYTES:
        transport.write(b"".join((*head, end, body)))
    else:
        transport.write(b"".join((*head, end)))
        transport.write(body)


class _Last:
    """The server's own headers as they were sent last: uvicorn makes a list of them every second."""

    headers: Headers | None = None
    end = b""


def _end_of_head(default_headers: Headers) -> bytes:
    if default_headers is not _Last.headers:
        lines = [part for name, value in default_headers for part in (name, b": ", value, b"\r\n")]
        _Last.end = b"".join((*lines, b"\r\n"))
        _Last.headers = default_headers
    return _Last.end
