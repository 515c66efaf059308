"""Accept-Language to one of the languages that there are."""

import pytest

from wire.language import MAX_CHARS, MAX_RANGES, choose_language, ranges_of


@pytest.mark.parametrize(
    ("header", "available", "expected"),
    [
        ("de", ("en", "de"), "de"),
        ("DE", ("en", "de"), "de"),
        ("de-CH", ("en", "de"), "de"),
        ("de-CH-1996", ("en", "de", "de-CH"), "de-CH"),
        ("zh-Hant-x-wadegile-private1", ("en", "zh-Hant"), "zh-Hant"),
        ("zh-Hant-x-a", ("en", "zh-Hant-x"), "en"),
        ("de", ("en", "de-CH"), "en"),
        ("fr, de;q=0.5", ("de", "fr"), "fr"),
        ("fr;q=0.4, de;q=0.5", ("de", "fr"), "de"),
        ("fr;q=0, de;q=0.1", ("de", "fr"), "de"),
        ("fr;q=0", ("en", "fr"), "en"),
        ("fr;Q=0.1, de;Q=0.2", ("fr", "de"), "de"),
        ("*, de;q=0.1", ("en", "de"), "de"),
        ("*", ("fr", "en"), "en"),
        ("", ("fr", "en"), "en"),
        (None, ("fr", "de"), "fr"),
        ("ja", ("fr", "de"), "fr"),
        ("de;q=2, fr", ("de", "fr"), "fr"),
        ("de;q=x, fr;q=0.1", ("de", "fr"), "fr"),
        (" de ; q = 0.5 ,, fr", ("de", "fr"), "fr"),
        ("d\xe9, fr", ("de", "fr"), "fr"),
    ],
)
def test_the_language_is_the_one_that_is_wanted_most(
    header: str | None, available: tuple[str, ...], expected: str
) -> None:
    assert choose_language(header, available) == expected


def test_a_header_is_read_within_bounds() -> None:
    assert ranges_of("fr".ljust(MAX_CHARS)) == ("fr",)
    assert ranges_of("fr".ljust(MAX_CHARS + 1)) == ()
    assert ranges_of(",".join(["a"] * 90)) == ("a",) * MAX_RANGES
