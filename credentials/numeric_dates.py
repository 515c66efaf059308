"""
Seconds since 1970, as JWTs and CWTs have them: one rule for both. Pure.

RFC 7519, section 2 (NumericDate), and RFC 8392, section 2, which takes it over without its tag.
"""

from collections.abc import Mapping

from credentials.errors import MalformedValue

# Seconds since 1970: the end of the year 9999, the last that a dateTimeStamp has.
MAX_NUMERIC_DATE = 253_402_300_799


def numeric_date(
    claims: Mapping[str, object], name: str, error: type[MalformedValue] = MalformedValue
) -> int | None:
    """
    Return a claim that is a time in microseconds since 1970, perhaps with a fraction; None where it is not there.

    Raises:
        MalformedValue: (`error`) it is no number, or is a time after the year 9999, or as long before 1970.
    """
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_NUMERIC_DATE:
        raise error(f"{name}: expected seconds since 1970, before the year 10000", pointer=f"/{name}")
    return int(value * 1_000_000)
