"""
uvicorn's HTTP protocol with the manners of a public server: deadlines, a cap per client, strict framing.

- A request head must be complete `head_timeout` seconds after its first byte, the body `body_timeout` seconds
  after the head; else the connection is closed (slow-loris).
- A client may hold `max_connections_per_client` connections; loopback and configured proxies are exempt.
- A head over 16 KiB is refused with 431.
- Content-Length beside Transfer-Encoding, two different Content-Lengths, a request without Host or with two are
  refused with 400: two parsers may read them as two different requests (RFC 9112, sections 6.3 and 3.2).
- A refusal waits until the requests before it on the connection are answered, so that none takes it for its own.
- An offer to upgrade is passed over, and the answer is the last of the connection (RFC 9110, section 7.8); with
  content it is refused, since httptools does not read the content.

It touches uvicorn's internals, so uvicorn's minor version is pinned; tests/server/test_protocol.py is the
raw-request corpus that re-verifies it.
"""

import asyncio
import ipaddress
from collections import Counter
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.http import NO_STORE
from server.limits import ClientAddresses, TooManyRequests, key_of
from server.problems import HeadTooLarge, RequestTimeout
from wire import BadRequest, Refusal, render_problem
from wire.problem import PROBLEM_JSON, problem_of

MAX_HEAD_BYTES = 16_384  # bytes; house decision 5
MAX_HEADERS = 64  # header lines

_REFUSALS: dict[int, type[Refusal]] = {
    400: BadRequest,
    408: RequestTimeout,
    429: TooManyRequests,
    431: HeadTooLarge,
}


class ProtocolLimits:
    """What the connections of one listener share; only the event loop's thread touches it."""

    def __init__(
        self,
        *,
        head_timeout: float,
        body_timeout: float,
        max_connections_per_client: int,
        addresses: ClientAddresses,
        base_url: str = "",
    ) -> None:
        self.head_timeout = head_timeout
        self.body_timeout = body_timeout
        self.max_connections_per_client = max_connections_per_client
        self.addresses = addresses
        self.base_url = base_url  # of the pages that explain a refusal
        self.connections: Counter[str] = Counter()
        self.refused = 0

    def is_exempt(self, peer: str) -> bool:
        """Tell whether `peer` may hold any number of connections."""
        try:
            return ipaddress.ip_address(peer).is_loopback or self.addresses.is_trusted(peer)
        except ValueError:
            return False


class AmbiguousRequest(Exception):
    """The head of a request could be read in two ways, or is over a limit; `status` is the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def protocol_class(limits: ProtocolLimits) -> type[HttpToolsProtocol]:
    """Return the protocol for one listener, as uvicorn's `http` setting takes it."""
    return type("BoundedProtocol", (_BoundedProtocol,), {"limits": limits})


class _BoundedProtocol(HttpToolsProtocol):
    limits: ProtocolLimits
    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _counted_as: str | None = None
    _ambiguity: AmbiguousRequest | None = None
    _is_head_read = False  # whether `cycle` belongs to the message that is arriving
    _is_last = False  # no further byte of this connection is read
    _waiting: tuple[int, str] | None = (
        None  # the refusal that ends the connection, after the answers before it
    )

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        peer = self.client[0] if self.client else ""
        if self.limits.is_exempt(peer):
            self._arm(self.limits.head_timeout)
            return
        self._counted_as = key_of(peer)
        self.limits.connections[self._counted_as] += 1
        if self.limits.connections[self._counted_as] > self.limits.max_connections_per_client:
            self.limits.refused += 1
            self._refuse(429, "this client holds too many connections")
            return
        self._arm(self.limits.head_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        if self._counted_as is not None:
            self.limits.connections[self._counted_as] -= 1
            if self.limits.connections[self._counted_as] <= 0:
                del self.limits.connections[self._counted_as]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing() or self._is_last:
            return
        self._unset_keepalive_if_required()
        if self._deadline is None and not self._is_answering():
            # Blank lines begin no message: without this they would keep an idle connection for ever.
            self._arm(self.limits.head_timeout)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._end_after_answer()
        except httptools.HttpParserError as error:
            refusal = self._ambiguity or AmbiguousRequest(400, "not a valid HTTP/1.1 request")
            del error
            self._refuse(refusal.status, str(refusal))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_bytes = 0
        self._is_head_read = False
        self._arm(self.limits.head_timeout)

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count_head(len(name) + len(value) + 4)

    def on_headers_complete(self) -> None:
        self._refuse_ambiguity()
        super().on_headers_complete()
        self._is_head_read = True
        self._arm(self.limits.body_timeout)

    def on_message_complete(self) -> None:
        self._disarm()
        super().on_message_complete()
        self._is_head_read = False

    def on_response_complete(self) -> None:
        is_last = not self.pipeline
        super().on_response_complete()
        if self._waiting is not None and is_last and not self.transport.is_closing():
            self._write_refusal(*self._waiting)

    def _count_head(self, count: int) -> None:
        self._head_bytes += count
        if self._head_bytes > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            self._fail(431, f"the request head is over {MAX_HEAD_BYTES} bytes or {MAX_HEADERS} lines")

    def _refuse_ambiguity(self) -> None:
        if self.parser.get_http_version() not in ("1.0", "1.1"):
            self._fail(400, "expected HTTP/1.1 or HTTP/1.0")
        names = Counter(name for name, _ in self.headers)
        if names[b"transfer-encoding"] and names[b"content-length"]:
            self._fail(400, "Content-Length beside Transfer-Encoding: the length is ambiguous")
        if names[b"content-length"] > 1 or names[b"transfer-encoding"] > 1:
            self._fail(400, "Content-Length or Transfer-Encoding occurs twice")
        if names[b"host"] > 1 or (not names[b"host"] and self.parser.get_http_version() == "1.1"):
            self._fail(400, "expected exactly one Host header")
        if self.parser.should_upgrade() and (names[b"transfer-encoding"] or names[b"content-length"]):
            self._fail(400, "a request with content cannot offer to upgrade")

    def _fail(self, status: int, message: str) -> None:
        """Stop the parser from inside a callback; `data_received` then answers."""
        self._ambiguity = AmbiguousRequest(status, message)
        raise self._ambiguity

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _end_after_answer(self) -> None:
        self._is_last = True
        self.cycle.keep_alive = False
        if self.cycle.response_complete:
            self.transport.close()

    def _refuse(self, status: int, detail: str) -> None:
        """Answer the message that is arriving, in its turn, and end the connection."""
        self._disarm()
        self._is_last = True
        if self._is_head_read and self.pipeline:
            self.pipeline.popleft()  # Its own cycle, which has not begun.
            self._waiting = (status, detail)
        elif not self._is_head_read and self._is_answering():
            self._waiting = (status, detail)
        elif self._is_head_read and self.cycle.response_started:
            self.transport.close()  # It has its answer already, all or in part.
        else:
            self._write_refusal(status, detail)

    def _write_refusal(self, status: int, detail: str) -> None:
        phrase = HTTPStatus(status).phrase
        body = render_problem(problem_of(_REFUSALS[status](detail), base_url=self.limits.base_url))
        head = (
            f"HTTP/1.1 {status} {phrase}\r\ncontent-type: {PROBLEM_JSON}\r\ncache-control: {NO_STORE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._deadline = self.loop.call_later(seconds, self._too_slow)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self._refuse(408, "the request did not arrive in time")
