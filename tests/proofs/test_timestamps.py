"""XSD dateTimeStamp to microseconds."""

import pytest

from proofs import parse_date_time_stamp


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-01-31T12:00:00Z", 1_769_860_800_000_000),
        ("2026-01-31T13:00:00+01:00", 1_769_860_800_000_000),
        ("2026-01-31T02:00:00-10:00", 1_769_860_800_000_000),
        ("2026-02-01T02:00:00+14:00", 1_769_860_800_000_000),
        ("2026-01-31T12:00:00.5Z", 1_769_860_800_500_000),
        ("2026-01-31T12:00:00.123456789Z", 1_769_860_800_123_456),
        ("1969-12-31T23:59:59.25Z", -750_000),
    ],
)
def test_a_time_is_read_to_the_microsecond(text: str, microseconds: int) -> None:
    assert parse_date_time_stamp(text) == microseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31 12:00:00Z",
        "2026-01-31T12:00:00z",
        "2026-01-31T12:00Z",
        "2026-02-30T12:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:00:60Z",
        "2026-01-31T12:00:00+14:01",
        "2026-01-31T12:00:00+01",
        "2026-01-31T12:00:00.Z",
        "２026-01-31T12:00:00Z",
        "12026-01-31T12:00:00Z",
        "2026-01-31T12:00:00Z\n",
    ],
)
def test_what_is_no_time_with_an_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a time|day|hour|second"):
        parse_date_time_stamp(text)
