"""
Which compressed points are on a short Weierstrass curve: P-256, P-384, P-521, secp256k1, SM2, BIP 340. Pure.

SEC 1 v2, section 2.3.4; parameters from SEC 2 v2, GB/T 32918.5 and BIP 340. All of these curves have a prime
number of points, so that every point but the one at infinity, which has no compressed form, is a sound key.
`cryptography` computes y to find this out, at ten times the cost; it does where y is needed, for a JWK.
"""

import msgspec

from resolver.keys.arithmetic import Integer, is_square
from resolver.keys.curve25519 import NotAPoint


class Curve(msgspec.Struct, frozen=True):
    """The curve y^2 = x^3 + a x + b over the integers modulo the prime `p`."""

    p: int
    a: int
    b: int


def _curve(p: int, a: int, b: int) -> Curve:
    return Curve(Integer(p), Integer(a), Integer(b))


CURVES = {
    "P-256": _curve(
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        -3,
        0x5AC635D8_AA3A93E7_B3EBBD55_769886BC_651D06B0_CC53B0F6_3BCE3C3E_27D2604B,
    ),
    "P-384": _curve(
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        -3,
        0xB3312FA7_E23EE7E4_988E056B_E3F82D19_181D9C6E_FE814112_0314088F_5013875A_C656398D_8A2ED19D_2A85C8ED_D3EC2AEF,
    ),
    "P-521": _curve(
        2**521 - 1,
        -3,
        0x0051_953EB961_8E1C9A1F_929A21A0_B68540EE_A2DA725B_99B315F3_B8B48991_8EF109E1_56193951_EC7E937B_1652C0BD_3BB1BF07_3573DF88_3D2C34F1_EF451FD4_6B503F00,
    ),
    "secp256k1": _curve(2**256 - 2**32 - 977, 0, 7),
    "SM2": _curve(
        2**256 - 2**224 - 2**96 + 2**64 - 1,
        -3,
        0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7_F39789F5_15AB8F92_DDBCBD41_4D940E93,
    ),
}


def check_compressed(point: bytes, curve: Curve) -> None:
    """
    Check a compressed point of the right length: a tag, 02 or 03, and the x-coordinate.

    Raises:
        NotAPoint: another tag, x >= p, or no point of the curve has this x.
    """
    if point[0] not in (2, 3):
        raise NotAPoint("expected a compressed point, tag 02 or 03")
    check_x(point[1:], curve)


def check_x(coordinate: bytes, curve: Curve) -> None:
    """
    Check an x-coordinate, which is all there is of a BIP 340 key.

    Raises:
        NotAPoint: x >= p, or no point of the curve has this x.
    """
    x = Integer.from_bytes(coordinate)
    if x >= curve.p:
        raise NotAPoint("not the canonical encoding of a point of the curve (x >= p)")
    if not is_square((x * x + curve.a) * x + curve.b, curve.p):
        raise NotAPoint("not a point of the curve")
