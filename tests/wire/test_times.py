"""Times on the wire: UTC with a Z, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire import format_utc, parse_utc


@given(st.integers(0, 253_402_300_799))
def test_a_whole_second_is_written_and_read_as_itself(second: int) -> None:
    assert parse_utc(format_utc(second * 1_000_000)) == second * 1_000_000


def test_fractions_are_read_to_the_microsecond_and_written_as_whole_seconds() -> None:
    assert parse_utc("1970-01-01T00:00:01.5Z") == 1_500_000
    assert parse_utc("1970-01-01T00:00:01.123456789Z") == 1_123_456
    assert format_utc(1_999_999) == "1970-01-01T00:00:01Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+00:00",
        "2026-01-01t00:00:00z",
        "2026-01-01 00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T23:59:60Z",
        "2026-01-01T00:00:00Z\n",
        "٢٠٢٦-01-01T00:00:00Z",
        "",
    ],
)
def test_every_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"UTC time|out of range|must be in|Invalid"):
        parse_utc(text)
