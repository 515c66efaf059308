"""
XSD 1.1 dateTimeStamp, the form of every time in a credential and in its proof. Pure.

VCDM 2.0, section 4.9 (Validity Period), and VC Data Integrity 1.0, section 2.1. Unlike the times of our own
API (`wire.parse_utc`) they may carry an offset.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

# XSD 1.1 part 2, section 3.4.28, without years of other than four digits. 24:00:00 is the midnight that ends the
# day (section 3.3.7); no other time has the hour 24, though `fromisoformat` reads some from Python 3.14 on.
_DATE_TIME_STAMP = re.compile(
    r"(\d{4}-\d{2}-\d{2})T(?:(24:00:00)(?:\.0{1,18})?|((?:[01]\d|2[0-3]):\d{2}:\d{2})(\.\d{1,18})?)"
    r"(Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)",
    re.ASCII,
)


@lru_cache(maxsize=1_024)  # The lists that are made in one second have the same two times.
def parse_date_time_stamp(text: str) -> int:
    """
    Read a dateTimeStamp as microseconds since 1970; what is finer is cut off.

    Raises:
        ValueError: not `YYYY-MM-DDTHH:MM:SS[.fraction](Z|+HH:MM|-HH:MM)`, no such day or time, or in UTC outside
            the years 1 to 9999, for which we have no words.
    """
    found = _DATE_TIME_STAMP.fullmatch(text)
    if found is None:
        raise ValueError("expected a day, a time of it and its offset, such as 2026-01-31T12:00:00Z")
    day, end_of_day, time, fraction, zone = found.groups()
    moment = datetime.fromisoformat(f"{day}T{time or '00:00:00'}{zone}")
    if end_of_day or zone != "Z":
        try:
            moment = (moment + timedelta(days=end_of_day is not None)).astimezone(UTC)
        except OverflowError:
            raise ValueError("expected a time that is in the years 1 to 9999 in UTC") from None
    microseconds = int(fraction[1:7].ljust(6, "0")) if fraction else 0
    return int(moment.timestamp()) * 1_000_000 + microseconds
