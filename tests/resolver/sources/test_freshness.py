"""How long an origin's document is kept: its wish, less its age, within the operator's bounds."""

import pytest

from resolver.sources.freshness import FreshnessBounds, cache_headers, entity_tag, lifetime

BOUNDS = FreshnessBounds()
DATE = "Mon, 23 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 300),
        ({"cache-control": "public"}, 300),
        ({"cache-control": "max-age=120"}, 120),
        ({"cache-control": "Public, Max-Age=120"}, 120),
        ({"cache-control": 'max-age="120"'}, 120),
        ({"cache-control": "max-age=120, s-maxage=200"}, 200),
        ({"cache-control": "max-age=120, max-age=500"}, 120),
        ({"cache-control": "max-age=120", "age": "50"}, 70),
        ({"cache-control": "max-age=120", "age": "nonsense"}, 120),
        ({"cache-control": "max-age=120", "age": "5000"}, 30),
        ({"cache-control": "max-age=0"}, 30),
        ({"cache-control": "max-age=-1"}, 30),
        ({"cache-control": "max-age=1e9"}, 30),
        ({"cache-control": "max-age=99999999999999999999"}, 30),
        ({"cache-control": "max-age=31536000"}, 600),
        ({"cache-control": "no-store, max-age=500"}, 30),
        ({"cache-control": "max-age=500, no-cache"}, 30),
        ({"cache-control": "private, max-age=500"}, 30),
        ({"expires": "Mon, 23 Nov 2026 12:01:30 GMT", "date": DATE}, 90),
        ({"expires": "0", "date": DATE}, 30),
        ({"expires": "Mon, 23 Nov 2026 12:01:30 GMT"}, 30),
        ({"expires": "Mon, 23 Nov 2026 12:01:30 GMT", "date": DATE, "cache-control": "max-age=200"}, 200),
        ({"expires": "Mon, 23 Nov 2026 12:01:30 GMT", "date": DATE, "cache-control": "public"}, 90),
    ],
)
def test_the_lifetime_follows_the_origin_within_the_bounds(headers: dict[str, str], seconds: float) -> None:
    assert lifetime(headers, BOUNDS) == seconds


@pytest.mark.parametrize("tag", ['"v1"', 'W/"v1"', '""'])
def test_an_entity_tag_of_the_grammar_is_sent_back(tag: str) -> None:
    assert entity_tag({"etag": tag}) == tag


@pytest.mark.parametrize(
    "tag", ["v1", '"a"b"', '"a b"', 'w/"v1"', '"\xe9"', '"' + "a" * 300 + '"', '"a"\r\nx: y', ""]
)
def test_any_other_entity_tag_is_not(tag: str) -> None:
    assert entity_tag({"etag": tag}) is None


def test_the_headers_of_a_304_go_over_the_stored_ones_and_a_stored_age_is_dropped() -> None:
    stored = {"cache-control": "max-age=60", "etag": '"v1"', "age": "55"}

    merged = cache_headers({"cache-control": "max-age=90", "content-type": "x"}, stored)

    assert merged == {"cache-control": "max-age=90", "etag": '"v1"'}
