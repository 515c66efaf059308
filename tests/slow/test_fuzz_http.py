"""
Hostile requests over real sockets: each has one whole answer, the one that the binding gives without a server.

What the resolver answers is fuzzed in process (tests/fuzz); here it is what lies before it: the parser, the front
with its hot answers, the framework. No case may need the network: those would be name look-ups of this machine.
"""

import contextlib
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from resolver import Resolver
from tests.fuzz.answers import BASE
from tests.fuzz.mutation import Mutator
from tests.fuzz.seeds import ACCEPTS
from tests.fuzz.structures import maker
from tests.process import Server
from tests.resolver.asking import answer_now
from tests.server.running import Response, converse, responses_of
from tests.slow.wire_client import Connection

pytestmark = pytest.mark.slow

CASES = int(os.environ.get("TOUCHSTONE_FUZZ_CASES", "100000")) // 5
SEED = int(os.environ.get("TOUCHSTONE_FUZZ_SEED", "4"))
KEY = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
HOST = b"Host: x\r\n"
SETTINGS = {
    "RATE_CPU_PER_SECOND": "1000000",
    "RATE_OUTBOUND_PER_SECOND": "0.001",
    "HEAD_TIMEOUT_SECONDS": "0.4",
    "BODY_TIMEOUT_SECONDS": "0.4",
}
SILENCE_SECONDS = 2.0
# Of a request target (RFC 9112, section 3.2), as the parser takes it: anything visible.
_VISIBLE = bytes(range(0x21, 0x7F))


@pytest.fixture(scope="module", params=["false", "true"], ids=["hot in front", "hot in the protocol"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all cases; what it logs as an error fails the module."""
    started = Server(tmp_path_factory.mktemp("fuzz"), HOT_PROTOCOL=request.param, **SETTINGS)
    started.initialise("--sample")
    started.start()
    yield started
    started.kill()
    log = (started.directory / "server.log").read_text()
    assert "Traceback" not in log and '"ERROR"' not in log, log[-3_000:]


def _requests(count: int) -> Iterator[tuple[bytes, bytes, str]]:
    """Yield path, query and Accept of requests that the resolver answers without the network."""
    random, resolver = Random(SEED), Resolver()
    make = maker("request", random)
    while count:
        path, query, accept = [*make().split(b"\n", 3), b"", b""][:3]
        path, _, more = path.partition(b"?")
        query = b"&".join(part for part in (more, query) if part)
        text = accept.decode("latin-1").strip()
        is_sendable = not (path + query).translate(None, _VISIBLE) and text.isascii() and text.isprintable()
        is_whole = b"#" not in path + query and len(path) + len(query) < 15_000 and len(text) < 2_000
        if not is_sendable or not is_whole or path[:7].lower() in (b"did:web", b"did%3aw"):
            continue
        if answer_now(resolver, BASE + path, query, text or None) is not None:
            count -= 1
            yield path, query, text


def test_the_server_answers_what_the_binding_says(server: Server) -> None:
    resolver, connection = Resolver(), Connection(server.port)
    different = []
    for path, query, accept in _requests(CASES):
        target = BASE + path + (b"?" + query if query else b"")
        header = f"Accept: {accept}\r\n".encode() if accept else b""
        found = connection.ask(b"GET " + target + b" HTTP/1.1\r\n" + HOST + header + b"\r\n")
        expected = answer_now(resolver, BASE + path, query, accept or None)
        assert expected is not None
        media_type = expected.media_type if expected.status != 303 else None
        wanted = (expected.status, media_type, expected.etag, expected.body)
        headers = found.headers
        if (found.status, headers.get("content-type"), headers.get("etag"), found.body) != wanted:
            different.append((target, accept, found, expected))
    connection.close()

    assert different == []


def test_asked_again_with_its_etag_an_answer_is_304_and_head_has_its_head(server: Server) -> None:
    """Twice, so that the second comes from the hot answers."""
    connection = Connection(server.port)
    for path, query, accept in _requests(CASES // 20):
        target = BASE + path + (b"?" + query if query else b"")
        rest = b" HTTP/1.1\r\n" + HOST + (f"Accept: {accept}\r\n".encode() if accept else b"")
        first, second = (connection.ask(b"GET " + target + rest + b"\r\n") for _ in range(2))
        head = connection.ask(b"HEAD " + target + rest + b"\r\n", is_head=True)

        assert _lasting(first) == _lasting(second)
        assert head.status == first.status
        assert head.headers["content-length"] == first.headers["content-length"]
        if "etag" in first.headers:
            tag = f"If-None-Match: {first.headers['etag']}\r\n\r\n".encode()
            unchanged = connection.ask(b"GET " + target + rest + tag)
            assert (unchanged.status, unchanged.body) == (304, b"")
            assert unchanged.headers["etag"] == first.headers["etag"]
    connection.close()


def _lasting(response: Response) -> tuple[int, bytes, dict[str, str]]:
    """Return what of an answer may not change with the clock or the request."""
    changing = ("date", "x-request-id", "age", "cache-control", "retry-after")
    headers = {name: value for name, value in response.headers.items() if name not in changing}
    body = response.body if response.status == 200 else b""
    return response.status, body, headers


ID = BASE.decode()
RAW: dict[str, tuple[str | bytes, int]] = {
    "absolute form": (f"GET http://x{ID}{KEY} HTTP/1.1", 200),
    "absolute form of another scheme": (f"GET gopher://x{ID}{KEY} HTTP/1.1", 200),
    "two slashes before": (f"GET /{ID}{KEY} HTTP/1.1", 404),
    "two slashes within": ("GET /1.0//identifiers/x HTTP/1.1", 404),
    "an encoded slash before the DID": (f"GET /1.0/identifiers%2F{KEY} HTTP/1.1", 400),
    "an encoded letter of the route": (f"GET /1.0/%69dentifiers/{KEY} HTTP/1.1", 404),
    "another case of the route": (f"GET /1.0/Identifiers/{KEY} HTTP/1.1", 404),
    "no identifier": ("GET /1.0/identifiers HTTP/1.1", 400),
    "an empty identifier": (f"GET {ID} HTTP/1.1", 400),
    "a slash behind the DID": (f"GET {ID}{KEY}/ HTTP/1.1", 404),
    "a DID encoded as a whole": (f"GET {ID}{KEY.replace(':', '%3A')} HTTP/1.1", 200),
    "a DID encoded twice": (f"GET {ID}{KEY.replace(':', '%253A')} HTTP/1.1", 400),
    "a DID with one letter encoded": (f"GET {ID}{KEY.replace('z6', 'z%36')} HTTP/1.1", 400),
    "dots before the DID": (f"GET {ID}../identifiers/{KEY} HTTP/1.1", 400),
    "NUL encoded": (f"GET {ID}{KEY}%00 HTTP/1.1", 400),
    "NUL": (f"GET {ID}{KEY}\0 HTTP/1.1", 400),
    "a line break encoded": (f"GET {ID}{KEY}%0D%0A HTTP/1.1", 400),
    "percent and nothing": (f"GET {ID}% HTTP/1.1", 400),
    "percent garbage": (f"GET {ID}did%3Akey%3A%zz%%%C3%28%f HTTP/1.1", 400),
    "bytes over 127": (f"GET {ID}did:key:z\u00e9 HTTP/1.1", 400),
    "a fragment in the target": (f"GET {ID}{KEY}#x HTTP/1.1", 400),
    "an encoded fragment": (f"GET {ID}{KEY}%23x HTTP/1.1", 400),
    "a query of 15,000 parameters": (f"GET {ID}{KEY}?{'&'.join(['a'] * 7_000)} HTTP/1.1", 400),
    "a query of 15 KiB": (f"GET {ID}{KEY}?{'a' * 15_000} HTTP/1.1", 400),
    "a query of percents": (f"GET {ID}{KEY.replace(':', '%3A')}?{'%' * 9_000} HTTP/1.1", 501),
    "an empty query": (f"GET {ID}{KEY}? HTTP/1.1", 200),
    "an option that is no UTF-8": (f"GET {ID}{KEY.replace(':', '%3A')}?accept=%ff HTTP/1.1", 400),
    "an option given twice": (f"GET {ID}{KEY.replace(':', '%3A')}?noCache=true&noCache=true HTTP/1.1", 400),
    "a head of 16 KiB": (f"GET {ID}{'a' * 16_400} HTTP/1.1", 431),
    "a DID of 8,193 bytes": (f"GET {ID}did:x:{'a' * 8_187} HTTP/1.1", 400),
    "a space in the target": (f"GET {ID}did:x :y HTTP/1.1", 400),
    "two Accept headers": (f"GET {ID}{KEY} HTTP/1.1\r\nAccept: text/html;q=0.1\r\nAccept: application/did", 200),
    "an Accept of garbage": (f"GET {ID}{KEY} HTTP/1.1\r\nAccept: \u00ff,;;=,\"", 200),
    "an Accept of 4 KiB": (f"GET {ID}{KEY} HTTP/1.1\r\nAccept: {'a/b,' * 1_024}", 406),
    "two Cache-Control headers": (f"GET {ID}{KEY} HTTP/1.1\r\nCache-Control: x\r\nCache-Control: no-cache", 200),
    "two If-None-Match headers": (f'GET {ID}{KEY} HTTP/1.1\r\nIf-None-Match: "x"\r\nIf-None-Match: *', 200),
    "a range": (f"GET {ID}{KEY} HTTP/1.1\r\nRange: bytes=0-1", 200),
    "a body of GET": (f"GET {ID}{KEY} HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}", 200),
    "PUT": (f"PUT {ID}{KEY} HTTP/1.1\r\nContent-Length: 0", 405),
    "DELETE": (f"DELETE {ID}{KEY} HTTP/1.1", 405),
    "OPTIONS": (f"OPTIONS {ID}{KEY} HTTP/1.1", 204),
    "TRACE": (f"TRACE {ID}{KEY} HTTP/1.1", 405),
}  # fmt: skip


@pytest.mark.parametrize("name", RAW)
def test_a_raw_request_has_one_whole_answer(server: Server, name: str) -> None:
    request, status = RAW[name]
    data = request.encode("latin-1") if isinstance(request, str) else request
    line, _, rest = data.partition(b" HTTP/1.1")
    closing = b" HTTP/1.1\r\n" + HOST + b"Connection: close"
    head, _, body = rest.partition(b"\r\n\r\n")
    (found,) = responses_of(converse(server.port, line + closing + head + b"\r\n\r\n" + body))

    assert found.status == status
    assert found.headers["x-request-id"]


BODIES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 200),
    "an object": (b"{}", 200),
    "white space": (b" \r\n\t", 400),
    "a list": (b"[]", 400),
    "null": (b"null", 400),
    "a string": (b'"accept"', 400),
    "a number": (b"1e999", 400),
    "NaN": (b'{"noCache":NaN}', 400),
    "cut short": (b'{"noCache":tru', 400),
    "two objects": (b"{}{}", 400),
    "a trailing comma": (b'{"noCache":true,}', 400),
    "a comment": (b"{/* */}", 400),
    "single quotes": (b"{'noCache':true}", 400),
    "a member twice": (b'{"noCache":true,"noCache":false}', 400),
    "a member twice by escapes": (b'{"noCache":true,"\\u006eoCache":false}', 400),
    "a byte order mark": (b"\xef\xbb\xbf{}", 400),
    "UTF-16": ("{}".encode("utf-16"), 400),
    "no UTF-8": (b'{"accept":"\xff"}', 400),
    "half a surrogate pair": (b'{"accept":"\\ud800"}', 400),
    "NUL": (b"\0", 400),
    "depth 33": (b"[" * 33 + b"]" * 33, 400),
    "depth 30,000": (b"[" * 30_000, 400),
    "an unknown option": (b'{"x":1}', 501),
    "a name of 60 KiB": (b'{"' + b"x" * 60_000 + b'":1}', 501),
    "an option of another type": (b'{"noCache":[{}]}', 400),
    "a null option": (b'{"versionId":null}', 501),
    "a number of 4,400 digits": (b'{"maxStale":' + b"9" * 4_400 + b"}", 400),
    "a number out of range": (b'{"maxStale":99999999999999999999}', 400),
    "64 KiB": (b'{"accept":"' + b"a" * 65_523 + b'"}', 400),
    "64 KiB and a byte": (b'{"accept":"' + b"a" * 65_524 + b'"}', 413),
}


@pytest.mark.parametrize(
    ("name", "coding"),
    [(name, coding) for name in BODIES for coding in ("length", "chunks")]
    + [(name, "chunks of one byte") for name, (body, _) in BODIES.items() if len(body) < 5_000],
)
def test_a_body_of_any_kind_is_answered(server: Server, name: str, coding: str) -> None:
    body, status = BODIES[name]
    head = (
        f"POST {ID}{KEY} HTTP/1.1\r\nContent-Type: application/json\r\nConnection: close\r\n".encode() + HOST
    )
    if coding == "length":
        data = head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    else:
        size = 1 if coding.endswith("byte") else 16_000
        pieces = [body[start : start + size] for start in range(0, len(body), size)]
        chunks = b"".join(b"%x\r\n" % len(piece) + piece + b"\r\n" for piece in pieces)
        data = head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    (found,) = responses_of(converse(server.port, data))

    assert found.status == status
    assert found.headers["content-type"].startswith("application/")


def test_pipelined_requests_are_answered_in_their_order(server: Server) -> None:
    paths = [KEY, "did:x:y", KEY.replace(":", "%3A"), f"{KEY}?noCache=true", "%", KEY, f"{KEY}/a", KEY]
    one = "".join(f"GET {ID}{path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths[:-1])
    data = one + f"GET {ID}{paths[-1]} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    found = responses_of(converse(server.port, data.encode()))

    assert [answer.status for answer in found] == [200, 501, 200, 200, 400, 200, 404, 200]


_SEEDS = tuple(
    f"{line}\r\nHost: x\r\nAccept: {accept}\r\nConnection: close\r\n{rest}".encode()
    for accept in ACCEPTS[1:6]
    for line, rest in (
        (f"GET {ID}{KEY} HTTP/1.1", "\r\n"),
        (f"HEAD {ID}{KEY}?noCache=true HTTP/1.1", "Cache-Control: no-cache\r\n\r\n"),
        (
            f"POST {ID}{KEY} HTTP/1.1",
            'Content-Type: application/json\r\nContent-Length: 16\r\n\r\n{"noCache":true}',
        ),
        (f"POST {ID}{KEY} HTTP/1.1", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        (f"GET {ID}{KEY} HTTP/1.1", f"\r\nGET {ID}did:x:y HTTP/1.1\r\nHost: y\r\n\r\n"),
        ("GET /livez HTTP/1.1", 'If-None-Match: "x"\r\n\r\n'),
    )
)
_WORDS = (
    "\r\n", "\r\n\r\n", "\n", "HTTP/1.1", "HTTP/1.0", "Content-Length: ", "Transfer-Encoding: chunked\r\n",
    "Host: y\r\n", "Expect: 100-continue\r\n", "Upgrade: h2c\r\n", "Connection: keep-alive\r\n",
    "0\r\n\r\n", "ffffffffffffffff\r\n", ":", "GET ", "POST ", "HEAD ", "OPTIONS ", ID, KEY, "\t",
    "X-Forwarded-For: 1.2.3.4\r\n", "X-Request-ID: a\r\n",
)  # fmt: skip


def _said(port: int, data: bytes) -> bytes:
    """
    Return what the server says to `data`, until it closes or is silent for longer than its own deadlines.

    Where a case asks for no `Connection: close` any more, the connection would live on for five seconds.
    """
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=SILENCE_SECONDS) as connection:
        with contextlib.suppress(ConnectionError, TimeoutError):
            connection.sendall(data)
        with contextlib.suppress(ConnectionError, TimeoutError):
            while part := connection.recv(65_536):
                received += part
    return received


def _answers_to(port: int, data: bytes) -> list[int]:
    """Send bytes; return the status of every answer, each of which must be whole, informational ones left out."""
    received = _said(port, data)
    if data[:5] == b"HEAD " or b"HEAD " in data:
        return [int(received[9:12])] if received else []
    return [answer.status for answer in responses_of(received) if answer.status >= 200]


def test_spoiled_requests_get_whole_answers_or_none(server: Server) -> None:
    mutator = Mutator(_SEEDS, _WORDS, Random(SEED))
    cases = [mutator.case()[:40_000] for _ in range(CASES // 10)]
    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(lambda case: _answers_to(server.port, case), cases))

    odd = [(case, found) for case, found in zip(cases, answers, strict=True) if set(found) & _NEVER]
    assert odd == []
    assert sum(map(len, answers)) > len(cases) / 2
    assert Path(server.directory / "server.log").stat().st_size < 1_000_000


_NEVER = set(range(500, 600)) - {501, 505}
