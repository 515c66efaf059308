"""
Accept-Language to the one language of those that there are (RFC 4647, section 3.4, Lookup). Pure.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

MAX_CHARS = 512  # of the header; a longer one is not read
MAX_RANGES = 32  # that are looked at, those that are wanted most

_RANGE = re.compile(
    r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*+|\*)\s*+(?:;\s*+[qQ]\s*+=\s*+(1(?:\.0{0,3})?|0(?:\.\d{0,3})?))?"
)


def choose_language(header: str | None, available: Iterable[str], *, default: str = "en") -> str:
    """
    Return which of the languages that are there the header wants most.

    A range finds the tag that is equal to it, else loses its last part and looks again ("de-CH" finds "de"). A
    range "*" finds nothing of its own. Where none is found: `default` if it is there, else the first.

    Args:
        available: at least one language tag (BCP 47).
    """
    tags = {tag.lower(): tag for tag in available}
    for wanted in ranges_of(header or ""):
        for shorter in _shortened(wanted):
            if shorter in tags:
                return tags[shorter]
    return tags.get(default) or next(iter(tags.values()))


@lru_cache(maxsize=1_024)
def ranges_of(header: str) -> tuple[str, ...]:
    """Return the language ranges of a header in lower case, the most wanted first; others are passed over."""
    if len(header) > MAX_CHARS:
        return ()
    found = [_RANGE.fullmatch(part.strip()) for part in header.split(",")]
    wanted = [(float(each[2] or 1), each[1].lower()) for each in found if each is not None]
    liked = sorted((each for each in wanted if each[0] > 0), key=lambda each: -each[0])
    return tuple(tag for _, tag in liked[:MAX_RANGES] if tag != "*")


def _shortened(wanted: str) -> Iterable[str]:
    """Yield a range, and what is left when its last part is taken away, with a single letter before it."""
    parts = wanted.split("-")
    while parts:
        yield "-".join(parts)
        parts.pop()
        if parts and len(parts[-1]) == 1:
            parts.pop()
