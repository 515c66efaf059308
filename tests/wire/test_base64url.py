"""Base64url: what is read comes out again as it was, and every other spelling is refused."""

import base64
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wire.base64url import SecondSpelling, decode_base64url, encode_base64url

_ALPHABET = re.compile(rb"[A-Za-z0-9_-]*")


def by_the_book(text: bytes) -> bytes | None:
    """RFC 4648, section 5, without padding: the bytes that have this very text; None where there are none."""
    if _ALPHABET.fullmatch(text) is None or len(text) % 4 == 1:
        return None
    data = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    return data if base64.urlsafe_b64encode(data).rstrip(b"=") == text else None


@given(st.text("AZaz09-_+/= \n!", max_size=12).map(str.encode) | st.binary(max_size=12))
@example(b"A")
@example(b"AR")
@example(b"AQ==")
@example(b"AAAA====")
@example(b"AA+/")
@example(b"")
def test_a_text_is_read_by_the_book_or_refused(text: bytes) -> None:
    expected = by_the_book(text)

    if expected is None:
        with pytest.raises(ValueError):
            decode_base64url(text)
    else:
        assert decode_base64url(text) == decode_base64url(text.decode()) == expected


@given(st.binary(max_size=200))
def test_what_is_written_is_read(data: bytes) -> None:
    text = encode_base64url(data)

    assert by_the_book(text.encode()) == data
    assert decode_base64url(text) == data


@pytest.mark.parametrize("text", ["AR", "AAB", "____-1"])
def test_a_second_spelling_is_told_from_what_is_none(text: str) -> None:
    with pytest.raises(SecondSpelling):
        decode_base64url(text)


@pytest.mark.parametrize("text", ["A", "AA=", "AA==", "A A", "AA\n", "+A", "/A", "é", "\u0410A"])
def test_what_is_no_base64url_is_not_taken_for_a_second_spelling(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        decode_base64url(text)

    assert not isinstance(caught.value, SecondSpelling)
