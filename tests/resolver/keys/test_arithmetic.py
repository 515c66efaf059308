"""Number theory: gmpy2 says what Python says, and what Euler's criterion says."""

import subprocess
import sys
from collections.abc import Callable

import base58
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver import Options, ResolutionError, Resolver
from resolver.keys import arithmetic
from resolver.keys.arithmetic import python_from_base58, python_inverse, python_is_square, python_to_base58
from tests.vectors import vectors
from wire import encode

EXPERIMENTAL_TYPES = Options(enable_experimental_public_key_types=True)
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


@needs_gmpy2
def test_without_gmpy2_every_vector_has_the_same_document() -> None:
    code = """
import sys
sys.modules["gmpy2"] = None
from tests.resolver.keys.test_arithmetic import documents
from resolver.keys.arithmetic import HAS_GMPY2
assert not HAS_GMPY2
print(documents())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == documents() + "\n"


def documents() -> str:
    """Return what becomes of each did:key and did:jwk of the vectors, as one JSON text."""
    resolver, found = Resolver(), {}
    for name in ("did-key-positive", "did-key-negative", "did-jwk-cases"):
        for vector in vectors(name):
            try:
                resolved = resolver.resolve_local(vector["did"], EXPERIMENTAL_TYPES)
            except ResolutionError as error:
                found[vector["did"]] = repr((type(error), error.detail, error.did_key_error))
            else:
                assert resolved is not None
                found[vector["did"]] = encode(resolved.document).decode()
    assert len(found) > 60
    return encode(found).decode()
