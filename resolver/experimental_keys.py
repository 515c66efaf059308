"""
Which keys of experimental types are sound: Ed448, X448, BLS12-381, ML-KEM. Pure.

RFC 8032 and RFC 7748 (curve448), the compressed form of BLS12-381 points (draft-irtf-cfrg-pairing-friendly-curves,
appendix C), FIPS 203, section 7.2. That a BLS12-381 point lies in the subgroup of prime order is not checked.
"""

from resolver.arithmetic import is_square
from resolver.curve25519 import NotAPoint

_P448 = 2**448 - 2**224 - 1
_D448 = -39_081  # of x^2 + y^2 = 1 + d x^2 y^2 (RFC 8032, section 5.2)
_SMALL_ORDER_448 = frozenset(
    {0, 1, _P448 - 1}
)  # y of order 1, 2 and 4 on edwards448; u on curve448 and its twist

_P381 = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
_COMPRESSED, _INFINITY, _SIGN = 0x80, 0x40, 0x20  # flags in the first byte
_G1_BYTES = 48

_Q = 3_329  # of ML-KEM; FIPS 203, section 2.4.1
_SEED_BYTES = 32


def check_ed448(key: bytes) -> None:
    """
    Check the 57 bytes of an Ed448 public key; raises NotAPoint as `check_ed25519`.
    """
    y = int.from_bytes(key[:56], "little")
    if key[56] & 0x7F or y >= _P448:
        raise NotAPoint("not the canonical encoding of a point")
    if y in _SMALL_ORDER_448:
        raise NotAPoint("a point of small order")
    y2 = y * y  # x^2 = (y^2 - 1) / (d y^2 - 1), as for Ed25519
    if not is_square((y2 - 1) * (_D448 * y2 - 1), _P448):
        raise NotAPoint("not a point of the curve")


def check_x448(key: bytes) -> None:
    """
    Check the 56 bytes of an X448 public key; raises NotAPoint as `check_x25519`.
    """
    u = int.from_bytes(key, "little")
    if u >= _P448:
        raise NotAPoint("not the canonical encoding of a u-coordinate (u >= p)")
    if u in _SMALL_ORDER_448:
        raise NotAPoint("a point of small order")


def check_bls12_381_g1(key: bytes) -> None:
    """
    Check the 48 bytes of a compressed point of G1's curve, y^2 = x^3 + 4.

    Raises:
        NotAPoint: not compressed, the point at infinity, x >= p, or not on the curve.
    """
    x = _coordinate(_without_flags(key))
    if not is_square(x * x * x + 4, _P381):
        raise NotAPoint("not a point of the curve")


def check_bls12_381_g2(key: bytes) -> None:
    """
    Check the 96 bytes of a compressed point of G2's curve, y^2 = x^3 + 4 (1 + i); raises NotAPoint as for G1.

    x = c0 + c1 i, c1 written first. A number of the extension is a square exactly when its norm is one below.
    """
    plain = _without_flags(key)
    c1, c0 = _coordinate(plain[:_G1_BYTES]), _coordinate(plain[_G1_BYTES:])
    real = c0 * (c0 * c0 - 3 * c1 * c1) + 4
    imaginary = c1 * (3 * c0 * c0 - c1 * c1) + 4
    if not is_square(real * real + imaginary * imaginary, _P381):
        raise NotAPoint("not a point of the curve")


def check_bls12_381_g1g2(key: bytes) -> None:
    """
    Check a point of G1 and a point of G2, one after the other; raises NotAPoint as for each of them.
    """
    check_bls12_381_g1(key[:_G1_BYTES])
    check_bls12_381_g2(key[_G1_BYTES:])


def check_ml_kem(key: bytes) -> None:
    """
    Check that each coefficient, of 12 bits, is reduced modulo q ("modulus check").

    Raises:
        NotAPoint: one is not.
    """
    packed = key[:-_SEED_BYTES]
    for first, middle, last in zip(packed[::3], packed[1::3], packed[2::3], strict=True):
        if first | (middle & 15) << 8 >= _Q or middle >> 4 | last << 4 >= _Q:
            raise NotAPoint("a coefficient of the key is not reduced")


def _without_flags(key: bytes) -> bytes:
    if not key[0] & _COMPRESSED:
        raise NotAPoint("expected a compressed point")
    if key[0] & _INFINITY:
        raise NotAPoint("the point at infinity")
    return bytes([key[0] & ~(_COMPRESSED | _SIGN) & 0xFF]) + key[1:]


def _coordinate(data: bytes) -> int:
    x = int.from_bytes(data)
    if x >= _P381:
        raise NotAPoint("not the canonical encoding of a point (x >= p)")
    return x
