"""
Which compressed points are public keys of BLS12-381: those of G1 and G2, the subgroups of prime order. Pure.

Compressed form: draft-irtf-cfrg-pairing-friendly-curves-11, appendix C. Curves: y^2 = x^3 + 4 over Fp, and
y^2 = x^3 + 4 (1 + i) over Fp2 = Fp[i]. Both have points outside, some of small order; with such a key anybody can
forge, where a verifier omits KeyValidate (draft-irtf-cfrg-bls-signature-05, section 2.5).

Membership is tested by endomorphisms (Scott, "A note on group membership tests", eprint 2021/1130): a point Q is
in G1 exactly when phi(Q) = -z^2 Q, and in G2 exactly when psi(Q) = z Q, where z is the parameter of the curves.
The tests hold both against multiplication by the order. A key costs 1 or 2 ms.
"""

from typing import Self, TypeVar

from resolver.keys.curve25519 import NotAPoint

P = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
Z = 0xD201000000010000  # the absolute value of z, which is negative
_COORDINATE_BYTES = 48
_COMPRESSED, _INFINITY, _SIGN = 0x80, 0x40, 0x20  # flags in the first byte

# phi(x, y) = (beta x, y): a cube root of unity, of the two the one that belongs to -z^2.
_BETA = 0x5F19672FDF76CE51BA69C6076A0F77EADDB3A93BE6F89688DE17D813620A00022E01FFFFFFFEFFFE


class Fp2:
    """The number re + im i of Fp2, both reduced; a value."""

    __slots__ = ("im", "re")

    def __init__(self, re: int, im: int) -> None:
        self.re, self.im = re % P, im % P

    def __add__(self, other: Self) -> "Fp2":
        return Fp2(self.re + other.re, self.im + other.im)

    def __sub__(self, other: Self) -> "Fp2":
        return Fp2(self.re - other.re, self.im - other.im)

    def __mul__(self, other: Self) -> "Fp2":
        re, im = self.re * other.re, self.im * other.im
        return Fp2(re - im, (self.re + self.im) * (other.re + other.im) - re - im)

    def __mod__(self, p: int) -> Self:
        return self

    def __bool__(self) -> bool:
        return bool(self.re or self.im)

    def conjugate(self) -> "Fp2":
        return Fp2(self.re, -self.im)


F = TypeVar("F", int, Fp2)


# psi(x, y) = (psi_x conj(x), psi_y conj(y)): (1 + i)^((1 - p) / 3) and (1 + i)^((1 - p) / 2).
_PSI_X = Fp2(
    0, 0x1A0111EA397FE699EC02408663D4DE85AA0D857D89759AD4897D29650FB85F9B409427EB4F49FFFD8BFD00000000AAAD
)
_PSI_Y = Fp2(
    0x135203E60180A68EE2E9C448D77A2CD91C3DEDD930B1CF60EF396489F61EB45E304466CF3E67FA0AF1EE7B04121BDEA2,
    0x06AF0E0437FF400B6831E36D6BD17FFE48395DABC2D3435E77F76E17009241C5EE67992F72EC05F4C81084FBEDE3CC09,
)


def check_g1(key: bytes) -> None:
    """
    Check the 48 bytes of a compressed point of G1.

    Raises:
        NotAPoint: not compressed, the point at infinity, x >= p, not on the curve, or not in G1.
    """
    x = _coordinate(_without_flags(key))
    square = (x * x * x + 4) % P
    y = pow(square, (P + 1) // 4, P)
    if y * y % P != square:
        raise NotAPoint("not a point of the curve")
    # phi(Q) = -z^2 Q: z^2 Q is (beta x, -y).
    multiple = _times_z(_times_z((x, y, 1)))
    if not _equals(multiple, _BETA * x % P, -y):
        raise NotAPoint("not in the subgroup of prime order")


def check_g2(key: bytes) -> None:
    """
    Check the 96 bytes of a compressed point of G2, the imaginary part of x first; raises NotAPoint as for G1.
    """
    plain = _without_flags(key)
    x = Fp2(_coordinate(plain[_COORDINATE_BYTES:]), _coordinate(plain[:_COORDINATE_BYTES]))
    square = x * x * x + Fp2(4, 4)
    y = _root(square)
    # psi(Q) = z Q: |z| Q is -psi(Q).
    psi_x, psi_y = x.conjugate() * _PSI_X, y.conjugate() * _PSI_Y
    if not _equals(_times_z((x, y, Fp2(1, 0))), psi_x, Fp2(0, 0) - psi_y):
        raise NotAPoint("not in the subgroup of prime order")


def check_g1g2(key: bytes) -> None:
    """
    Check a point of G1 and a point of G2, one after the other; raises NotAPoint as for each of them.
    """
    check_g1(key[:_COORDINATE_BYTES])
    check_g2(key[_COORDINATE_BYTES:])


def _without_flags(key: bytes) -> bytes:
    if not key[0] & _COMPRESSED:
        raise NotAPoint("expected a compressed point")
    if key[0] & _INFINITY:
        raise NotAPoint("the point at infinity")
    return bytes([key[0] & ~(_COMPRESSED | _SIGN) & 0xFF]) + key[1:]


def _coordinate(data: bytes) -> int:
    x = int.from_bytes(data)
    if x >= P:
        raise NotAPoint("not the canonical encoding of a point (x >= p)")
    return x


def _root(square: Fp2) -> Fp2:
    """
    Return a square root: of a + b i it is c + (b / 2c) i, where c^2 = (a +- sqrt(a^2 + b^2)) / 2.

    Raises:
        NotAPoint: there is none.
    """
    norm = pow(square.re * square.re + square.im * square.im, (P + 1) // 4, P)
    for sign in (1, -1):
        c = pow((square.re + sign * norm) * pow(2, -1, P), (P + 1) // 4, P)
        root = Fp2(c, square.im * pow(2 * c, -1, P)) if c else Fp2(0, pow(-square.re, (P + 1) // 4, P))
        if not root * root - square:
            return root
    raise NotAPoint("not a point of the curve")


# Points in Jacobian coordinates: (X, Y, W) is (X / W^2, Y / W^3), and the point at infinity where W is zero.
# Neither formula contains the curve's constant, so that one pair serves both curves (EFD, dbl-2009-l, add-2007-bl).


def _times_z(point: tuple[F, F, F]) -> tuple[F, F, F]:
    """Return |z| times a point that is not at infinity."""
    total = point
    for bit in bin(Z)[3:]:
        total = _double(total)
        if bit == "1":
            total = _add(total, point)
    return total


def _double(point: tuple[F, F, F]) -> tuple[F, F, F]:
    x, y, w = point
    a, b = x * x % P, y * y % P
    c = b * b % P
    d = x * b % P
    d = d + d + d + d
    e = a + a + a
    new_x = (e * e - d - d) % P
    c = c + c
    c = c + c
    y2 = y + y
    return new_x, (e * (d - new_x) - c - c) % P, y2 * w % P


def _add(one: tuple[F, F, F], other: tuple[F, F, F]) -> tuple[F, F, F]:
    (x1, y1, w1), (x2, y2, w2) = one, other
    if not w1:
        return other
    if not w2:
        return one
    ww1, ww2 = w1 * w1 % P, w2 * w2 % P
    u, s = x1 * ww2 % P, y1 * w2 % P * ww2 % P
    h, r = (x2 * ww1 - u) % P, (y2 * w1 % P * ww1 - s) % P
    if not h and not r:
        return _double(one)
    hh = h * h % P
    hhh, v = h * hh % P, u * hh % P
    new_x = (r * r - hhh - v - v) % P
    return (
        new_x,
        (r * (v - new_x) - s * hhh) % P,
        w1 * w2 % P * h % P,
    )  # h is zero for a point and its negative


def _equals(point: tuple[F, F, F], x: F, y: F) -> bool:
    """Tell whether a point is (x, y)."""
    new_x, new_y, w = point
    ww = w * w % P
    return bool(w) and not (x * ww - new_x) % P and not (y * ww % P * w - new_y) % P
