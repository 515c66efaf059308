"""Points in time on the wire: RFC 3339, UTC only, to the microsecond."""

from datetime import UTC, datetime

import pytest

from wire import format_utc, parse_utc


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-01-31T12:00:00Z", 1_769_860_800_000_000),
        ("2024-02-29T23:59:59Z", 1_709_251_199_000_000),
        ("1970-01-01T00:00:00.5Z", 500_000),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1970-01-01T00:00:00.123456789Z", 123_456),
        ("1970-01-01T00:00:00.9999999Z", 999_999),
        ("1969-12-31T23:59:59.25Z", -750_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ],
)
def test_a_utc_time_is_read_to_the_microsecond(text: str, microseconds: int) -> None:
    assert parse_utc(text) == microseconds


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T12:00:00",
        "2026-01-31T12:00:00+00:00",
        "2026-01-31T12:00:00-00:00",
        "2026-01-31T12:00:00+01:00",
        "2026-01-31T12:00:00z",
        "2026-01-31t12:00:00Z",
        "2026-01-31 12:00:00Z",
        "2026-01-31",
        "2026-01-31T12:00Z",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00,5Z",
        "2026-01-31T12:00:00.1234567890Z",
        "2026-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-31T24:00:00Z",
        "2016-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "+2026-01-31T12:00:00Z",
        "2026-1-31T12:00:00Z",
        "2026-W05-6T12:00:00Z",
        "20260131T120000Z",
        " 2026-01-31T12:00:00Z",
        "2026-01-31T12:00:00Z\n",
        "٢٠٢٦-01-31T12:00:00Z",
        "2026-01-31T12:00:00.٥Z",
        "",
    ],
)
def test_any_other_spelling_and_any_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_utc(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "0999-12-31T23:59:59Z", "2026-01-31T12:00:00Z"])
def test_a_time_is_written_as_it_was_read(text: str) -> None:
    assert format_utc(parse_utc(text)) == text


def test_a_fraction_is_rounded_down_on_either_side_of_1970() -> None:
    assert format_utc(1_999_999) == "1970-01-01T00:00:01Z"
    assert format_utc(-1) == "1969-12-31T23:59:59Z"


def test_reading_agrees_with_the_standard_library() -> None:
    for year in range(1971, 2100):
        moment = datetime(year, 7, 15, 3, 4, 5, tzinfo=UTC)

        assert parse_utc(f"{year}-07-15T03:04:05Z") == int(moment.timestamp()) * 1_000_000
