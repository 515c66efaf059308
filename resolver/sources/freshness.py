"""
How long an origin's document may be kept before it is asked for again (RFC 9111, sections 4.2 and 5.2). Pure.

Operator bounds rule over the origin's wish: a floor that spares the origin (also where it says `no-store`:
the document is public, and its keys are what a verifier just used), a ceiling that ends a stolen key.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import msgspec

# RFC 9110, section 8.8.3 `entity-tag`, ASCII only; longer ones are not worth sending back.
_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,256}"')
_DIRECTIVE = re.compile(r'([A-Za-z-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,;]*)))?')
_CACHE_HEADERS = ("cache-control", "expires", "date", "age", "etag")
_MAX_HEADER_CHARS = 512  # characters; they are kept with the document, and no cache sends longer ones


class FreshnessBounds(msgspec.Struct, frozen=True, kw_only=True):
    """
    Operator bounds.

    Attributes:
        floor_seconds, ceiling_seconds: least and most a document is kept.
        default_seconds: where the origin says nothing.
        negative_seconds: a DID that does not exist, is deactivated, or has a document that we refuse.
        failure_seconds: for how long a host that did not answer is not asked again.
        revalidate_seconds: past freshness, a document is served while it is asked for anew.
        stale_seconds: past freshness, a document is served while its origin does not answer; the most that
            blocking an origin can prolong the life of a stolen key.
    """

    floor_seconds: float = 30.0
    ceiling_seconds: float = 600.0
    default_seconds: float = 300.0
    negative_seconds: float = 15.0
    failure_seconds: float = 5.0
    revalidate_seconds: float = 30.0
    stale_seconds: float = 3_600.0


def cache_headers(headers: Mapping[str, str], stored: Mapping[str, str] = {}) -> dict[str, str]:
    """Return the headers about caching, those of a 304 over the `stored` ones (RFC 9111, section 3.2)."""
    kept = {name: value for name, value in stored.items() if name != "age"}
    return kept | {name: headers[name][:_MAX_HEADER_CHARS] for name in _CACHE_HEADERS if name in headers}


def entity_tag(headers: Mapping[str, str]) -> str | None:
    """Return the ETag where it is one that we can send back."""
    tag = headers.get("etag", "")
    return tag if _ENTITY_TAG.fullmatch(tag) else None


def lifetime(headers: Mapping[str, str], bounds: FreshnessBounds) -> float:
    """
    Return for how many seconds from now an answer with `headers` (lower-case names) is fresh.

    `s-maxage`, then `max-age`, then Expires - Date, less Age; `no-store`, `no-cache`, `private` and values
    that cannot be read mean the floor.
    """
    return judge(headers, bounds)[0]


def judge(headers: Mapping[str, str], bounds: FreshnessBounds) -> tuple[float, str]:
    """Return `lifetime`, and the reason for it in words."""
    wanted = _wanted(headers)
    if wanted is None:
        return min(bounds.default_seconds, bounds.ceiling_seconds), "the origin says nothing: our default"
    age = headers.get("age", "0").strip()
    passed = float(age) if _is_seconds(age) else 0.0
    left = wanted - passed
    if left < bounds.floor_seconds:
        return bounds.floor_seconds, "the origin wants less than our floor"
    if left > bounds.ceiling_seconds:
        return bounds.ceiling_seconds, "the origin allows more than our ceiling"
    return left, "as the origin says"


def _wanted(headers: Mapping[str, str]) -> float | None:
    if "cache-control" in headers:
        directives = _directives(headers["cache-control"])
        if directives.keys() & {"no-store", "no-cache", "private"}:
            return 0.0
        for name in ("s-maxage", "max-age"):
            if name in directives:
                return float(directives[name]) if _is_seconds(directives[name]) else 0.0
    return _until_expires(headers) if "expires" in headers else None


def _directives(text: str) -> dict[str, str]:
    """Read Cache-Control; of a directive that occurs twice the first counts (RFC 9111, section 4.2.1)."""
    found = [(m[1].lower(), m[2] or m[3] or "") for m in _DIRECTIVE.finditer(text)]
    return dict(reversed(found))


def _until_expires(headers: Mapping[str, str]) -> float:
    try:
        expires = parsedate_to_datetime(headers["expires"])
        date = parsedate_to_datetime(headers["date"])
        return (expires - date).total_seconds()
    except (KeyError, ValueError, TypeError, OverflowError):
        return 0.0  # "0" and other invalid dates mean the past (RFC 9111, section 5.3).


def _is_seconds(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10
