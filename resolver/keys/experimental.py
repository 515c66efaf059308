"""
Which keys of experimental types are sound: Ed448, X448, ML-KEM. Pure.

RFC 8032 and RFC 7748 (curve448), FIPS 203, section 7.2. BLS12-381 has a file of its own.
"""

from resolver.keys.arithmetic import is_square
from resolver.keys.curve25519 import NotAPoint

_P448 = 2**448 - 2**224 - 1
_D448 = -39_081  # of x^2 + y^2 = 1 + d x^2 y^2 (RFC 8032, section 5.2)
_SMALL_ORDER_448 = frozenset(
    {0, 1, _P448 - 1}
)  # y of order 1, 2 and 4 on edwards448; u on curve448 and its twist

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
