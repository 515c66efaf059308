"""
The one shape in which a route hands its answer to the server, and strong entity tags. Pure.
"""

import hashlib

import msgspec

from wire.problem import Fault


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """
    An HTTP answer, complete but for what changes with the clock.

    The server alone renders it (`server/edge/answers.py`): it adds Date, Age, Cache-Control and CORS headers,
    answers 304 where `etag` matches, drops the body for HEAD, and may keep the bytes.

    Attributes:
        status: HTTP status.
        body: the bytes as sent; no transfer or content coding is applied.
        gzip: the same in the content coding gzip, for whoever wants that (`wire.coding`); None: there is no such.
        media_type: Content-Type.
        etag: strong entity tag with its quotes, or None where the answer has none.
        headers: further headers, names in lower case; never Date, Age, Cache-Control, ETag or Vary.
        vary: request header names that chose this answer, in lower case.
        made_at: when the source of the answer was obtained (seconds since 1970), for Age; None: now.
        fresh_until: until when a cache may serve it (seconds since 1970); None: never (`no-store`).
        may_be_kept: false where the server is to make it anew for each request, though caches may keep it.
        immutable: true where no later answer can differ (`immutable`, RFC 8246).
        fault: who must act where the status is 5xx (`Refusal.fault`); metrics have it, not the client.
    """

    status: int = 200
    body: bytes = b""
    gzip: bytes | None = None
    media_type: str = "application/json"
    etag: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    vary: tuple[str, ...] = ()
    made_at: float | None = None
    fresh_until: float | None = None
    may_be_kept: bool = True
    immutable: bool = False
    fault: Fault = ""


def etag_of(body: bytes, media_type: str) -> str:
    """
    Return the strong entity tag of a representation (RFC 9110, section 8.8.3): 128 bits of a SHA-256.

    Two media types of the same bytes are two representations, so that the type is hashed too.
    """
    digest = hashlib.sha256(b"\0".join((media_type.encode(), body))).hexdigest()
    return f'"{digest[:32]}"'


def matches_etag(if_none_match: str, etag: str) -> bool:
    """
    Tell whether an If-None-Match header names `etag` (RFC 9110, section 13.1.2: weak comparison, `*`).
    """
    candidates = [part.strip().removeprefix("W/") for part in if_none_match.split(",")]
    return etag in candidates or candidates == ["*"]
