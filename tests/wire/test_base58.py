"""base58btc: each value has one spelling, the package base58 agrees, and gmpy2 says what Python says."""

import base58
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wire.base58
from wire.base58 import (
    EncodingError,
    decode_base58btc,
    encode_base58btc,
    python_digits_of,
    python_number_of,
)
from wire.gmp import gmpy2

_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_LEADING_ZEROS = st.builds(lambda n, rest: bytes(n) + rest, st.integers(0, 5), st.binary(max_size=40))
_BYTES = st.binary(max_size=80) | _LEADING_ZEROS
_DIGITS = st.text(st.sampled_from(_ALPHABET), max_size=300).map(str.encode)

needs_gmpy2 = pytest.mark.skipif(gmpy2 is None, reason="gmpy2, the extra `fast`, is not installed")


@given(_BYTES)
def test_base58btc_agrees_with_the_base58_package(data: bytes) -> None:
    text = encode_base58btc(data)

    assert text == base58.b58encode(data).decode()
    assert decode_base58btc(text) == data


@given(st.text(st.sampled_from(_ALPHABET), max_size=80))
def test_every_base58btc_text_is_the_one_spelling_of_its_bytes(text: str) -> None:
    assert encode_base58btc(decode_base58btc(text)) == text


@pytest.mark.parametrize("text", ["0", "O", "I", "l", "2g\n", " 2g", "2 g", "é", "２", "2g\x00", "+", "-"])
def test_what_is_not_in_the_alphabet_is_refused(text: str) -> None:
    with pytest.raises(EncodingError):
        decode_base58btc(text)


@given(st.text(st.sampled_from(_ALPHABET), max_size=3_600))
def test_long_base58btc_agrees_with_the_base58_package(text: str) -> None:
    assert decode_base58btc(text, max_chars=3_600) == base58.b58decode(text)


def test_base58btc_is_capped_before_it_is_decoded() -> None:
    assert len(decode_base58btc("z" * 1_536)) > 1_000
    with pytest.raises(EncodingError):
        decode_base58btc("z" * 1_537)


@given(_DIGITS)
def test_without_gmpy2_it_agrees_with_the_base58_package(digits: bytes) -> None:
    assert python_number_of(digits) == int.from_bytes(base58.b58decode(digits))


@given(st.integers(0, 2**1_200))
def test_the_digits_of_a_number_are_the_number(number: int) -> None:
    digits = python_digits_of(number)

    assert python_number_of(digits) == number
    assert not digits.startswith(b"1")


@needs_gmpy2
@given(_DIGITS, st.integers(0, 2**1_200))
def test_gmpy2_says_what_python_says(digits: bytes, number: int) -> None:
    assert wire.base58._number_of is not python_number_of
    assert wire.base58._number_of(digits) == python_number_of(digits)
    assert wire.base58._digits_of(number) == python_digits_of(number)
