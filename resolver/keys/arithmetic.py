"""
Number theory on public values: squares modulo a prime, inverses, base 58. Pure.

gmpy2 (GNU MP) does each of these five to thirty times as fast as Python's own integers, and is used where it is
installed (the extra `fast`, decision 0015). Without it the results are the same; the tests hold one against the
other. Nothing here is secret, so nothing needs constant time.
"""

import importlib
from typing import Any

try:
    _gmpy2: Any = importlib.import_module("gmpy2")
except ImportError:
    _gmpy2 = None

HAS_GMPY2 = _gmpy2 is not None

_TWOS = [0] + [(i & -i).bit_length() - 1 for i in range(1, 64)]  # how often 2 divides i; 0: look further

_BLOCK = 64  # digits; below, digit by digit is as fast as splitting
# GMP's digits of base 58 (its manual, mpz_set_str).
_DIGITS_OF_GMP = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuv"
_TO_GMP = bytes.maketrans(bytes(range(58)), _DIGITS_OF_GMP)
_FROM_GMP = bytes.maketrans(_DIGITS_OF_GMP, bytes(range(58)))
_PAIRS = [bytes(divmod(pair, 58)) for pair in range(58 * 58)]  # two digits at a time


def python_is_square(a: int, p: int) -> bool:
    """Tell whether `a` is a square other than zero modulo the odd prime `p`."""
    return _jacobi(a % p, p) == 1


def python_inverse(a: int, p: int) -> int:
    """Return the inverse of `a`, which is no multiple of it, modulo the prime `p`."""
    return int(pow(a, -1, p))


def python_from_base58(digits: bytes) -> int:
    """Return the number of base-58 `digits` (values 0 to 57), the most significant one first."""
    if len(digits) <= _BLOCK:
        number = 0
        for digit in digits:
            number = number * 58 + digit
        return number
    # Halves make it subquadratic: 3,544 digits (ML-DSA-87) take 0.3 ms in place of 2.7.
    half = len(digits) // 2
    shift = int(58**half)
    return python_from_base58(digits[:-half]) * shift + python_from_base58(digits[-half:])


def python_to_base58(number: int) -> bytes:
    """Return the base-58 digits of a number that is not negative, none of them leading zeros; b"" for 0."""
    pairs: list[bytes] = []
    while number:
        number, pair = divmod(number, 58 * 58)
        pairs.append(_PAIRS[pair])
    pairs.reverse()
    return b"".join(pairs).lstrip(b"\0")


def _jacobi(a: int, n: int) -> int:
    """
    Return the Jacobi symbol (a/n) of 0 <= a and an odd n > 0: 1 for a square modulo a prime n, -1 for none.

    Euler's criterion takes four times as long; the table saves a fifth.
    """
    symbol = 1
    while a:
        if not a & 1:
            twos = _TWOS[a & 63] or (a & -a).bit_length() - 1
            a >>= twos
            if twos & 1 and n & 7 in (3, 5):  # (2/n) = -1
                symbol = -symbol
        if a & n & 2:  # quadratic reciprocity: both are 3 modulo 4
            symbol = -symbol
        a, n = n % a, a
    return symbol if n == 1 else 0


def _gmpy2_is_square(a: int, p: int) -> bool:
    return bool(_gmpy2.jacobi(a, p) == 1)


def _gmpy2_inverse(a: int, p: int) -> int:
    return int(_gmpy2.invert(a, p))


def _gmpy2_from_base58(digits: bytes) -> int:
    return int(_gmpy2.mpz(digits.translate(_TO_GMP), 58)) if digits else 0


def _gmpy2_to_base58(number: int) -> bytes:
    return bytes(_gmpy2.digits(number, 58).encode().translate(_FROM_GMP)) if number else b""


is_square = _gmpy2_is_square if HAS_GMPY2 else python_is_square
inverse = _gmpy2_inverse if HAS_GMPY2 else python_inverse
from_base58 = _gmpy2_from_base58 if HAS_GMPY2 else python_from_base58
to_base58 = _gmpy2_to_base58 if HAS_GMPY2 else python_to_base58
