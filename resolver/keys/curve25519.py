"""
Arithmetic on Curve25519 that `cryptography` lacks: which keys are points, and Ed25519 to X25519. Pure.

RFC 7748 (X25519), RFC 8032 (Ed25519). All values here are public, so nothing needs constant time.
The loaders of `cryptography` check the length only; a verifier that trusts a key of small order accepts
forged signatures, and a non-canonical encoding is a second DID for one key.
"""

from resolver.keys.arithmetic import Integer, is_square, quotient

P = Integer(2**255 - 19)
_D = -121_665 * pow(121_666, -1, P) % P  # of -x^2 + y^2 = 1 + d x^2 y^2 (RFC 8032, section 5.1)
_SIGN = 1 << 255

# The points of order 1, 2, 4 and 8 by their y: identity, (0,-1), two with y = 0, four with y = +-_Y8.
_Y8 = 2_707_385_501_144_840_649_318_225_287_225_658_788_936_804_267_575_313_519_463_743_609_750_303_402_022
_SMALL_ORDER_Y = frozenset({0, 1, P - 1, _Y8, P - _Y8})
# The same points on the Montgomery curve, and those of its twist (RFC 7748, section 6.1: all-zero output).
_SMALL_ORDER_U = frozenset(
    {
        0,
        1,
        P - 1,
        325_606_250_916_557_431_795_983_626_356_110_631_294_008_115_727_848_805_560_023_387_167_927_233_504,
        39_382_357_235_489_614_581_723_060_781_553_021_112_529_911_719_440_698_176_882_885_853_963_445_705_823,
    }
)


class NotAPoint(ValueError):
    """Bytes that are no public key: not canonical, not on the curve, or of small order."""


def check_ed25519(key: bytes) -> None:
    """
    Check the 32 bytes of an Ed25519 public key.

    Points outside the prime-order subgroup but not of small order pass: they verify as RFC 8032 defines.

    Raises:
        NotAPoint: y >= p, not on the curve, or of small order.
    """
    y = Integer.from_bytes(key, "little") & (_SIGN - 1)
    if y >= P:
        raise NotAPoint("not the canonical encoding of a point (y >= p)")
    if y in _SMALL_ORDER_Y:
        raise NotAPoint("a point of small order")
    # x^2 = (y^2 - 1) / (d y^2 + 1) has a root exactly when numerator times denominator is a square.
    y2 = y * y
    if not is_square((y2 - 1) * (_D * y2 + 1), P):
        raise NotAPoint("not a point of the curve")


def check_x25519(key: bytes) -> None:
    """
    Check the 32 bytes of an X25519 public key. Every u is a point of the curve or of its twist.

    RFC 7748, section 5, has a peer mask the top bit and reduce u; we refuse, since one key has one DID.

    Raises:
        NotAPoint: u >= p, or of small order (the shared secret would be zero).
    """
    u = int.from_bytes(key, "little")
    if u >= P:
        raise NotAPoint("not the canonical encoding of a u-coordinate (u >= p)")
    if u in _SMALL_ORDER_U:
        raise NotAPoint("a point of small order")


def x25519_of_ed25519(key: bytes) -> bytes:
    """
    Return the X25519 public key of a checked Ed25519 public key: u = (1 + y) / (1 - y) (RFC 7748, 4.1).
    """
    y = Integer.from_bytes(key, "little") & (_SIGN - 1)
    return quotient(1 + y, 1 - y, P).to_bytes(32, "little")
