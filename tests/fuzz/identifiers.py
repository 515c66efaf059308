"""
Fuzz targets for what names something: DIDs, DID URLs, did:web, URLs of strangers. Each is a function of bytes
that raises AssertionError where an answer is not what an independent reading of the standard gives.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes, urlsplit

import httpx

from resolver.did import MAX_DID_BYTES, parse_did, parse_did_url, parse_parameters
from resolver.errors import InvalidDid, InvalidDidUrl, ResolutionError
from resolver.methods import WEB
from resolver.methods.question import Question
from resolver.methods.web import normal_form
from resolver.outbound.errors import UrlRefused
from resolver.outbound.urls import plan_for_url
from resolver.results import DEFAULT_OPTIONS, FetchPlan
from resolver.spelling import read_spelling

# DID v1.1, section 3.1, rule for rule, where ours is rewritten to match in linear time.
_ABNF = re.compile(
    r"did:[a-z0-9]+:(?:(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})*:)*(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})+"
)
_PCHAR = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_REST = re.compile(rf"(?:/{_PCHAR}*)*(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?")
_WEB_URL = re.compile(
    r"https://[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::[1-9][0-9]{3,4})?((?:/[A-Za-z0-9._~%-]+)+)/did\.json"
)
_NUMERIC_HOST = re.compile(r"[0-9.]+|.*\.[0-9]+|.*\.0x[0-9a-f]*")


def text_of(data: bytes) -> str:
    """Return the text of a case; a byte that is not UTF-8 stays one character."""
    return data.decode("utf-8", "surrogateescape")


def did(data: bytes) -> None:
    """A DID is taken exactly where the ABNF derives it, and its parts are its text."""
    text = text_of(data)
    is_one = len(text) <= MAX_DID_BYTES and _ABNF.fullmatch(text) is not None
    try:
        parsed = parse_did(text)
    except InvalidDid:
        assert not is_one, "a DID was refused"
        return
    assert is_one, "what is no DID was taken for one"
    assert parsed.text == text == f"did:{parsed.method}:{parsed.method_specific_id}"


def did_url(data: bytes) -> None:
    """A DID URL is taken exactly where the ABNF derives it; its text reads as the same value again."""
    text = text_of(data)
    end = min((text.find(mark) for mark in "/?#" if mark in text), default=len(text))
    is_one = len(text) <= MAX_DID_BYTES and bool(_ABNF.fullmatch(text[:end]) and _REST.fullmatch(text, end))
    try:
        parsed = parse_did_url(text)
    except (InvalidDid, InvalidDidUrl):
        assert not is_one, "a DID URL was refused"
        return
    assert is_one, "what is no DID URL was taken for one"
    assert parse_did_url(parsed.text) == parsed
    assert parsed.text == text or "?" in text, "only an empty query may be lost"
    _parameters(parsed.query)


def _parameters(query: str) -> None:
    try:
        parameters = parse_parameters(query)
    except InvalidDidUrl:
        return
    assert len(parameters) == (len(query.split("&")) if query else 0), "a parameter was lost"
    assert all(parameters), "a parameter without a name"


def web(data: bytes) -> None:
    """
    A did:web is fetched from `https://<host>[:port]/<path>/did.json` and from nowhere else, by any URL parser's
    reading; its normal form names the same resource, and is its own normal form.
    """
    text = "did:web:" + text_of(data)
    try:
        plan = WEB.plan(parse_did(text), DEFAULT_OPTIONS)
    except ResolutionError:
        return
    found = _WEB_URL.fullmatch(plan.url)
    assert found, f"not the URL of a did:web: {plan.url}"
    for segment in found[1].split("/")[1:]:
        decoded = unquote_to_bytes(segment)
        assert decoded not in (b"", b".", b".."), "a dot segment"
        assert not set(b"/\\?#%\r\n\0") & set(decoded), "a delimiter in a segment"
    host, path = text.removeprefix("did:web:").partition(":")[::2]
    assert plan.host == unquote_to_bytes(host).decode().lower().partition(":")[0], "another host"
    expected = len(path.split(":")) if ":" in text.removeprefix("did:web:") else 1
    assert len(plan.path.split("/")) - 2 == expected, "a path of another length"
    _is_where(plan)
    normal = normal_form(plan)
    again = WEB.plan(parse_did(normal), DEFAULT_OPTIONS)
    assert again == plan, "the normal form names something else"
    assert normal_form(again) == normal
    assert read_spelling(normal).text == normal


def url(data: bytes) -> None:
    """A stranger's URL gives the plan of exactly that URL, by any URL parser's reading, or is refused."""
    text = text_of(data)
    try:
        plan = plan_for_url(text, accept="*/*", max_bytes=1_000)
    except UrlRefused:
        return
    assert text.isascii() and not set(" \t\r\n\\#\0") & set(text), "a URL that was not refused"
    seen = urlsplit(text)
    assert (seen.hostname, seen.port or 443) == (plan.host, plan.port), "another host"
    assert plan.path == (seen.path or "/") + (f"?{seen.query}" if "?" in text else ""), "another path"
    _is_where(plan)
    again = plan_for_url(plan.url, accept="*/*", max_bytes=1_000)
    assert again == plan


def _is_where(plan: FetchPlan) -> None:
    """The URL of a plan is read as the plan by two parsers, and by neither as an address."""
    assert re.fullmatch(r"/[!-~]*", plan.path) and "#" not in plan.path
    assert plan.port == 443 or 1_024 <= plan.port <= 65_535
    assert not _NUMERIC_HOST.fullmatch(plan.host), "an address"
    assert len(plan.host) <= 253 and "." in plan.host and plan.host == plan.host.lower()
    seen, other = urlsplit(plan.url), httpx.URL(plan.url)
    assert (seen.scheme, seen.hostname, seen.port or 443, seen.username) == (
        "https",
        plan.host,
        plan.port,
        None,
    )
    assert (other.scheme, other.raw_host.decode(), other.port or 443) == ("https", plan.host, plan.port)
    assert not other.userinfo and not other.fragment and not seen.fragment
    assert seen.path.count("/") == plan.path.partition("?")[0].count("/")


def cache_key(data: bytes) -> None:
    """
    Two did:web, one a line, have one key in the cache exactly where they are fetched from one URL; so have all
    spellings of one. The document of either is kept under its own key only.
    """
    first, _, second = text_of(data).partition("\n")
    keys = [_key_of(f"did:web:{identifier}") for identifier in (first, second)]
    if keys[0] is not None and keys[1] is not None:
        assert (keys[0][0] == keys[1][0]) == (keys[0][1] == keys[1][1]), (
            "two resources under one key, or one under two"
        )
    if keys[0] is not None:
        for spelling in _spellings(first):
            assert _key_of(f"did:web:{spelling}") == keys[0], f"a key of its own for {spelling}"


def _key_of(did: str) -> tuple[Question, str] | None:
    """Return the key in the cache and the URL that is fetched for it; None where the DID is refused."""
    try:
        parsed = parse_did(did)
        question = WEB.question(parsed, DEFAULT_OPTIONS)
    except ResolutionError:
        return None
    url = WEB.plan(parsed, DEFAULT_OPTIONS).url
    assert WEB.plan(parse_did(question.did), DEFAULT_OPTIONS).url == url, "the key names another resource"
    return question, url


def _spellings(identifier: str) -> Iterator[str]:
    """Yield other spellings of a did:web: the host in capitals, the port of https, the path escaped."""
    host, colon, path = identifier.partition(":")
    name, escape, port = host.partition("%")
    yield f"{name.upper()}{escape}{port}{colon}{path}"
    if not escape:
        yield f"{name}%3A443{colon}{path}"
        yield f"{name}%3a443{colon}{path}"
    if len(path) < 2_000 and "%" not in path:
        yield host + colon + ":".join("".join(f"%{ord(c):02x}" for c in part) for part in path.split(":"))
