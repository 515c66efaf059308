"""
Seconds since 1970, as JWTs and CWTs have them: one rule for both. Pure.

RFC 7519, section 2 (NumericDate), and RFC 8392, section 2, which takes it over without its tag.
"""

from collections.abc import Mapping

from credentials.errors import MalformedValue

# Seconds since 1970: the end of the year 9999, the last that a dateTimeStamp has.
MAX_NUMERIC_DATE = 253_402_300_799
MIN_NUMERIC_DATE = -62_135_596_800  # the beginning of the year 1, the first that we can write


def numeric_date(
    claims: Mapping[str, object], name: str, error: type[MalformedValue] = MalformedValue
) -> int | None:
    """
    Return a claim that is a time in microseconds since 1970, perhaps with a fraction; None where it is not there.

    Raises:
        MalformedValue: (`error`) it is no number, or a time outside the years 1 to 9999.
    """
    if name not in claims:
        return None
    value = claims[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not MIN_NUMERIC_DATE <= value <= MAX_NUMERIC_DATE:  # type: ignore[operator]
        raise error(f"{name}: expected seconds since 1970, of the years 1 to 9999", pointer=f"/{name}")
    return int(value * 1_000_000)  # type: ignore[operator]
