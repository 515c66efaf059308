"""
How an `Answer` becomes an HTTP response: the one place that knows Date, Age, Cache-Control and 304.

`AnswerResponse` is the application's `response_class`, so that a route's handler simply returns its `Answer`.
"""

from functools import lru_cache
from typing import Any

import msgspec
from litestar.response import Response
from litestar.response.base import ASGIResponse

from server.edge.cycle import Headers, header_lines, ready_head
from wire import Answer, matches_etag
from wire.coding import ACCEPT_ENCODING, coded

NO_STORE = "no-store"
ANSWER_KEY = "touchstone.answer"

# What every public answer carries, whichever way it was made. Reads are for everybody's browser (status-list
# notes: wallets run in browsers); there are no cookies, so no credentials either.
ENCODED_CORS: list[tuple[bytes, bytes]] = [
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"ETag, Age, Cache-Status, Content-Location, Location, Retry-After, X-Request-ID",
    ),
    (b"x-content-type-options", b"nosniff"),
]
_OF_A_BODY = (b"content-type", b"content-encoding")
_BEFORE_ID = b"\r\n" + header_lines(ENCODED_CORS) + b"x-request-id: "


def freshness_headers(answer: Answer, now: float) -> list[tuple[str, str]]:
    """
    Return Cache-Control and Age of `answer` at `now` (seconds since 1970).

    RFC 9111, sections 4.2 and 5: `max-age` counts from when the source was obtained, so that
    max-age - Age is what remains; RFC 8246 for `immutable`.
    """
    if answer.immutable:
        return [("cache-control", "public, max-age=31536000, immutable")]
    if answer.fresh_until is None:
        return [("cache-control", NO_STORE)]
    made_at = answer.made_at if answer.made_at is not None else now
    max_age = max(0, round(answer.fresh_until - made_at))
    headers = [("cache-control", f"public, max-age={max_age}")]
    if answer.made_at is not None:
        headers.append(("age", str(max(0, int(now - made_at)))))
    return headers


def response_headers(answer: Answer, now: float) -> list[tuple[str, str]]:
    """Return every header of `answer` but Date and Content-Length, names in lower case."""
    headers = [("content-type", answer.media_type)] if answer.body or answer.status == 200 else []
    if answer.etag is not None:
        headers.append(("etag", answer.etag))
    if answer.vary:
        headers.append(("vary", ", ".join(answer.vary)))
    headers.extend(freshness_headers(answer, now))
    headers.extend(answer.headers)
    return headers


def encoded_headers(answer: Answer, now: float) -> list[tuple[bytes, bytes]]:
    """Return `response_headers` as ASGI wants them."""
    return [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in response_headers(answer, now)
    ]


def headers_of(answer: Answer, now: float) -> list[tuple[bytes, bytes]]:
    """Return `encoded_headers`; those of an answer that never changes are the same for all of its type."""
    if not answer.immutable or answer.headers or answer.etag is None:
        return encoded_headers(answer, now)
    return [*_immutable_headers(answer.media_type, answer.vary), (b"etag", answer.etag.encode("latin-1"))]


@lru_cache(maxsize=256)
def _immutable_headers(media_type: str, vary: tuple[str, ...]) -> list[tuple[bytes, bytes]]:
    return encoded_headers(Answer(body=b"-", media_type=media_type, vary=vary, immutable=True), 0)


def immutable_start(answer: Answer, request_id: bytes) -> tuple[Headers, bytes]:
    """
    Return the headers of a 200 that never changes and has no headers of its own, CORS and all, and its ready head.

    All lines but three are the same for all of its type (`server/edge/cycle.py` says what a ready head is).
    """
    before, lines = _immutable_lines(answer.media_type, answer.vary)
    etag, length = (answer.etag or "").encode("latin-1"), b"%d" % len(answer.body)
    own = ((b"etag", etag), (b"content-length", length), *ENCODED_CORS, (b"x-request-id", request_id))
    ready = (lines, b"etag: ", etag, b"\r\ncontent-length: ", length, _BEFORE_ID, request_id, b"\r\n")
    return [*before, *own], b"".join(ready)


def unkept_start(answer: Answer, request_id: bytes) -> tuple[Headers, bytes]:
    """Return the headers of a 200 that no cache may keep and that has none of its own, as `immutable_start`."""
    before, lines = _unkept_lines(answer.media_type)
    length = b"%d" % len(answer.body)
    own = ((b"content-length", length), *ENCODED_CORS, (b"x-request-id", request_id))
    return [*before, *own], b"".join((lines, b"content-length: ", length, _BEFORE_ID, request_id, b"\r\n"))


@lru_cache(maxsize=256)
def _unkept_lines(media_type: str) -> tuple[Headers, bytes]:
    headers = encoded_headers(Answer(body=b"-", media_type=media_type), 0)
    return headers, ready_head(200, headers)


@lru_cache(maxsize=256)
def _immutable_lines(media_type: str, vary: tuple[str, ...]) -> tuple[Headers, bytes]:
    headers = _immutable_headers(media_type, vary)
    return headers, ready_head(200, headers)


def is_not_modified(answer: Answer, if_none_match: str | None) -> bool:
    """Tell whether 304 is the answer to a conditional request (RFC 9110, section 13.1.2)."""
    if answer.status != 200 or answer.etag is None or if_none_match is None:
        return False
    return matches_etag(if_none_match, answer.etag)


def rendered(
    answer: Answer, now: float, if_none_match: bytes | None
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Return status, headers and body as sent: 304 where the condition names the answer's tag."""
    headers = headers_of(answer, now)
    if if_none_match is not None and is_not_modified(answer, if_none_match.decode("latin-1")):
        return 304, [header for header in headers if header[0] not in _OF_A_BODY], b""
    return answer.status, [*headers, (b"content-length", b"%d" % len(answer.body))], answer.body


class AnswerResponse(Response[Any]):
    """
    A Litestar response made from the `Answer` that a handler returned.

    It leaves the answer in the scope, where the layer in front finds it for the hot table and the counters.
    """

    def to_asgi_response(self, request: Any, **_: Any) -> ASGIResponse:  # type: ignore[override]
        answer = coded(self.content, ",".join(request.headers.getall(ACCEPT_ENCODING, [])) or None)
        request.scope[ANSWER_KEY] = answer
        if request.method not in ("GET", "HEAD"):
            return _unconditional(answer, request.app.state.clock())
        headers = response_headers(answer, request.app.state.clock())
        conditions = ",".join(request.headers.getall("if-none-match", [])) or None
        if not is_not_modified(answer, conditions):
            return ASGIResponse(body=answer.body, status_code=answer.status, headers=headers)
        kept = [header for header in headers if header[0].encode() not in _OF_A_BODY]
        return ASGIResponse(status_code=304, headers=kept, is_head_response=True)


def _unconditional(answer: Answer, now: float) -> ASGIResponse:
    """
    Return the response to what is not a read: If-None-Match asks for no 304 there (RFC 9110, section 13.1.2), and
    no cache may keep what a body made for a read of the same URL (RFC 9110, section 9.3.3).
    """
    unkept = msgspec.structs.replace(answer, fresh_until=None, immutable=False)
    return ASGIResponse(body=answer.body, status_code=answer.status, headers=response_headers(unkept, now))
