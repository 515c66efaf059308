"""
Public keys in PEM: `publicKeyPem` of documents of the years before 2020. Pure.

RFC 7468, section 13 (SubjectPublicKeyInfo); `RSA PUBLIC KEY` of RFC 8017, appendix A.1.1, is read as well.
"""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from resolver.errors import KeyRefused, KeyTypeUnsupported
from resolver.keys.jwk import CURVES, PublicKey, check_rsa, load_ed25519, load_x25519

_CURVES = frozenset(curve.name for curve in CURVES.values())


def pem_to_key(text: str) -> PublicKey:
    """
    Return the public key in a PEM text.

    Raises:
        KeyTypeUnsupported: a key of a type or on a curve that is not one of ours.
        KeyRefused: no PEM, no public key in it, or one that we refuse in a JWK, too.
    """
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused("PEM: no public key that we can read") from None
    if isinstance(key, RSAPublicKey):
        numbers = key.public_numbers()
        return check_rsa(numbers.n, numbers.e)
    if isinstance(key, Ed25519PublicKey):
        return load_ed25519(key.public_bytes_raw())
    if isinstance(key, X25519PublicKey):
        return load_x25519(key.public_bytes_raw())
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name in _CURVES:
        return key  # OpenSSL has refused what is no point of the curve.
    raise KeyTypeUnsupported("PEM: a public key of a type that is not ours")
