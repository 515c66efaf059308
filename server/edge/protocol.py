"""
uvicorn's HTTP protocol with the manners of a public server: deadlines, a cap per client, strict framing.

- A request head must be complete `head_timeout` seconds after its first byte, the body `body_timeout` seconds
  after the head; else the connection is closed (slow-loris).
- A client may hold `max_connections_per_client` connections; loopback and configured proxies are exempt.
- A head over 16 KiB is refused with 431.
- Content-Length beside Transfer-Encoding, two different Content-Lengths, a request without Host or with two are
  refused with 400: two parsers may read them as two different requests (RFC 9112, sections 6.3 and 3.2).
- At most `MAX_PIPELINED` requests wait behind the one that is being answered, and nothing is read while one waits;
  the next is refused with 429. Otherwise a client that sends and never reads would fill the memory.
- A client that takes none of an answer for `body_timeout` seconds is cut off.
- A transfer coding but chunked, and a method that nobody knows, are refused with 501 (RFC 9112, section 6.1; RFC
  9110, section 9.1). What frames the chunks of a body may be so much longer than the chunks, and no more.
- A refusal waits until the requests before it on the connection are answered, so that none takes it for its own.
- An offer to upgrade is passed over, and the answer is the last of the connection (RFC 9110, section 7.8); with
  content it is refused, since httptools does not read the content.

It touches uvicorn's internals, so uvicorn's minor version is pinned; tests/server/edge/test_protocol.py is the
raw-request corpus that re-verifies it.
"""

import asyncio
import logging
from http import HTTPStatus
from random import getrandbits
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from server.edge.answers import encoded_headers
from server.edge.cycle import Cycle
from server.edge.deadline import Deadline
from server.edge.framing import LENGTHS, framing_fault, is_host, unknown_method
from server.edge.problems import HeadTooLarge, RequestTimeout, problem_answer
from server.edge.protocol_errors import MalformedRequest, TooManyConnections, TooManyWaiting
from server.edge.protocol_limits import ProtocolLimits
from server.edge.write_deadline import WriteDeadline
from server.telemetry.counters import coarse_address
from wire import Fault, Refusal

LOG = logging.getLogger("touchstone.requests")

MAX_HEAD_BYTES = 16_384  # bytes; house decision 5
MAX_HEADERS = 64  # header lines
MAX_PIPELINED = 16  # requests that wait behind the one being answered; browsers do not pipeline at all
MAX_FRAMING_RATIO = 8  # bytes that frame a chunk per byte in it; chunks of one byte have five


def protocol_class(limits: ProtocolLimits) -> type["BoundedProtocol"]:
    """Return the protocol for one listener, as uvicorn's `http` setting takes it."""
    return type("ListenerProtocol", (BoundedProtocol,), {"limits": limits})


class _Flow(FlowControl):
    """Flow control that reads nothing more while a request waits: uvicorn's resumes at each `receive`."""

    def __init__(self, transport: asyncio.Transport, waiting: Any) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()


class BoundedProtocol(HttpToolsProtocol):
    """The protocol of one listener, once a subclass gives it the listener's `limits`."""

    limits: ProtocolLimits
    _arriving: Deadline  # of the head, then of the body, of the message that is arriving
    _idle: Deadline  # of the next message
    _writes: WriteDeadline  # of what waits to be sent
    _is_arriving = False  # whether a message has begun, and is not complete
    _brought_message = False  # whether the present read brought the beginning or the end of one
    _version = "1.1"  # of the message that is arriving
    _head_bytes = 0
    _hosts = 0  # Host headers of the message that is arriving
    _is_framed = False  # whether a header tells of its body
    _body_bytes = 0  # of the message that is arriving, without what frames it
    _raw_bytes = 0  # of its body, with what frames it, since the read that brought its head
    _counted_as: str | None = None
    _fault: Refusal | None = None
    _is_head_read = False  # whether `cycle` belongs to the message that is arriving
    _is_last = False  # no further byte of this connection is read
    _waiting: Refusal | None = None  # the refusal that ends the connection, after the answers before it

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        self._arriving = Deadline(self.loop, self._too_slow)
        self._idle = Deadline(self.loop, self.timeout_keep_alive_handler)
        self._writes = WriteDeadline(self.loop, transport, self.limits.body_timeout)
        peer = self.client[0] if self.client else ""
        self._counted_as = self.limits.enter(peer)
        if self._counted_as is not None and self.limits.is_over(self._counted_as):
            self.limits.refused += 1
            self._refuse(TooManyConnections("this client holds too many connections"))
            return
        self._arriving.set(self.limits.head_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        self._arriving.cancel()
        self._idle.cancel()
        self._writes.unwatch()
        if self._counted_as is not None:
            self.limits.leave(self._counted_as)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing() or self._is_last:
            return
        self._brought_message = False
        is_body = self._is_head_read
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._end_after_answer()
        except httptools.HttpParserInvalidMethodError:
            self._refuse(unknown_method(data))
        except httptools.HttpParserError:
            self._refuse(self._fault or MalformedRequest("not a valid HTTP/1.1 request"))
        else:
            if is_body and self._is_head_read:
                self._count_framing(len(data))
            self._wait_for_rest()

    def _wait_for_rest(self) -> None:
        """Give what a read left incomplete its time; most reads bring a message whole, and need none."""
        if self._arriving.is_set() or self._is_last:
            return
        if self._is_arriving:
            self._arriving.set(self.limits.head_timeout)
        elif not self._brought_message and not self._is_answering():
            # Blank lines begin no message: without this they would keep an idle connection for ever.
            self._idle.clear()
            self._arriving.set(self.limits.head_timeout)

    def on_message_begin(self) -> None:
        self._idle.clear()
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self._head_bytes = self._body_bytes = self._raw_bytes = self._hosts = 0
        self._is_head_read = self._is_framed = False
        self._is_arriving = self._brought_message = True
        self._arriving.clear()

    def on_url(self, url: bytes) -> None:
        self.url += url
        self._head_bytes += len(url)
        if self._head_bytes > MAX_HEAD_BYTES:
            self._fail_over_limit()

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"host":
            self._hosts += 1
            if not is_host(value):
                self._fail(MalformedRequest("the Host header is no host and port (RFC 9112, 3.2)"))
        elif name in LENGTHS:
            self._is_framed = True
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > MAX_HEAD_BYTES:
            self._fail_over_limit()

    def on_headers_complete(self) -> None:
        if len(self.headers) > MAX_HEADERS:
            self._fail_over_limit()
        if b"#" in self.url:  # The parser would drop it, and with it what the client asked for.
            self._fail(MalformedRequest("a request target has no fragment (RFC 9112, 3.2): encode # as %23"))
        self._version = self.parser.get_http_version()
        if self._hosts != 1 or self._is_framed or self._version != "1.1":
            fault = framing_fault(self._version, self.headers, offers_upgrade=self.parser.should_upgrade())
            if fault is not None:
                self._fail(fault)
        if len(self.pipeline) >= MAX_PIPELINED:
            self._fail(TooManyWaiting(f"{MAX_PIPELINED} requests wait on this connection already"))
        self._begin_cycle()
        self._is_head_read = True
        if self._is_framed:
            self._arriving.set(self.limits.body_timeout)

    def _begin_cycle(self) -> None:
        """Hand the request to the application, or let it wait; as uvicorn does, but for what we never set."""
        before = self.cycle
        self.cycle = Cycle(
            scope=self._scope(),
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=self._version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _scope(self) -> Any:
        url = httptools.parse_url(self.url)
        path = url.path.decode("ascii")
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": self._version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": "",
            "method": self.parser.get_method().decode("ascii"),
            "path": unquote(path) if "%" in path else path,
            "raw_path": url.path,
            "query_string": url.query or b"",
            "headers": self.headers,
            "state": self.app_state.copy(),
        }

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._arriving.clear()
        self._is_arriving = False
        self._brought_message = True
        self._is_head_read = False
        if self._is_answering():
            self.cycle.more_body = False
            self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._writes.watch()
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._waiting is not None:
            self._write_refusal(self._waiting)
        else:
            self._idle.set(self.timeout_keep_alive)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._writes.watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._writes.unwatch()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._writes.watch()

    def _fail_over_limit(self) -> None:
        self._fail(HeadTooLarge(f"the request head is over {MAX_HEAD_BYTES} bytes or {MAX_HEADERS} lines"))

    def _count_framing(self, count: int) -> None:
        """Refuse chunk extensions without end. The read that brought the head is not counted: it has a limit."""
        self._raw_bytes += count
        if self._raw_bytes > MAX_HEAD_BYTES + (1 + MAX_FRAMING_RATIO) * self._body_bytes:
            self._refuse(MalformedRequest("what frames the chunks of the body is longer than they may need"))

    def _fail(self, fault: Refusal) -> None:
        """Stop the parser from inside a callback; `data_received` then answers."""
        self._fault = fault
        raise fault

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _end_after_answer(self) -> None:
        self._is_last = True
        self.cycle.keep_alive = False
        if self.cycle.response_complete:
            self.transport.close()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer the message that is arriving, in its turn, and end the connection."""
        self._arriving.clear()
        self._is_last = True
        if self._is_head_read and self.pipeline:
            self.pipeline.popleft()  # Its own cycle, which has not begun.
            self._waiting = refusal
        elif not self._is_head_read and self._is_answering():
            self._waiting = refusal
        elif self._is_head_read and self.cycle.response_started:
            self.transport.close()  # It has its answer already, all or in part.
            self._writes.watch()
        else:
            self._write_refusal(refusal)

    def _write_refusal(self, refusal: Refusal) -> None:
        request_id = f"{getrandbits(64):016x}"
        answer = problem_answer(refusal, base_url=self.limits.base_url, request_id=request_id)
        headers = [
            *encoded_headers(answer, 0),
            (b"content-length", str(len(answer.body)).encode()),
            *self.limits.common_headers,
            (b"x-request-id", request_id.encode()),
            (b"connection", b"close"),
        ]
        status_line = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}".encode()
        lines = [status_line, *(name + b": " + value for name, value in headers)]
        self.transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + answer.body)
        self.transport.close()
        self._writes.watch()
        self._account(answer.status, answer.fault, request_id)

    def _account(self, status: int, fault: Fault, request_id: str) -> None:
        self.limits.count("protocol", "", status, fault)
        client = coarse_address(self.client[0] if self.client else "")
        fields = {"request_id": request_id, "route": "protocol", "status": status, "client": client}
        LOG.info("request refused by the protocol", extra=fields)

    def _too_slow(self) -> None:
        if not self.transport.is_closing():
            self._refuse(RequestTimeout("the request did not arrive in time"))
