"""Entity tags (RFC 9110, sections 8.8.3 and 13.1.2)."""

import re

import pytest

from wire import Answer, etag_of, matches_etag


def test_an_entity_tag_is_strong_quoted_and_follows_the_bytes() -> None:
    assert re.fullmatch(r'"[0-9a-f]{32}"', etag_of(b"a", "a/b"))
    assert etag_of(b"a", "a/b") == etag_of(b"a", "a/b")
    assert len({etag_of(body, "a/b") for body in (b"", b"a", b"b", b"a\n")}) == 4
    assert etag_of(b"a", "a/b") != etag_of(b"a", "a/c")


@pytest.mark.parametrize(
    ("if_none_match", "matches"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ('"b",W/"a" ,"c"', True),
        ("*", True),
        (" * ", True),
        ("", False),
        ("a", False),
        ('"b"', False),
        ('"A"', False),
        ('w/"a"', False),
        ('"aa"', False),
        ('"b", *', False),
    ],
)
def test_if_none_match_is_compared_weakly(if_none_match: str, matches: bool) -> None:
    assert matches_etag(if_none_match, '"a"') is matches


def test_an_answer_is_not_cached_unless_it_says_so() -> None:
    answer = Answer(body=b"{}")

    assert (answer.status, answer.fresh_until, answer.etag, answer.immutable) == (200, None, None, False)
