"""Curve25519: the refused points, computed here anew; the on-curve check against Euler's criterion."""

from hashlib import sha512

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import assume, given
from hypothesis import strategies as st

from resolver.keys.curve25519 import NotAPoint, check_ed25519, check_x25519, x25519_of_ed25519

P = 2**255 - 19
D = -121_665 * pow(121_666, -1, P) % P
L = 2**252 + 27_742_317_777_372_353_535_851_937_790_883_648_493

Point = tuple[int, int]


def _root(square: int) -> int | None:
    """Return a square root modulo p (RFC 8032, section 5.1.3), or None."""
    root = pow(square, (P + 3) // 8, P)
    if root * root % P != square % P:
        root = root * pow(2, (P - 1) // 4, P) % P
    return root if root * root % P == square % P else None


def _x_of(y: int) -> int | None:
    return _root((y * y - 1) * pow(D * y * y + 1, -1, P))


def _add(a: Point, b: Point) -> Point:
    k = D * a[0] * b[0] * a[1] * b[1]
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + k, -1, P)
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, -1, P)
    return x % P, y % P


def _times(n: int, point: Point) -> Point:
    total = (0, 1)
    while n:
        if n & 1:
            total = _add(total, point)
        point, n = _add(point, point), n >> 1
    return total


def _small_order_points() -> set[Point]:
    """Every point times the order of the large subgroup has small order; twenty points give all eight."""
    points = set()
    for y in range(2, 60):
        if (x := _x_of(y)) is not None:
            points |= {_times(L, (x, y)), _times(L, (P - x, y))}
    return points


SMALL_ORDER = sorted(_small_order_points())
SMALL_ORDER_YS = frozenset(y for _, y in SMALL_ORDER)


def _encoded(y: int, sign: int = 0) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


def test_there_are_eight_points_of_small_order() -> None:
    assert len(SMALL_ORDER) == 8
    assert all(_times(8, point) == (0, 1) for point in SMALL_ORDER)


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", sorted({y for _, y in SMALL_ORDER}))
def test_an_ed25519_key_of_small_order_is_refused(y: int, sign: int) -> None:
    with pytest.raises(NotAPoint, match="small order"):
        check_ed25519(_encoded(y, sign))


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", range(P, 2**255))
def test_an_ed25519_key_that_is_not_canonical_is_refused(y: int, sign: int) -> None:
    with pytest.raises(NotAPoint, match="canonical"):
        check_ed25519(_encoded(y, sign))


@given(st.integers(2, P - 2), st.integers(0, 1))
def test_an_ed25519_key_is_taken_exactly_when_it_is_on_the_curve(y: int, sign: int) -> None:
    assume(y not in SMALL_ORDER_YS)  # On the curve and refused: a test of their own, above.
    if _x_of(y) is not None:
        check_ed25519(_encoded(y, sign))
    else:
        with pytest.raises(NotAPoint):
            check_ed25519(_encoded(y, sign))


@given(st.binary(min_size=32, max_size=32))
def test_keys_that_were_generated_are_taken(seed: bytes) -> None:
    check_ed25519(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())
    check_x25519(X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def _gives_a_zero_secret(u: int) -> bool:
    private = X25519PrivateKey.from_private_bytes(b"\x42" * 32)
    try:
        private.exchange(X25519PublicKey.from_public_bytes(u.to_bytes(32, "little")))
    except ValueError:  # what OpenSSL makes of an all-zero secret (RFC 7748, section 6.1)
        return True
    return False


def _small_order_us() -> set[int]:
    """0 and 1/0 on the curve; u = -1 on its twist; the images of the points of order 4 and 8."""
    mapped = {(1 + y) * pow(1 - y, -1, P) % P for _, y in SMALL_ORDER if y != 1}
    return mapped | {0, P - 1}


@pytest.mark.parametrize("u", sorted(_small_order_us()))
def test_an_x25519_key_that_gives_a_zero_secret_is_refused(u: int) -> None:
    assert _gives_a_zero_secret(u)
    with pytest.raises(NotAPoint, match="small order"):
        check_x25519(u.to_bytes(32, "little"))


def test_a_neighbour_of_a_refused_x25519_key_is_taken() -> None:
    for u in (2, 9, P - 2):
        assert not _gives_a_zero_secret(u)
        check_x25519(u.to_bytes(32, "little"))


@pytest.mark.parametrize("u", [P, P + 1, P + 9, 2**255 - 1, 2**255 + 9, 2**256 - 1])
def test_an_x25519_key_that_is_not_canonical_is_refused(u: int) -> None:
    with pytest.raises(NotAPoint, match="canonical"):
        check_x25519(u.to_bytes(32, "little"))


@given(st.binary(min_size=32, max_size=32))
def test_the_derived_key_is_that_of_the_derived_private_key(seed: bytes) -> None:
    """RFC 8032, section 5.1.5, and RFC 7748 clamp the same scalar: its two public keys must map."""
    ed25519 = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    x25519 = X25519PrivateKey.from_private_bytes(sha512(seed).digest()[:32]).public_key().public_bytes_raw()

    assert x25519_of_ed25519(ed25519) == x25519
