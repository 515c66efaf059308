"""Which coding a client gets, and how its bytes differ from the plain ones."""

import pytest

from wire import Answer
from wire.coding import MAX_CHARS, coded, wants_gzip

ANSWER = Answer(body=b"plain", gzip=b"small", etag='"tag"', vary=("accept",))


@pytest.mark.parametrize(
    ("header", "is_wanted"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, gzip;q=0.8, *;q=0.1", True),
        (" gzip ; q = 0.5 ", True),
        ("*", True),
        ("identity;q=0.5, gzip;q=0.5", True),
        ("identity;q=0, *", True),
        ("", False),
        ("br", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=0.1, identity;q=0.2", False),
        ("gzip;q=2", False),
        ("gzip;q=x", False),
        ("gzip;level=9", False),
        ("gzip zip", False),
        ("gzip," * MAX_CHARS, False),
        (" " * 10_000_000, False),
    ],
)
def test_gzip_is_given_to_who_wants_it_at_least_as_much_as_nothing(header: str, is_wanted: bool) -> None:
    assert wants_gzip(header) is is_wanted


def test_coded_bytes_are_another_representation() -> None:
    plain, small = coded(ANSWER, "identity"), coded(ANSWER, "gzip")

    assert (plain.body, plain.etag, plain.headers) == (b"plain", '"tag"', ())
    assert (small.body, small.etag, small.headers) == (
        b"small",
        '"tag-gzip"',
        (("content-encoding", "gzip"),),
    )
    assert plain.vary == small.vary == ("accept", "accept-encoding")
    assert plain.gzip is small.gzip is None


def test_an_answer_that_has_no_other_coding_is_the_same_for_all() -> None:
    answer = Answer(body=b"plain", etag='"tag"')

    assert coded(answer, "gzip") == coded(answer, None) == answer
