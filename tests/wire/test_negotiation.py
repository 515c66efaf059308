"""Which representation an Accept header gets (RFC 9110, section 12.5.1)."""

import time

import pytest

from wire import MediaType, asks_for_no_cache, choose, parse_accept
from wire.negotiation import MAX_ACCEPT_CHARS

PROFILE = "https://w3id.org/did-resolution"
LD = MediaType("application/ld+json", (("profile", PROFILE),))
JSON = MediaType("application/json")
HTML = MediaType("text/html")
OFFERS = (LD, JSON, HTML)

FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CHROME = (
    FIREFOX.replace("*/*", "image/avif,image/webp,image/apng,*/*") + ",application/signed-exchange;v=b3;q=0.7"
)


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        (None, LD),
        ("", LD),
        ("*/*", LD),
        ("application/*", LD),
        ("text/*", HTML),
        ("application/json", JSON),
        ("APPLICATION/JSON", JSON),
        ("application/json, application/ld+json", LD),
        (FIREFOX, HTML),
        (CHROME, HTML),
        ("image/png", None),
        ("application/jsonx", None),
        ("application/js", None),
    ],
)
def test_the_offer_that_is_wanted_is_chosen(header: str | None, chosen: MediaType | None) -> None:
    assert choose(header, OFFERS) == chosen


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("application/json;q=0.9, text/html;q=0.91", HTML),
        ("application/json;q=0.5, text/html;q=0.5", JSON),
        ("application/json ; Q=0.1 , text/html ; q=0.2", HTML),
        ("*/*;q=0.1, text/html", HTML),
        ("application/json;q=0", None),
        ("application/json;q=0, */*;q=0.1", LD),
        ("*/*;q=0", None),
        ("*/*, application/*;q=0", HTML),
        ("*/*;q=1, application/ld+json;q=0.2, application/json;q=0.3, text/*;q=0.1", JSON),
        ("text/html;q=0.000, application/json;q=0.001", JSON),
        ("text/html;q=5, application/json;q=1", JSON),
        ("text/html;q=high, application/json;q=0.9", HTML),
    ],
)
def test_quality_and_specificity_decide(header: str, chosen: MediaType | None) -> None:
    assert choose(header, OFFERS) == chosen


@pytest.mark.parametrize(
    "header",
    [
        f'application/ld+json;profile="{PROFILE}"',
        f"application/ld+json;profile={PROFILE}",
        f'application/ld+json ; PROFILE = "{PROFILE}" ; q=0.4',
        f'application/ld+json;charset=utf-8;profile="{PROFILE}"',
        'application/ld+json;profile="https://w3id.org/\\did-resolution"',
        "application/ld+json",
        "application/ld+json; charset=utf-8",
    ],
)
def test_a_profile_matches_quoted_or_not_or_unnamed(header: str) -> None:
    assert choose(header, OFFERS) == LD


def test_another_profile_is_another_type() -> None:
    assert choose('application/ld+json;profile="https://example.com/"', OFFERS) is None
    assert choose("application/json;profile=x", OFFERS) is None


def test_a_range_with_parameters_is_the_most_specific() -> None:
    header = (
        f'application/ld+json;q=0.1, application/ld+json;profile="{PROFILE}";q=0.9, application/json;q=0.5'
    )

    assert choose(header, OFFERS) == LD


@pytest.mark.parametrize("junk", ["junk", ";;;,,,", "/", "a/", "é/ü", "text/html", '"', "\x00", 'a/b;c="d'])
def test_junk_is_passed_over_and_the_rest_counts(junk: str) -> None:
    assert JSON in {choose(f"{junk},application/json", OFFERS), choose(f"application/json,{junk}", OFFERS)}


@pytest.mark.parametrize("header", ["junk", ",", ";q=1", "é", "x" * MAX_ACCEPT_CHARS])
def test_a_header_in_which_nothing_parses_counts_as_none(header: str) -> None:
    assert choose(header, OFFERS) == LD


def test_a_header_over_the_limit_is_not_parsed() -> None:
    header = "text/html," * (MAX_ACCEPT_CHARS // 10 + 1)

    assert parse_accept(header) == []
    assert choose(header, OFFERS) is None
    assert len(parse_accept(header[:MAX_ACCEPT_CHARS])) > 200


def test_a_comma_in_quotes_does_not_end_a_range() -> None:
    assert parse_accept('a/b;x="1, text/html;q=1";q=0.5') == [
        (MediaType("a/b", (("x", "1, text/html;q=1"),)), 0.5)
    ]


@pytest.mark.parametrize(
    "unit", ["a", "a/b;", "a/b ; ", 'a/b;c="', 'a/b;c="\\', "; ", " ", "a/b;c= ", "a/b;c=d\t", "*/*,"]
)
def test_hostile_headers_are_read_quickly(unit: str) -> None:
    header = (unit * MAX_ACCEPT_CHARS)[:MAX_ACCEPT_CHARS]
    began = time.perf_counter()
    choose(header, OFFERS)
    choose("a/b" + header[3:], OFFERS)

    assert time.perf_counter() - began < 0.25, "exponential or cubic in the header's length"


def test_a_media_type_is_written_with_quoted_parameters() -> None:
    assert str(LD) == f'application/ld+json;profile="{PROFILE}"'


@pytest.mark.parametrize(
    ("header", "asks"),
    [
        ("no-cache", True),
        ("max-age=0, No-Cache", True),
        ("no-cache=x", False),
        ("no-store", False),
        ("", False),
    ],
)
def test_no_cache_is_a_directive_of_its_own(header: str, asks: bool) -> None:
    assert asks_for_no_cache(header) is asks
