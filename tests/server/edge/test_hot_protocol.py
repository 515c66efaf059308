"""Hot answers from the protocol itself: what it answers, what it leaves to the application, and in which order."""

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from server.edge.callers import ClientAddresses
from server.edge.hot_protocol import MAX_ANSWERED_AT_ONCE, hot_protocol_class
from server.edge.hot_reads import HotReads
from server.edge.hot_table import HotTable
from server.edge.limits import TokenBuckets
from server.edge.protocol_limits import ProtocolLimits
from server.telemetry.counters import Telemetry
from tests.server.edge.test_protocol import ForeignTransport
from tests.server.running import converse, responses_of, running_in
from wire import Answer

pytestmark = pytest.mark.anyio

GET = b"GET /hot HTTP/1.1\r\nHost: x\r\n"
ANSWER = Answer(body=b"hot", media_type="text/plain", etag='"e"', immutable=True)


class Connected:
    """A protocol with one hot answer, over a connection that no test can make for real."""

    def __init__(self, *, rate: float | None = None, timeout_keep_alive: int = 5) -> None:
        self.asked: list[tuple[str, bytes]] = []  # method and raw path of what came to the application
        self.table = HotTable(max_bytes=1_000_000, clock=time.time)
        self.table.keep(b"/hot", b"", ANSWER)
        self.telemetry = Telemetry()
        tokens = None if rate is None else TokenBuckets(rate, time.monotonic)
        reads = HotReads(self.table, tokens=tokens, telemetry=self.telemetry, clock=time.time)
        limits = ProtocolLimits(
            head_timeout=9, body_timeout=9, max_connections_per_client=9, addresses=ClientAddresses(())
        )
        protocol = hot_protocol_class(limits, reads)
        config = Config(
            self._app,
            http=protocol,
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            timeout_keep_alive=timeout_keep_alive,
        )
        config.load()
        self.state = ServerState()
        self.state.default_headers = [(b"date", b"Thu, 01 Jan 1970 00:00:00 GMT")]
        self.protocol, self.transport = protocol(config, self.state, {}), ForeignTransport()
        self.protocol.connection_made(self.transport)

    async def _app(self, scope: Any, _receive: Any, send: Any) -> None:
        self.asked.append((scope["method"], scope["raw_path"]))
        await asyncio.sleep(0.02)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"cold"})

    async def send(self, *parts: bytes) -> list[bytes]:
        """Receive `parts` in a read each; return the bodies sent back."""
        for part in parts:
            self.protocol.data_received(part)
            await asyncio.sleep(0.05)
        return [response.body for response in responses_of(self.transport.sent)]


async def test_a_hot_path_is_answered_without_the_application() -> None:
    connected = Connected()
    bodies = await connected.send(GET + b"\r\n", GET + b"X-Request-ID: 0123456789abcdef\r\n\r\n")
    first, second = responses_of(connected.transport.sent)

    assert bodies == [b"hot", b"hot"]
    assert connected.asked == []
    assert second.headers == {
        "content-type": "text/plain",
        "content-length": "3",
        "etag": '"e"',
        "cache-control": "public, max-age=31536000, immutable",
        "access-control-allow-origin": "*",
        "access-control-expose-headers": (
            "ETag, Age, Cache-Status, Content-Location, Location, Retry-After, X-Request-ID"
        ),
        "x-content-type-options": "nosniff",
        "x-request-id": "0123456789abcdef",
        "date": "Thu, 01 Jan 1970 00:00:00 GMT",
    }
    assert re.fullmatch("[0-9a-f]{16}", first.headers["x-request-id"])
    assert connected.telemetry.requests == {("hot", "GET", 200, ""): 2}
    assert connected.state.total_requests == 2


async def test_a_known_tag_is_answered_304() -> None:
    connected = Connected()
    await connected.send(GET + b'If-None-Match: "e"\r\n\r\n')

    assert [response.status for response in responses_of(connected.transport.sent)] == [304]
    assert connected.telemetry.requests == {("hot", "GET", 304, ""): 1}


@pytest.mark.parametrize(
    "request_bytes",
    [
        GET + b"Connection: close\r\n\r\n",
        GET + b"Content-Length: 0\r\n\r\n",
        GET + b"Content-Length: 1\r\n\r\nx",
        GET + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        GET + b"Expect: 100-continue\r\n\r\n",
        GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        GET + b"Accept: text/html\r\n\r\n",
        GET.replace(b"/hot", b"/hot?a=b") + b"\r\n",
        GET.replace(b"/hot", b"http://x/hot") + b"\r\n",
        GET.replace(b"/hot", b"/cold") + b"\r\n",
        GET.replace(b"GET", b"POST") + b"\r\n",
        GET.replace(b"1.1", b"1.0") + b"\r\n",
        GET.replace(b"1.1", b"1.0") + b"Connection: keep-alive\r\n\r\n",
    ],
)
async def test_what_is_not_quite_ordinary_goes_to_the_application(request_bytes: bytes) -> None:
    connected = Connected()
    bodies = await connected.send(request_bytes)

    assert bodies[-1] == b"cold"
    assert len(connected.asked) == 1


@pytest.mark.parametrize(
    "request_bytes",
    [GET.replace(b"Host: x\r\n", b"") + b"\r\n", GET + b"Host: y\r\n\r\n", GET + b"X : y\r\n\r\n"],
)
async def test_what_is_ambiguous_is_refused_on_a_hot_path_too(request_bytes: bytes) -> None:
    connected = Connected()
    await connected.send(request_bytes)

    assert [response.status for response in responses_of(connected.transport.sent)] == [400]


async def test_pipelined_answers_come_in_order() -> None:
    connected = Connected()
    hot, cold = GET + b"\r\n", GET.replace(b"/hot", b"/cold") + b"\r\n"
    await connected.send(hot + cold + hot + hot + cold)
    await asyncio.sleep(0.1)
    bodies = await connected.send(hot)

    assert bodies == [b"hot", b"cold", b"cold", b"cold", b"cold", b"hot"]
    assert [path for _, path in connected.asked] == [b"/cold", b"/hot", b"/hot", b"/cold"]


async def test_one_read_holds_the_event_loop_for_so_many_answers_and_no_more() -> None:
    connected = Connected()
    bodies = await connected.send((GET + b"\r\n") * (MAX_ANSWERED_AT_ONCE + 2), GET + b"\r\n")

    assert bodies[:MAX_ANSWERED_AT_ONCE] == [b"hot"] * MAX_ANSWERED_AT_ONCE
    assert connected.asked[:2] == [("GET", b"/hot")] * 2


async def test_a_client_that_takes_nothing_gets_no_more_hot_answers() -> None:
    connected = Connected()
    connected.protocol.pause_writing()
    await connected.send(GET + b"\r\n")

    assert connected.asked == [("GET", b"/hot")]
    assert connected.transport.sent == b""
    connected.protocol.connection_lost(None)


async def test_a_client_without_tokens_is_left_to_the_application() -> None:
    connected = Connected(rate=1.0)
    bodies = await connected.send(*[GET + b"\r\n"] * 4)

    assert bodies == [b"hot", b"hot", b"cold", b"cold"]


async def test_an_idle_connection_is_closed_after_a_hot_answer_and_a_working_one_is_not() -> None:
    connected = Connected(timeout_keep_alive=1)
    await connected.send(GET + b"\r\n")
    connected.protocol.data_received(GET[:10])
    await asyncio.sleep(1.2)
    still_open = not connected.transport.is_closed
    connected.protocol.data_received(GET[10:] + b"\r\n")
    await asyncio.sleep(1.2)

    assert still_open
    assert connected.transport.is_closed
    connected.protocol.connection_lost(None)


async def test_the_setting_turns_it_on(tmp_path: Path) -> None:
    async with running_in(tmp_path, hot_protocol=True) as running:
        request = b"GET /.well-known/did.json HTTP/1.1\r\nHost: x\r\n"
        received = await asyncio.to_thread(
            converse,
            running.port,
            request + b"\r\n",
            request + b"\r\n",
            request + b"Connection: close\r\n\r\n",
            pause=0.1,
        )
        async with httpx.AsyncClient() as client:
            metrics = (await client.get(f"{running.operator_url}/metrics")).text
    cold, hot, last = responses_of(received)

    assert cold.body == hot.body == last.body
    for name in ("date", "x-request-id", "age"):
        for response in (cold, hot, last):
            response.headers.pop(name, None)
    assert cold.headers == hot.headers
    assert 'method="GET",route="hot",status="200"} 2' in metrics
