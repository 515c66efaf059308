"""
XSD 1.1 dateTimeStamp, the form of every time in a credential and in its proof. Pure.

VCDM 2.0, section 4.9 (Validity Period), and VC Data Integrity 1.0, section 2.1. Unlike the times of our own
API (`wire.parse_utc`) they may carry an offset.
"""

import re
from datetime import datetime

# XSD 1.1 part 2, section 3.4.28, without years of other than four digits and without 24:00:00.
_DATE_TIME_STAMP = re.compile(
    r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,18})?(Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)", re.ASCII
)


def parse_date_time_stamp(text: str) -> int:
    """
    Read a dateTimeStamp as microseconds since 1970; what is finer is cut off.

    Raises:
        ValueError: not `YYYY-MM-DDTHH:MM:SS[.fraction](Z|+HH:MM|-HH:MM)`, or no such day or time.
    """
    found = _DATE_TIME_STAMP.fullmatch(text)
    if found is None:
        raise ValueError("expected a time with its offset, such as 2026-01-31T12:00:00Z")
    zone = "+00:00" if found[3] == "Z" else found[3]
    fraction = int((found[2] or ".0")[1:].ljust(6, "0")[:6])
    return int(datetime.fromisoformat(found[1] + zone).timestamp()) * 1_000_000 + fraction
