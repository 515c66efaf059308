"""
Points in time on the wire: RFC 3339 in UTC, and integer microseconds in storage. Pure.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache

# RFC 3339, section 5.6 `date-time`, restricted to UTC ("Z"); fractions are read to the microsecond. The hours are
# looked at here: from Python 3.14 on `fromisoformat` reads 24:00.
_UTC = re.compile(r"(\d{4}-\d{2}-\d{2})T((?:[01]\d|2[0-3]):\d{2}:\d{2})(\.\d{1,9})?Z", re.ASCII)


def parse_utc(text: str) -> int:
    """
    Read an RFC 3339 time in UTC as microseconds since 1970.

    Raises:
        ValueError: not `YYYY-MM-DDTHH:MM:SS[.fraction]Z`, or no such day or time (24:00, 30 February,
            and the leap second 23:59:60, which storage could not tell from the second after it).
    """
    found = _UTC.fullmatch(text)
    if found is None:
        raise ValueError("expected a UTC time such as 2026-01-31T12:00:00Z")
    moment = datetime.fromisoformat(f"{found[1]}T{found[2]}+00:00")
    fraction = int((found[3] or ".0")[1:].ljust(6, "0")[:6])
    return int(moment.timestamp()) * 1_000_000 + fraction


def format_utc(microseconds: int) -> str:
    """Return the RFC 3339 time of `microseconds` since 1970, in whole seconds (rounded down) with a `Z`."""
    return _format(microseconds // 1_000_000)


@lru_cache(maxsize=1_024)  # An answer has half a dozen times, of which most are those of the one before it.
def _format(seconds: int) -> str:
    # Not strftime: its %Y has fewer than four digits before the year 1000.
    return datetime.fromtimestamp(seconds, UTC).isoformat().removesuffix("+00:00") + "Z"


@lru_cache(maxsize=1_024)
def format_exact(microseconds: int) -> str:
    """As `format_utc`, with six digits of a second where it is not a whole one; `parse_utc` reads it again."""
    fraction = microseconds % 1_000_000
    whole = format_utc(microseconds)
    return whole if fraction == 0 else f"{whole[:-1]}.{fraction:06d}Z"
