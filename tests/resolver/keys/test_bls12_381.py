"""BLS12-381: the generators are taken; membership is held against multiplication by the order."""

from collections.abc import Callable

import pytest

from resolver.keys.bls12_381 import _BETA, _PSI_X, _PSI_Y, Fp2, P, Z, check_g1, check_g1g2, check_g2
from resolver.keys.curve25519 import NotAPoint

ORDER = Z**4 - Z**2 + 1  # of G1 and G2
# The generators of G1 and G2, compressed (draft-irtf-cfrg-pairing-friendly-curves-11, section 4.2.1).
G1 = bytes.fromhex(
    "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
)
G2 = bytes.fromhex(
    "93e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
)

# Numbers of Fp2 as pairs (those of Fp have 0 as the second), and affine points over them; None is infinity.
Number = tuple[int, int]
Point = tuple[Number, Number] | None


def _times(a: Number, b: Number) -> Number:
    return (a[0] * b[0] - a[1] * b[1]) % P, (a[0] * b[1] + a[1] * b[0]) % P


def _minus(a: Number, b: Number) -> Number:
    return (a[0] - b[0]) % P, (a[1] - b[1]) % P


def _over(a: Number, b: Number) -> Number:
    norm = pow(b[0] * b[0] + b[1] * b[1], -1, P)
    return _times(a, (b[0] * norm, -b[1] * norm))


def _power(base: Number, exponent: int) -> Number:
    result = (1, 0)
    for bit in bin(exponent)[2:]:
        result = _times(result, result)
        result = _times(result, base) if bit == "1" else result
    return result


def _plus(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return other if one is None else one
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and y1 == _minus((0, 0), y2):
        return None
    square = _times(x1, x1)
    slope = (
        _over((3 * square[0], 3 * square[1]), (2 * y1[0], 2 * y1[1]))
        if x1 == x2
        else _over(_minus(y2, y1), _minus(x2, x1))
    )
    x3 = _minus(_minus(_times(slope, slope), x1), x2)
    return x3, _minus(_times(slope, _minus(x1, x3)), y1)


def _multiple(n: int, point: Point) -> Point:
    total: Point = None
    while n:
        total = _plus(total, point) if n & 1 else total
        point, n = _plus(point, point), n >> 1
    return total


def _root(a: Number) -> Number | None:
    """Return a square root by Adj and Rodriguez-Henriquez (p is 3 modulo 4), or None."""
    first = _power(a, (P - 3) // 4)
    alpha, x0 = _times(first, _times(first, a)), _times(first, a)
    factor = (0, 1) if alpha == (P - 1, 0) else _power((alpha[0] + 1, alpha[1]), (P - 1) // 2)
    root = _times(factor, x0)
    return root if _times(root, root) == (a[0] % P, a[1] % P) else None


def _point(x: Number, constant: Number) -> Point:
    cube = _times(_times(x, x), x)
    y = _root((cube[0] + constant[0], cube[1] + constant[1]))
    return None if y is None else (x, y)


def _g1(x: Number) -> bytes:
    data = x[0].to_bytes(48)
    return bytes([data[0] | 0x80]) + data[1:]


def _g2(x: Number) -> bytes:
    data = x[1].to_bytes(48) + x[0].to_bytes(48)
    return bytes([data[0] | 0x80]) + data[1:]


def _is_taken(check: Callable[[bytes], None], key: bytes) -> bool:
    try:
        check(key)
    except NotAPoint:
        return False
    return True


CURVES = [
    pytest.param(check_g1, _g1, (4, 0), (0, 0), id="G1"),
    pytest.param(check_g2, _g2, (4, 4), (0, 1), id="G2"),
]


@pytest.mark.parametrize(("check", "encoded", "constant", "step"), CURVES)
def test_a_point_is_taken_exactly_when_the_order_times_it_is_infinity(
    check: Callable[[bytes], None], encoded: Callable[[Number], bytes], constant: Number, step: Number
) -> None:
    """Points of the curve, and of their multiples those inside: the order times them is what is outside of it."""
    inside = outside = 0
    for n in range(12):
        point = _point((n, n * step[1]), constant)
        cleared = point and _multiple(_cofactor(check), point)
        for candidate in (point, cleared, point and _multiple(ORDER, point)):
            if candidate is None:
                continue
            expected = _multiple(ORDER, candidate) is None
            inside, outside = inside + expected, outside + (not expected)

            assert _is_taken(check, encoded(candidate[0])) == expected
    assert inside >= 3 and outside >= 6


def _cofactor(check: Callable[[bytes], None]) -> int:
    """(z - 1)^2 / 3 for G1; for G2 (z^8 - 4 z^7 + 5 z^6 - 4 z^4 + 6 z^3 - 4 z^2 - 4 z + 13) / 9, z negative."""
    z = -Z
    if check is check_g1:
        return (z - 1) ** 2 // 3
    return (z**8 - 4 * z**7 + 5 * z**6 - 4 * z**4 + 6 * z**3 - 4 * z**2 - 4 * z + 13) // 9


def test_a_point_of_order_three_is_refused() -> None:
    """(0, 2): a signature for it is the point at infinity, one time in three."""
    point: Point = ((0, 0), (2, 0))
    assert _multiple(3, point) is None

    with pytest.raises(NotAPoint, match="subgroup"):
        check_g1(_g1((0, 0)))


def test_the_constants_are_what_they_are_called() -> None:
    assert pow(_BETA, 3, P) == 1 != _BETA
    one_plus_i = (1, 1)
    for psi, root in ((_PSI_X, 3), (_PSI_Y, 2)):
        assert _times((psi.re, psi.im), _power(one_plus_i, (P - 1) // root)) == (1, 0)


def test_the_generators_are_taken() -> None:
    check_g1(G1)
    check_g2(G2)
    check_g1g2(G1 + G2)


@pytest.mark.parametrize(("check", "key"), [(check_g1, G1), (check_g2, G2)])
def test_the_flags_are_checked(check: Callable[[bytes], None], key: bytes) -> None:
    with pytest.raises(NotAPoint, match="compressed"):
        check(bytes([key[0] & 0x7F]) + key[1:])
    with pytest.raises(NotAPoint, match="infinity"):
        check(b"\xc0" + bytes(len(key) - 1))
    with pytest.raises(NotAPoint, match="canonical"):
        check(b"\x9f" + b"\xff" * (len(key) - 1))
    check(bytes([key[0] ^ 0x20]) + key[1:])  # The other root is the negative point.


def test_a_second_coordinate_beyond_the_field_is_refused() -> None:
    with pytest.raises(NotAPoint, match="canonical"):
        check_g2(G2[:48] + P.to_bytes(48))


def test_numbers_of_the_extension_multiply_as_complex_ones() -> None:
    a, b = Fp2(3, P - 5), Fp2(7, 11)

    assert ((a * b).re, (a * b).im) == _times((3, P - 5), (7, 11))
    assert ((a - b).re, (a + b).im) == (P - 4, 6)
