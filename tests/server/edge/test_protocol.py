"""A corpus of raw requests against the real listener: what is ambiguous, slow, oversize or odd (RFC 9112)."""

import asyncio
import json
import socket
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from server.edge.callers import ClientAddresses
from server.edge.hot_protocol import hot_protocol_class
from server.edge.hot_reads import HotReads
from server.edge.hot_table import HotTable
from server.edge.protocol import MAX_PIPELINED, BoundedProtocol, protocol_class
from server.edge.protocol_limits import ProtocolLimits
from server.telemetry.counters import Telemetry
from tests.server.running import Response, Running, converse, receive_all, responses_of

pytestmark = pytest.mark.anyio

ClassOf = Callable[[ProtocolLimits], type[BoundedProtocol]]

GET = b"GET /livez HTTP/1.1\r\nHost: x\r\n"
LAST = b"Connection: close\r\n\r\n"
POST = b"POST /trqp/authorization HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
QUESTION = json.dumps(
    {
        "entity_id": "did:web:a.example",
        "authority_id": "did:web:education.example",
        "action": "issue",
        "resource": "CourseCompletionCredential",
    }
).encode()
SIZED = f"Content-Length: {len(QUESTION)}\r\n".encode()


@pytest.fixture(params=["protocol", "hot protocol"])
def class_of(request: pytest.FixtureRequest) -> ClassOf:
    """Return the class of the protocol for given limits, of either kind."""
    if request.param == "protocol":
        return protocol_class
    table = HotTable(max_bytes=1_000_000, clock=time.time)
    reads = HotReads(table, tokens=None, telemetry=Telemetry(), clock=time.time)
    return lambda limits: hot_protocol_class(limits, reads)


async def _ask(running: Running, *parts: bytes, pause: float = 0.0) -> list[Response]:
    received = await asyncio.to_thread(converse, running.port, *parts, pause=pause)
    return responses_of(received)


CORPUS: dict[str, tuple[bytes, int]] = {
    "two lengths that differ": (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "two lengths that agree": (POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
    "a list of lengths": (POST + b"Content-Length: 1, 1\r\n\r\na", 400),
    "a signed length": (POST + b"Content-Length: +1\r\n\r\na", 400),
    "length, then chunks": (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunks, then length": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
    "chunked twice": (
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunked is not last": (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
    "an unknown coding": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
    "space before the colon": (POST + b"Content-Length : 1\r\n\r\na", 400),
    "a folded header": (GET + b"X: a\r\n b\r\n" + LAST, 400),
    "a bad chunk size": (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "a chunk longer than it says": (POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n", 400),
    "no Host": (b"GET /livez HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    **{
        f"a Host that is none: {host!r}": (b"GET /livez HTTP/1.1\r\nHost: " + host + b"\r\n\r\n", 400)
        for host in (
            b"a b",
            b"a/b",
            b"a?b",
            b"a#b",
            b"u@a",
            b"<x>",
            b'a"b',
            b"a\\b",
            b"\xff",
            b"[::1",
            b"a:b",
            b"%4",
        )
    },
    **{
        f"a Host that is one: {host!r}": (
            b"GET /livez HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n",
            200,
        )
        for host in (b"", b"a", b"A.example:8000", b"[::1]:80", b"a:", b"127.0.0.1", b"a%2Fb", b"a,b")
    },
    "two Hosts in HTTP/1.0": (b"GET /livez HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "HTTP/1.0": (b"GET /livez HTTP/1.0\r\n\r\n", 200),
    "HTTP/0.9": (b"GET /livez\r\n\r\n", 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "HTTP/3.7": (b"GET /livez HTTP/3.7\r\nHost: x\r\n\r\n", 400),
    "a TLS hello": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "garbage": (b"\x00\x01\x02 nonsense\r\n\r\n", 400),
    "a long header": (GET + b"X: " + b"a" * 20_000 + b"\r\n\r\n", 431),
    "a long name": (GET + b"X" * 20_000 + b": a\r\n\r\n", 431),
    "a long target": (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
    "a long target without an end": (b"GET /" + b"a" * 20_000, 431),
    "65 headers": (GET + b"X: a\r\n" * 64 + b"\r\n", 431),
    "64 headers": (GET + b"X: a\r\n" * 62 + LAST, 200),
    "absolute form": (b"GET http://x/livez HTTP/1.1\r\nHost: x\r\n" + LAST, 200),
    "absolute form without a path": (b"GET http://x HTTP/1.1\r\nHost: x\r\n" + LAST, 400),
    "authority form": (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "asterisk form": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n" + LAST, 204),
    "an unknown method": (b"BREW /livez HTTP/1.1\r\nHost: x\r\n\r\n", 501),
    "a method in lower case": (b"get /livez HTTP/1.1\r\nHost: x\r\n\r\n", 501),
    "a coding before chunked": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 501),
    "chunked in capitals": (POST + b"Transfer-Encoding: Chunked\r\n" + LAST + b"2\r\n{}\r\n0\r\n\r\n", 400),
    "a chunk extension without end": (
        POST + b"Transfer-Encoding: chunked\r\n\r\n2;" + b"a" * 1_000_000 + b"\r\n{}\r\n0\r\n\r\n",
        400,
    ),
    "a short chunk extension": (
        POST + b"Transfer-Encoding: chunked\r\n" + LAST + b"2;a=b\r\n{}\r\n0\r\n\r\n",
        400,
    ),
    "a method nobody has": (b"PROPFIND /livez HTTP/1.1\r\nHost: x\r\n" + LAST, 405),
    "bytes over 127 in the target": ("GET /lívez HTTP/1.1\r\nHost: x\r\n\r\n".encode(), 400),
    "a fragment in the target": (b"GET /livez#x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a bare # in the target": (b"GET /livez# HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "NUL in the target": (b"GET /li\x00vez HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "%00 in the target": (b"GET /status-lists/%00 HTTP/1.1\r\nHost: x\r\n" + LAST, 404),
    "%00 elsewhere": (b"GET /livez%00 HTTP/1.1\r\nHost: x\r\n" + LAST, 404),
    "%ff in the target": (b"GET /issuers/%ff/did.json HTTP/1.1\r\nHost: x\r\n" + LAST, 404),
    "a bare % in the target": (b"GET /status-lists/% HTTP/1.1\r\nHost: x\r\n" + LAST, 404),
    "NUL in a header": (GET + b"X: a\x00b\r\n\r\n", 400),
    "a bare CR in a header": (GET + b"X: a\rb\r\n\r\n", 400),
    "bytes over 127 in a header": (GET + b"Accept: \xff\xfe\r\n" + LAST, 200),
    "bytes over 127 in the conditions": (GET + b"If-None-Match: \xff\r\nX-Request-ID: \xff\r\n" + LAST, 200),
    "a blank line first": (b"\r\n" + GET + LAST, 200),
}


@pytest.mark.parametrize("name", CORPUS)
async def test_every_raw_request_has_one_complete_answer(shared: Running, name: str) -> None:
    data, status = CORPUS[name]
    answers = await _ask(shared, data)
    alive = await _ask(shared, GET + LAST)

    assert [answer.status for answer in answers] == [status]
    assert status < 400 or answers[0].headers["content-type"] == "application/problem+json"
    assert answers[0].headers["x-request-id"]
    assert answers[0].headers["x-content-type-options"] == "nosniff"
    assert answers[0].headers["access-control-allow-origin"] == "*"
    assert [answer.status for answer in alive] == [200]
    if status >= 400:
        problem = json.loads(answers[0].body)
        page = await _ask(
            shared,
            f"GET {problem['type'].removeprefix(shared.url)} HTTP/1.1\r\nHost: x\r\n".encode() + LAST,
        )

        assert problem["status"] == status
        assert problem["type"].startswith(f"{shared.url}/problems/")
        assert [answer.status for answer in page] == [200]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n",
        b"GET /livez",
        GET,
        POST + SIZED + b"\r\n{",
        POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n",
    ],
)
async def test_what_does_not_arrive_in_time_is_answered_408_and_closed(shared: Running, data: bytes) -> None:
    before = time.monotonic()
    answers = await _ask(shared, data)

    assert [answer.status for answer in answers] == [408]
    assert answers[0].headers["connection"] == "close"
    assert 0.3 < time.monotonic() - before < 2


async def test_a_head_that_drips_has_no_more_time_than_one_that_stalls(shared: Running) -> None:
    before = time.monotonic()
    answers = await _ask(shared, GET, *[b"X: a\r\n"] * 8, pause=0.1)

    assert [answer.status for answer in answers] == [408]
    assert time.monotonic() - before < 2


async def test_blank_lines_do_not_keep_an_idle_connection_open(shared: Running) -> None:
    before = time.monotonic()
    answers = await _ask(shared, GET + b"\r\n", b"\r\n", pause=0.1)

    assert answers[0].status == 200
    assert time.monotonic() - before < 3


async def test_pipelined_requests_are_answered_in_order(shared: Running) -> None:
    missing = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
    answers = await _ask(shared, GET + b"\r\n" + missing + POST + SIZED + b"\r\n" + QUESTION + GET + LAST)

    assert [answer.status for answer in answers] == [200, 404, 200, 200]
    assert b"authorized" in answers[2].body


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        (b"\x00\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\n\r\n", 400),
        (GET, 408),
        (POST + SIZED + b"\r\n{", 408),
    ],
)
async def test_a_bad_request_behind_a_good_one_takes_its_turn(
    shared: Running, bad: bytes, status: int
) -> None:
    """The refusal must not be read as the answer to the request before it."""
    answers = await _ask(shared, GET + b"\r\n" + bad)

    assert [answer.status for answer in answers] == [200, status]


async def test_a_refused_request_whose_body_never_comes_gets_one_answer(shared: Running) -> None:
    answers = await _ask(shared, POST.replace(b"/trqp/authorization", b"/nowhere") + SIZED + b"\r\n{")

    assert [answer.status for answer in answers] == [404]


async def test_a_client_that_expects_100_continue_is_told_to(shared: Running) -> None:
    answers = await _ask(shared, POST + SIZED + b"Expect: 100-continue\r\n" + LAST, QUESTION, pause=0.2)

    assert [answer.status for answer in answers] == [100, 200]


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0"])
async def test_an_offer_to_upgrade_is_passed_over(shared: Running, protocol: bytes) -> None:
    """RFC 9110, section 7.8: a server may ignore Upgrade; Java's client sends h2c with every request."""
    offer = (
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: " + protocol + b"\r\nHTTP2-Settings: AAMAAABk\r\n"
    )
    read = await _ask(shared, GET + offer + b"\r\n")
    asked = await _ask(shared, POST + SIZED + offer + b"\r\n" + QUESTION)
    smuggled = await _ask(shared, GET + offer + b"\r\n" + GET + b"\r\n")

    assert [[answer.status for answer in answers] for answers in (read, asked, smuggled)] == [
        [200],
        [400],
        [200],
    ]
    assert read[0].headers["connection"] == "close"


async def test_a_connection_lives_on_after_304(shared: Running) -> None:
    path = b"GET /.well-known/did.json HTTP/1.1\r\nHost: x\r\n"
    first = (await _ask(shared, path + LAST))[0]
    known = path + f"If-None-Match: {first.headers['etag']}\r\n\r\n".encode()
    answers = await _ask(shared, known + known + path + LAST)

    assert [answer.status for answer in answers] == [304, 304, 200]
    assert answers[2].body == first.body


async def test_a_silent_connection_is_told_408(shared: Running) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=3) as connection:
        received = await asyncio.to_thread(receive_all, connection)

    assert responses_of(received)[0].status == 408


async def test_a_refusal_of_the_protocol_is_counted_and_has_its_page(shared: Running) -> None:
    refused = (await _ask(shared, b"BREW /livez HTTP/1.1\r\nHost: x\r\n\r\n"))[0]
    async with httpx.AsyncClient() as client:
        page = await client.get(json.loads(refused.body)["type"])
        metrics = (await client.get(f"{shared.operator_url}/metrics")).text

    assert page.status_code == 200
    assert json.loads(refused.body)["instance"].endswith(refused.headers["x-request-id"])
    assert 'route="protocol",status="501"' in metrics


async def test_so_many_requests_may_wait_on_a_connection_and_no_more(shared: Running) -> None:
    answers = await _ask(shared, (GET + b"\r\n") * MAX_PIPELINED + GET + LAST)
    assert [answer.status for answer in answers] == [200] * (1 + MAX_PIPELINED)

    answers = await _ask(shared, (GET + b"\r\n") * 3_000)
    assert [answer.status for answer in answers][-1] == 429
    assert {answer.status for answer in answers[:-1]} == {200}
    assert len(answers) < 3_000


class ForeignTransport(asyncio.Transport):
    """A connection from 203.0.113.7, which no test can make for real."""

    def __init__(self) -> None:
        super().__init__({"peername": ("203.0.113.7", 50_000), "sockname": ("127.0.0.1", 8_000)})
        self.sent = b""
        self.is_closed = False
        self.is_reading = True
        self.unsent = 0
        self.is_aborted = False

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def abort(self) -> None:
        self.is_aborted = self.is_closed = True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


def _connected(class_of: ClassOf, app: Any = lambda *_: None, **limits: Any) -> tuple[Any, ForeignTransport]:
    """Return a protocol with the connection of a foreign client."""
    given = {"head_timeout": 9, "body_timeout": 9, "max_connections_per_client": 2} | limits
    given.setdefault("addresses", ClientAddresses(()))
    bounded = class_of(ProtocolLimits(**given))
    config = Config(app, http=bounded, ws="none", lifespan="off", log_config=None)
    config.load()
    protocol, transport = bounded(config, ServerState(), {}), ForeignTransport()
    protocol.connection_made(transport)
    return protocol, transport


async def test_a_client_that_sends_and_never_reads_fills_no_memory(class_of: ClassOf) -> None:
    stuck = asyncio.Event()

    async def never_answers(_scope: Any, receive: Any, _send: Any) -> None:
        await receive()
        await stuck.wait()

    protocol, transport = _connected(class_of, never_answers)
    for _ in range(1 + MAX_PIPELINED):
        protocol.data_received(GET + b"\r\n")
        await asyncio.sleep(0)
    is_reading = transport.is_reading
    protocol.data_received((GET + b"\r\n") * 1_000)
    protocol.data_received((GET + b"\r\n") * 1_000)

    assert is_reading is False
    assert len(protocol.pipeline) == MAX_PIPELINED
    protocol.connection_lost(None)


@pytest.mark.parametrize(("taken", "is_aborted"), [(0, True), (1_000, False)])
async def test_a_client_that_takes_nothing_is_cut_off_and_a_slow_one_is_not(
    class_of: ClassOf, taken: int, is_aborted: bool
) -> None:
    protocol, transport = _connected(class_of, body_timeout=0.3)
    transport.unsent = 100_000
    protocol.pause_writing()
    for _ in range(8):
        await asyncio.sleep(0.1)
        transport.unsent -= taken
    protocol.connection_lost(None)

    assert transport.is_aborted is is_aborted


async def test_an_answer_that_nobody_takes_does_not_keep_a_closing_connection(class_of: ClassOf) -> None:
    protocol, transport = _connected(class_of, body_timeout=0.05)
    transport.unsent = 1_000
    protocol.data_received(b"no HTTP\r\n\r\n")
    await asyncio.sleep(0.1)
    protocol.connection_lost(None)

    assert responses_of(transport.sent)[0].status == 400
    assert transport.is_aborted


@pytest.mark.parametrize(("trusted", "allowed"), [((), 2), (("203.0.113.0/24",), 4)])
async def test_a_client_may_hold_so_many_connections_and_no_more(
    class_of: ClassOf, trusted: tuple[str, ...], allowed: int
) -> None:
    limits = ProtocolLimits(
        head_timeout=9, body_timeout=9, max_connections_per_client=2, addresses=ClientAddresses(trusted)
    )
    config = Config(lambda *_: None, http=class_of(limits), ws="none", lifespan="off", log_config=None)
    config.load()
    transports = [ForeignTransport() for _ in range(4)]
    protocols = [class_of(limits)(config, ServerState(), {}) for _ in transports]
    for protocol, transport in zip(protocols, transports, strict=True):
        protocol.connection_made(transport)
    refused = [transport for transport in transports if transport.is_closed]
    for protocol in protocols:
        protocol.connection_lost(None)

    assert len(refused) == limits.refused == 4 - allowed
    assert all(responses_of(transport.sent)[0].status == 429 for transport in refused)
    assert not limits.connections
