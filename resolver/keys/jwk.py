"""
JSON Web Keys to and from public keys of `cryptography`; which keys we refuse. Pure.

RFC 7517 (JWK), RFC 7518 section 6 (EC, RSA), RFC 8037 (OKP), RFC 8812 (secp256k1). Members that we do not
know are ignored here, and kept by those who pass a JWK on.
"""

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256K1,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from resolver.encoding import EncodingError, decode_base64url, encode_base64url
from resolver.errors import KeyRefused, KeyTypeUnsupported
from resolver.keys.curve25519 import NotAPoint, check_ed25519, check_x25519
from resolver.results import JsonObject

PublicKey = Ed25519PublicKey | X25519PublicKey | EllipticCurvePublicKey | RSAPublicKey

# RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1; RFC 8037, section 2; `priv` of the key type AKP (ML-DSA for JOSE).
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})

CURVES: dict[str, EllipticCurve] = {
    "P-256": SECP256R1(),
    "P-384": SECP384R1(),
    "P-521": SECP521R1(),
    "secp256k1": SECP256K1(),
}
_CURVE_NAMES = {curve.name: name for name, curve in CURVES.items()}

MIN_RSA_BITS = 2_048  # NIST SP 800-131A
MAX_RSA_BITS = 8_192  # what a verifier should have to compute with; house rule
MIN_RSA_EXPONENT = 65_537  # FIPS 186-5, section A.1.1
MAX_RSA_EXPONENT = 2**32 - 1  # what common verifiers take


def jwk_of(key: PublicKey) -> JsonObject:
    """Return the JWK of a public key: its required members (RFC 7638, section 3.2) and no others."""
    if isinstance(key, EllipticCurvePublicKey):
        return _jwk_of_ec(key)
    if isinstance(key, RSAPublicKey):
        numbers = key.public_numbers()
        return {"kty": "RSA", "n": _base64url_uint(numbers.n), "e": _base64url_uint(numbers.e)}
    curve = "Ed25519" if isinstance(key, Ed25519PublicKey) else "X25519"
    return {"kty": "OKP", "crv": curve, "x": encode_base64url(key.public_bytes_raw())}


def jwk_to_key(jwk: JsonObject) -> PublicKey:
    """
    Return the public key of a JWK.

    Raises:
        KeyTypeUnsupported: a key type or curve that is not one of ours.
        KeyRefused: private members, a member missing, of the wrong type or length, not the one spelling of
            its value, a point
            that is not on its curve, or a key that the checks below refuse.
    """
    refuse_private(jwk)
    kty = _text(jwk, "kty")
    if kty == "EC":
        return _ec_key(jwk)
    if kty == "OKP":
        return _okp_key(jwk)
    if kty == "RSA":
        return check_rsa(_uint(jwk, "n"), _uint(jwk, "e"))
    raise KeyTypeUnsupported("the JWK's kty is none of EC, OKP and RSA")


def refuse_private(jwk: JsonObject) -> None:
    """
    Refuse members of a private or symmetric key; null, which writers put that know no absence, hides none.

    Raises:
        KeyRefused: at least one is there. Neither its name nor its value is told.
    """
    if any(jwk[name] is not None for name in PRIVATE_MEMBERS & jwk.keys()):
        raise KeyRefused("the JWK has members of a private or symmetric key")


def load_ed25519(raw: bytes) -> Ed25519PublicKey:
    """Return the key of 32 bytes; raises KeyRefused as `check_ed25519`."""
    try:
        check_ed25519(raw)
    except NotAPoint as error:
        raise KeyRefused(f"Ed25519: {error}") from None
    return Ed25519PublicKey.from_public_bytes(raw)


def load_x25519(raw: bytes) -> X25519PublicKey:
    """Return the key of 32 bytes; raises KeyRefused as `check_x25519`."""
    try:
        check_x25519(raw)
    except NotAPoint as error:
        raise KeyRefused(f"X25519: {error}") from None
    return X25519PublicKey.from_public_bytes(raw)


def check_rsa(n: int, e: int) -> RSAPublicKey:
    """
    Return the RSA key of modulus `n` and exponent `e`.

    Raises:
        KeyRefused: the modulus is even or its size not in 2,048..8,192 bits, or the exponent is even or not
            in 65,537..2^32-1.
    """
    if not MIN_RSA_BITS <= n.bit_length() <= MAX_RSA_BITS or n % 2 == 0:
        raise KeyRefused(f"RSA: expected an odd modulus of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
    if not MIN_RSA_EXPONENT <= e <= MAX_RSA_EXPONENT or e % 2 == 0:
        raise KeyRefused(f"RSA: expected an odd exponent of {MIN_RSA_EXPONENT} to {MAX_RSA_EXPONENT}")
    return RSAPublicNumbers(e, n).public_key()


def _ec_key(jwk: JsonObject) -> EllipticCurvePublicKey:
    curve = CURVES.get(_text(jwk, "crv"))
    if curve is None:
        raise KeyTypeUnsupported(f"the JWK's crv is none of {', '.join(CURVES)}")
    size = _coordinate_bytes(curve)  # RFC 7518, section 6.2.1.2: always the full size, zeros included
    x, y = (int.from_bytes(_octets(jwk, name, size)) for name in ("x", "y"))
    try:
        return EllipticCurvePublicNumbers(x, y, curve).public_key()
    except ValueError:
        raise KeyRefused("EC: not a point of the curve") from None


def _okp_key(jwk: JsonObject) -> Ed25519PublicKey | X25519PublicKey:
    curve = _text(jwk, "crv")
    if curve == "Ed25519":
        return load_ed25519(_octets(jwk, "x", 32))
    if curve == "X25519":
        return load_x25519(_octets(jwk, "x", 32))
    raise KeyTypeUnsupported("the JWK's crv is neither Ed25519 nor X25519")


def _jwk_of_ec(key: EllipticCurvePublicKey) -> JsonObject:
    numbers, size = key.public_numbers(), _coordinate_bytes(key.curve)
    x, y = (encode_base64url(number.to_bytes(size)) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": _CURVE_NAMES[key.curve.name], "x": x, "y": y}


def _coordinate_bytes(curve: EllipticCurve) -> int:
    return (curve.key_size + 7) // 8


def _text(jwk: JsonObject, name: str) -> str:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise KeyRefused(f"the JWK's {name} is missing or not a string")
    return value


def _octets(jwk: JsonObject, name: str, size: int | None = None) -> bytes:
    try:
        octets = decode_base64url(_text(jwk, name))
    except EncodingError as error:
        raise KeyRefused(f"the JWK's {name}: {error}") from None
    if size is not None and len(octets) != size:
        raise KeyRefused(
            f"the JWK's {name} has {len(octets)} bytes; expected {size}", "invalidPublicKeyLength"
        )
    return octets


def _uint(jwk: JsonObject, name: str) -> int:
    octets = _octets(jwk, name)
    if octets.startswith(b"\0"):  # RFC 7518, section 2 (Base64urlUInt): "the minimum number of octets"
        raise KeyRefused(f"the JWK's {name} has leading zero bytes")
    return int.from_bytes(octets)


def _base64url_uint(number: int) -> str:
    return encode_base64url(number.to_bytes((number.bit_length() + 7) // 8))
