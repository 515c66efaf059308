"""Number theory: gmpy2 says what Python says, and what Euler's criterion says."""

import subprocess
import sys
from collections.abc import Callable
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver import Options, ResolutionError, Resolver
from resolver.keys import arithmetic
from resolver.keys.arithmetic import python_is_square, python_quotient
from tests.vectors import vectors
from wire import encode

EXPERIMENTAL_TYPES = Options(enable_experimental_public_key_types=True)
PRIMES = (2**255 - 19, 2**256 - 2**224 + 2**192 + 2**96 - 1, 2**521 - 1, 7, 3)
_PRIME = st.sampled_from(PRIMES)
_NUMBER = st.integers(-(2**600), 2**1_200) | st.integers(-9, 9)

needs_gmpy2 = pytest.mark.skipif(not arithmetic.HAS_GMPY2, reason="gmpy2, the extra `fast`, is not installed")


@given(_NUMBER, _PRIME)
def test_a_square_is_what_euler_says(a: int, p: int) -> None:
    assert python_is_square(a, p) == (pow(a, (p - 1) // 2, p) == 1)


@given(_NUMBER, _PRIME)
def test_the_square_of_a_number_is_a_square_and_zero_is_none(a: int, p: int) -> None:
    assert python_is_square(a * a, p) == (a % p != 0)


def _same(ours: Callable[..., object], pythons: Callable[..., object], *arguments: object) -> None:
    assert ours is not pythons
    assert ours(*arguments) == pythons(*arguments)


@needs_gmpy2
@given(_NUMBER, _NUMBER, _PRIME)
def test_gmpy2_says_what_python_says(a: int, b: int, p: int) -> None:
    _same(arithmetic.is_square, python_is_square, a, p)
    if b % p:
        _same(arithmetic.quotient, python_quotient, a, b, p)


@needs_gmpy2
@given(_NUMBER, st.binary(max_size=99), st.sampled_from(("little", "big")))
def test_an_integer_of_gmpy2_is_one_of_python(a: int, data: bytes, order: Literal["little", "big"]) -> None:
    one, number = arithmetic.Integer(a), int.from_bytes(data, order)
    other = arithmetic.Integer.from_bytes(data, order)

    assert arithmetic.Integer is not int
    assert (one * other + 1, hash(one), one < other) == (a * number + 1, hash(a), a < number)
    assert other.to_bytes(99, order) == number.to_bytes(99, order)


@needs_gmpy2
def test_whether_it_is_a_square_is_a_bool() -> None:
    assert type(arithmetic.is_square(2, 7)) is bool


def test_a_quotient_times_its_divisor_is_the_dividend() -> None:
    for p in PRIMES:
        assert all(
            arithmetic.quotient(a, b, p) * b % p == a % p for a in (0, 5, -1) for b in (1, 2, p - 1, -1)
        )


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
