"""
The bytes of a multikey: which of them are keys, and the keys that they are. Pure.

Each type has its own form: the points and integers of RFC 7748 and 8032, SEC 1 and PKCS#1, and JWKs.
"""

from collections.abc import Callable

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from resolver.errors import KeyRefused, KeyTypeUnsupported
from resolver.keys import bls12_381, experimental, weierstrass
from resolver.keys.curve25519 import NotAPoint, check_ed25519, check_x25519
from resolver.keys.jwk import CURVES, PublicKey, check_rsa, jwk_of, jwk_to_key
from resolver.keys.types import (
    BIP340,
    BLS12_381_G1,
    BLS12_381_G1G2,
    BLS12_381_G2,
    BY_CURVE,
    ED448,
    ED25519,
    JWK_JCS,
    ML_KEM,
    RSA,
    SM2,
    X448,
    X25519,
    KeyType,
)
from wire import JsonError, encode, read

DER_INTEGER = b"\x02"  # the tag of the modulus, with which the content of an RSAPublicKey begins
_MAX_JWK_BYTES = 1_536  # bytes; a JWK cannot be longer than the base58btc text that held it


def check(key_type: KeyType, raw: bytes) -> None:
    """
    Refuse bytes of the right length that are no key. Where no check is listed, all of them are one.

    Raises:
        KeyRefused: not a key, or not one that we accept.
    """
    checked = _CHECKS.get(key_type.code)
    if checked is None:
        return
    try:
        checked(raw)
    except NotAPoint as error:
        raise KeyRefused(f"{key_type.codec}: {error}") from None


def load(key_type: KeyType, raw: bytes) -> PublicKey:
    """
    Return the key of bytes that `check` has passed.

    Raises:
        KeyTypeUnsupported: a post-quantum or experimental type, which nothing of ours can use.
    """
    if key_type is ED25519:
        return Ed25519PublicKey.from_public_bytes(raw)
    if key_type is X25519:
        return X25519PublicKey.from_public_bytes(raw)
    if key_type is RSA:
        return _load_rsa(raw)
    if key_type is JWK_JCS:
        return _load_jwk_jcs(raw)
    if key_type.curve not in CURVES:
        raise KeyTypeUnsupported(f"a key of type {key_type.codec} is published, and not used here")
    return EllipticCurvePublicKey.from_encoded_point(CURVES[key_type.curve], raw)


def der_content(der: bytes) -> bytes:
    """Return what follows the tag and the length at the beginning, those of a SEQUENCE (X.690, section 8.1.3)."""
    octets_of_length = max(0, der[1] - 0x80) if len(der) > 1 else 0
    return der[2 + octets_of_length :]


def _load_rsa(raw: bytes) -> RSAPublicKey:
    """
    Read a PKCS#1 RSAPublicKey. `load_der_public_key` takes loose DER: writing the key out again must give the
    same bytes. It takes SubjectPublicKeyInfo too, of any algorithm; that is refused before, since OpenSSL tests
    the primes of a Diffie-Hellman key, which held the interpreter for 8 seconds.
    """
    if not der_content(raw).startswith(DER_INTEGER):
        raise KeyRefused("rsa-pub: expected the DER of a PKCS#1 RSAPublicKey")
    try:
        key = load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused("rsa-pub: expected the DER of a PKCS#1 RSAPublicKey") from None
    if not isinstance(key, RSAPublicKey) or key.public_bytes(Encoding.DER, PublicFormat.PKCS1) != raw:
        raise KeyRefused("rsa-pub: expected the DER of a PKCS#1 RSAPublicKey")
    numbers = key.public_numbers()
    return check_rsa(numbers.n, numbers.e)


def _load_jwk_jcs(raw: bytes) -> PublicKey:
    """Read the JCS (RFC 8785) of a JWK's required members, which are ASCII strings: sorted compact JSON."""
    try:
        jwk = read(raw, max_bytes=_MAX_JWK_BYTES)
    except JsonError as error:
        raise KeyRefused(f"jwk_jcs-pub: {error}") from None
    if not isinstance(jwk, dict):
        raise KeyRefused("jwk_jcs-pub: expected a JSON object")
    key = jwk_to_key(jwk)
    if encode(dict(sorted(jwk_of(key).items()))) != raw:
        raise KeyRefused("jwk_jcs-pub: expected the required members only, in canonical form", None)
    return key


def _compressed(curve: str) -> Callable[[bytes], None]:
    return lambda raw: weierstrass.check_compressed(raw, weierstrass.CURVES[curve])


_CHECKS: dict[int, Callable[[bytes], object]] = {
    ED25519.code: check_ed25519,
    X25519.code: check_x25519,
    **{BY_CURVE[curve].code: _compressed(curve) for curve in CURVES},
    RSA.code: _load_rsa,
    JWK_JCS.code: _load_jwk_jcs,
    BLS12_381_G1.code: bls12_381.check_g1,
    BLS12_381_G2.code: bls12_381.check_g2,
    BLS12_381_G1G2.code: bls12_381.check_g1g2,
    ED448.code: experimental.check_ed448,
    X448.code: experimental.check_x448,
    SM2.code: _compressed("SM2"),
    BIP340.code: lambda raw: weierstrass.check_x(raw, weierstrass.CURVES["secp256k1"]),
    **{kind.code: experimental.check_ml_kem for kind in ML_KEM},
}
