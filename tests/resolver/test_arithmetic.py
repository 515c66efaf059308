"""Number theory: gmpy2 says what Python says, and what Euler's criterion says."""

from collections.abc import Callable

import base58
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver import arithmetic
from resolver.arithmetic import python_from_base58, python_inverse, python_is_square, python_to_base58

PRIMES = (2**255 - 19, 2**256 - 2**224 + 2**192 + 2**96 - 1, 2**521 - 1, 7, 3)
_PRIME = st.sampled_from(PRIMES)
_NUMBER = st.integers(-(2**600), 2**1_200) | st.integers(-9, 9)
_DIGITS = st.binary(max_size=300).map(lambda data: bytes(digit % 58 for digit in data))
_ALPHABET = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

needs_gmpy2 = pytest.mark.skipif(not arithmetic.HAS_GMPY2, reason="gmpy2, the extra `fast`, is not installed")


@given(_NUMBER, _PRIME)
def test_a_square_is_what_euler_says(a: int, p: int) -> None:
    assert python_is_square(a, p) == (pow(a, (p - 1) // 2, p) == 1)


@given(_NUMBER, _PRIME)
def test_the_square_of_a_number_is_a_square_and_zero_is_none(a: int, p: int) -> None:
    assert python_is_square(a * a, p) == (a % p != 0)


@given(_DIGITS)
def test_base_58_agrees_with_the_base58_package(digits: bytes) -> None:
    text = bytes(_ALPHABET[digit] for digit in digits)

    assert python_from_base58(digits) == int.from_bytes(base58.b58decode(text))


@given(st.integers(0, 2**1_200))
def test_the_digits_of_a_number_are_the_number(number: int) -> None:
    digits = python_to_base58(number)

    assert python_from_base58(digits) == number
    assert not digits.startswith(b"\0")


def _same(ours: Callable[..., object], pythons: Callable[..., object], *arguments: object) -> None:
    assert ours is not pythons
    assert ours(*arguments) == pythons(*arguments)


@needs_gmpy2
@given(_NUMBER, _PRIME, _DIGITS)
def test_gmpy2_says_what_python_says(a: int, p: int, digits: bytes) -> None:
    _same(arithmetic.is_square, python_is_square, a, p)
    _same(arithmetic.from_base58, python_from_base58, digits)
    _same(arithmetic.to_base58, python_to_base58, abs(a))
    if a % p:
        _same(arithmetic.inverse, python_inverse, a, p)


@needs_gmpy2
def test_what_gmpy2_returns_is_an_int() -> None:
    assert type(arithmetic.inverse(2, 7)) is int
    assert type(arithmetic.from_base58(b"\x01")) is int
    assert type(arithmetic.to_base58(58)) is bytes
    assert type(arithmetic.is_square(2, 7)) is bool


def test_an_inverse_times_its_number_is_one() -> None:
    for p in PRIMES:
        assert all(arithmetic.inverse(a, p) * a % p == 1 for a in (1, 2, p - 1, -1))
