"""
XSD 1.1 dateTimeStamp, the form of every time in a credential and in its proof. Pure.

VCDM 2.0, section 4.9 (Validity Period), and VC Data Integrity 1.0, section 2.1. Unlike the times of our own
API (`wire.parse_utc`) they may carry an offset.
"""

import re
from datetime import UTC, datetime, timedelta

# XSD 1.1 part 2, section 3.4.28, without years of other than four digits.
_DATE_TIME_STAMP = re.compile(
    r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(\.\d{1,18})?(Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)", re.ASCII
)
_END_OF_DAY = "24:00:00"  # section 3.3.7: the midnight that ends the day, with no fraction but zeros


def parse_date_time_stamp(text: str) -> int:
    """
    Read a dateTimeStamp as microseconds since 1970; what is finer is cut off.

    Raises:
        ValueError: not `YYYY-MM-DDTHH:MM:SS[.fraction](Z|+HH:MM|-HH:MM)`, no such day or time, or in UTC outside
            the years 1 to 9999, for which we have no words.
    """
    found = _DATE_TIME_STAMP.fullmatch(text)
    if found is None:
        raise ValueError("expected a time with its offset, such as 2026-01-31T12:00:00Z")
    day, time, fraction, zone = found.groups()
    is_end_of_day = time == _END_OF_DAY and not (fraction or "").strip(".0")
    clock = "00:00:00" if is_end_of_day else time
    moment = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone == 'Z' else zone}")
    try:
        moment = (moment + timedelta(days=is_end_of_day)).astimezone(UTC)
    except OverflowError:
        raise ValueError("expected a time that is in the years 1 to 9999 in UTC") from None
    microseconds = int((fraction or ".0")[1:].ljust(6, "0")[:6])
    return int(moment.timestamp()) * 1_000_000 + microseconds
