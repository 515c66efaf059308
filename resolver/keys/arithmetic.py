"""
Number theory on public values: squares and quotients modulo a prime. Pure.

By GNU MP where it is installed (`wire/gmp.py`): its integers stand for Python's in every expression. Nothing here
is secret, so nothing needs constant time.
"""

from wire.gmp import gmpy2

HAS_GMPY2 = gmpy2 is not None

Integer: type[int] = gmpy2.mpz if HAS_GMPY2 else int

_TWOS = [0] + [(i & -i).bit_length() - 1 for i in range(1, 64)]  # how often 2 divides i; 0: look further


def python_is_square(a: int, p: int) -> bool:
    """Tell whether `a` is a square other than zero modulo the odd prime `p`."""
    return _jacobi(a % p, p) == 1


def python_quotient(a: int, b: int, p: int) -> int:
    """Return `a` divided by `b`, which is no multiple of it, modulo the prime `p`."""
    return a * pow(b, -1, p) % p


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
    return gmpy2.jacobi(a, p) == 1  # type: ignore[no-any-return]


def _gmpy2_quotient(a: int, b: int, p: int) -> int:
    return gmpy2.divm(a, b, p)  # type: ignore[no-any-return]


is_square = _gmpy2_is_square if HAS_GMPY2 else python_is_square
quotient = _gmpy2_quotient if HAS_GMPY2 else python_quotient
