"""Bytes that are no request, or not one alone: what our protocols answer themselves."""

from collections.abc import Iterator

from tests.server.http_corpus.asking import REQUEST_ID, Raw
from tests.server.http_corpus.identifiers import KEY

GET = b"GET /livez HTTP/1.1\r\nHost: x\r\n"
LAST = b"Connection: close\r\n\r\n"
POST = b"POST /trqp/authorization HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"
HOSTS = (
    b"",
    b"a",
    b"A.example:8000",
    b"[::1]:80",
    b"a:",
    b"a,b",
    b"a b",
    b"a/b",
    b"u@a",
    b"\xff",
    b"[::1",
    b"a:b",
    b"%4",
)
METHODS = (b"BREW", b"get", b"PROPFIND", b"PATCH", b"TRACE", b"CONNECT", b"PRI")
TARGETS = (
    b"*",
    b"http://x/livez",
    b"http://x",
    b"x:443",
    b"livez",
    b"/livez#x",
    b"/l\xc3\xadvez",
    b"/livez?a b",
    b"/%",
    b"/%00",
    f"/1.0/identifiers/{KEY}#x".encode(),
    b"/1.0/identifiers/did:key:\xff",
    b"//livez",
)


def cases() -> Iterator[Raw]:
    for host in HOSTS:
        yield Raw(
            f"a Host {host!a}",
            b"GET /livez HTTP/1.1\r\nConnection: close\r\nHost: " + host + b"\r\n\r\n",
        )
    for method in METHODS:
        yield Raw(f"the method {method.decode()}", method + b" /livez HTTP/1.1\r\nHost: x\r\n" + LAST)
    for target in TARGETS:
        yield Raw(f"the target {target!a}", b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n" + LAST)
    for name, data in _FRAMES.items():
        yield Raw(name, data)


_FRAMES = {
    "plain": GET + LAST,
    "two requests": GET + b"\r\n" + GET + LAST,
    "hot, then another": f"GET /1.0/identifiers/{KEY} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 3 + GET + LAST,
    "its own request id": GET + f"X-Request-ID: {REQUEST_ID}\r\n".encode() + LAST,
    "no Host": b"GET /livez HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "HTTP/1.0": b"GET /livez HTTP/1.0\r\n\r\n",
    "HTTP/0.9": b"GET /livez\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/3.7": b"GET /livez HTTP/3.7\r\nHost: x\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "garbage": b"\x00\x01\x02 nonsense\r\n\r\n",
    "a NUL in a header": GET + b"X: a\x00b\r\n\r\n",
    "a folded header": GET + b"X: a\r\n b\r\n" + LAST,
    "space before the colon": POST + b"Content-Length : 1\r\n\r\na",
    "a long header": GET + b"X: " + b"a" * 20_000 + b"\r\n\r\n",
    "a long target": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "65 headers": GET + b"X: a\r\n" * 64 + b"\r\n",
    "an offer to upgrade": GET + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "an expectation": POST + b"Content-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n{}",
    "two lengths that differ": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "two lengths that agree": POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "a list of lengths": POST + b"Content-Length: 1, 1\r\n\r\na",
    "a signed length": POST + b"Content-Length: +1\r\n\r\na",
    "length, then chunks": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked is not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding before chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunks": CHUNKED + LAST + b"1\r\n{\r\n1;a=b\r\n}\r\n0\r\n\r\n",
    "a bad chunk size": CHUNKED + b"\r\nzz\r\n",
    "a chunk longer than it says": CHUNKED + b"\r\n1\r\nabc\r\n0\r\n\r\n",
    "a long chunk extension": CHUNKED + LAST + b"2;" + b"a" * 30_000 + b"\r\n{}\r\n0\r\n\r\n",
    "many requests at once": (GET + b"\r\n") * 40,
}


def slow() -> Iterator[Raw]:
    """Heads and bodies that never come to their end."""
    yield Raw("a slow head", b"GET /livez HTTP/1.1\r\nHost:")
    yield Raw("a slow body", POST + b"Content-Length: 9\r\n\r\na")
