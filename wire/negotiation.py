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
        if not found[3]:
            ranges.append((MediaType(f"{found[1]}/{found[2]}".lower()), 1.0))
            continue
        parameters = {m[1].lower(): _unquote(m[2]) for m in _PARAMETER.finditer(found[3])}
        q = _quality(parameters.pop("q", "1"))
        name = f"{found[1]}/{found[2]}".lower()
        ranges.append((MediaType(name, tuple(sorted(parameters.items()))), q))
    return ranges


def is_accept(text: str) -> bool:
    """Tell whether `parse_accept` finds a range in `text`."""
    return len(text) <= MAX_ACCEPT_CHARS and _RANGE.search(text) is not None


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
    wanted = _by_name(ranges)
    scored = [(_score(offer, wanted), -position) for position, offer in enumerate(offers)]
    (quality, _), position = max(scored)
    return offers[-position] if quality > 0 else None


_remembered = lru_cache(maxsize=1_024)(_choose)


def asks_for_no_cache(cache_control: str) -> bool:
    """Tell whether a request's Cache-Control header has `no-cache` (RFC 9111, section 5.2.1.4)."""
    return any(directive.strip().lower() == "no-cache" for directive in cache_control.split(","))


def _by_name(ranges: list[tuple[MediaType, float]]) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    """Return the highest q of each range, by its name and what must be equal: nothing, of a range with a star."""
    wanted: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for found, q in ranges:
        parameters = () if found.name.endswith("/*") else found.parameters
        needed = frozenset(pair for pair in parameters if pair[0] != "charset")
        of_name = wanted.setdefault(found.name, {})
        of_name[needed] = max(q, of_name.get(needed, 0.0))
    return wanted


def _score(offer: MediaType, wanted: dict[str, dict[frozenset[tuple[str, str]], float]]) -> tuple[float, int]:
    """Return (q, specificity) of the most specific range that matches `offer`; (0, 0) where none does."""
    own = frozenset(offer.parameters)
    with_parameters = [q for needed, q in wanted.get(offer.name, {}).items() if needed and needed <= own]
    if with_parameters:
        return max(with_parameters), 4
    names = ((offer.name, 3), (offer.name.partition("/")[0] + "/*", 2), ("*/*", 1))
    for name, specificity in names:
        if (q := wanted.get(name, {}).get(frozenset())) is not None:
            return q, specificity
    return 0.0, 0


def _quality(text: str) -> float:
    return min(1.0, max(0.0, float(text))) if re.fullmatch(r"\d{1,3}(\.\d{0,3})?", text, re.ASCII) else 1.0


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
