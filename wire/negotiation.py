"""
Content negotiation: an Accept header to the one representation that we offer for it. Pure.

RFC 9110, section 12.5.1. Media types are compared without regard to case; parameters named by an offer must
be equal (quoted or not); the most specific range wins, then the highest q, then our own order of offers.
"""

import re
from functools import lru_cache

import msgspec

MAX_ACCEPT_CHARS = 2_048  # characters; longer headers are refused as a whole
MAX_REMEMBERED_CHARS = 256  # characters; what is remembered stays under a megabyte whatever clients send

# RFC 9110, section 5.6.2 `token` and section 5.6.6 `parameters`; an unquoted value may have more than the
# characters of a token, since clients send `profile=https://...` so. Every quantifier is possessive: white
# space around semicolons can be split between its neighbours in exponentially many ways.
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
_VALUE = r"(?:[^\s,;\"]++|\"(?:[^\"\\]|\\.)*+\")"
_RANGE = re.compile(rf"({_TOKEN})/({_TOKEN})((?:\s*+;\s*+(?:{_TOKEN}\s*+=\s*+{_VALUE})?+)*+)\s*+(?:,|$)")
_PARAMETER = re.compile(rf";\s*+({_TOKEN})\s*+=\s*+({_VALUE})")


class MediaType(msgspec.Struct, frozen=True):
    """A media type or range: `type/subtype`, lower case, with its parameters but `q`."""

    name: str
    parameters: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.name + "".join(f';{key}="{value}"' for key, value in self.parameters)


def parse_accept(header: str) -> list[tuple[MediaType, float]]:
    """
    Read an Accept header as (range, q) in the order sent; what does not parse is passed over.

    A missing or unreadable q counts as 1 (what a browser's slip means), out of 0..1 it is clamped.
    """
    if len(header) > MAX_ACCEPT_CHARS:
        return []
    ranges = []
    for found in _RANGE.finditer(header):
        parameters = {m[1].lower(): _unquote(m[2]) for m in _PARAMETER.finditer(found[3])}
        q = _quality(parameters.pop("q", "1"))
        name = f"{found[1]}/{found[2]}".lower()
        ranges.append((MediaType(name, tuple(sorted(parameters.items()))), q))
    return ranges


def choose(header: str | None, offers: tuple[MediaType, ...]) -> MediaType | None:
    """
    Return the offer that `header` wants most, or None where it wants none of them.

    No header, or one in which nothing parses, wants the first offer; one over `MAX_ACCEPT_CHARS` is not
    read, and wants none. A range without parameters matches an offer that has some; a range with parameters
    matches only an offer with those.

    Clients of one kind all send the same short header, so what was chosen for it is remembered (it takes 10 to 20
    microseconds to choose).
    """
    if header is None or len(header) <= MAX_REMEMBERED_CHARS:
        return _remembered(header, offers)
    return _choose(header, offers)


def _choose(header: str | None, offers: tuple[MediaType, ...]) -> MediaType | None:
    if header and len(header) > MAX_ACCEPT_CHARS:
        return None
    ranges = parse_accept(header) if header else []
    if not ranges:
        return offers[0]
    scored = [(_score(offer, ranges), -position) for position, offer in enumerate(offers)]
    (quality, _), position = max(scored)
    return offers[-position] if quality > 0 else None


_remembered = lru_cache(maxsize=1_024)(_choose)


def asks_for_no_cache(cache_control: str) -> bool:
    """Tell whether a request's Cache-Control header has `no-cache` (RFC 9111, section 5.2.1.4)."""
    return any(directive.strip().lower() == "no-cache" for directive in cache_control.split(","))


def _score(offer: MediaType, ranges: list[tuple[MediaType, float]]) -> tuple[float, int]:
    """Return (q, specificity) of the most specific range that matches `offer`; (0, 0) where none does."""
    matching = [(_specificity(offer, wanted), q) for wanted, q in ranges]
    specificity, quality = max(matching)
    return (quality, specificity) if specificity else (0.0, 0)


def _specificity(offer: MediaType, wanted: MediaType) -> int:
    """Return 0 where `wanted` does not match `offer`, more the more exactly it does."""
    if wanted.name == "*/*":
        return 1
    if wanted.name.endswith("/*"):
        return 2 if offer.name.startswith(wanted.name[:-1]) else 0
    if wanted.name != offer.name:
        return 0
    parameters = tuple((key, value) for key, value in wanted.parameters if key != "charset")
    if not parameters:
        return 3
    return 4 if set(parameters) <= set(offer.parameters) else 0


def _quality(text: str) -> float:
    return min(1.0, max(0.0, float(text))) if re.fullmatch(r"\d{1,3}(\.\d{0,3})?", text, re.ASCII) else 1.0


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
