"""
Public keys in PEM: `publicKeyPem` of documents of the years before 2020. Pure.

RFC 7468, sections 3 and 13 (SubjectPublicKeyInfo); `RSA PUBLIC KEY` of RFC 8017, appendix A.1.1, is read as well.

Which algorithm it is for is looked at before the key is loaded: OpenSSL tests the primes of a Diffie-Hellman key,
which holds the interpreter for seconds.
"""

import re
from base64 import b64decode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from resolver.errors import KeyRefused, KeyTypeUnsupported
from resolver.keys.checks import DER_INTEGER, der_content
from resolver.keys.jwk import PublicKey, check_rsa, load_ed25519, load_x25519

MAX_PEM_CHARS = 2_048  # an RSA key of 8,192 bits, the longest that we take, has 1,535

_TEXT = re.compile(
    r"\s*+-----BEGIN ((?:RSA )?PUBLIC KEY)-----([A-Za-z0-9+/=\s]*+)-----END \1-----\s*+", re.ASCII
)

# The AlgorithmIdentifiers of our keys, whole, so that a curve is a named one.
_ALGORITHMS = (
    bytes.fromhex("300d06092a864886f70d0101010500"),  # rsaEncryption: RFC 3279, section 2.3.1
    bytes.fromhex("301306072a8648ce3d020106082a8648ce3d030107"),  # id-ecPublicKey, P-256: RFC 5480
    bytes.fromhex("301006072a8648ce3d020106052b81040022"),  # P-384
    bytes.fromhex("301006072a8648ce3d020106052b81040023"),  # P-521
    bytes.fromhex("301006072a8648ce3d020106052b8104000a"),  # secp256k1: SEC 2, section A.2.1
    bytes.fromhex("300506032b6570"),  # Ed25519: RFC 8410, section 3
    bytes.fromhex("300506032b656e"),  # X25519
)


def pem_to_key(text: str) -> PublicKey:
    """
    Return the public key in a PEM text.

    Raises:
        KeyTypeUnsupported: a key of a type or on a curve that is not one of ours.
        KeyRefused: no PEM, over `MAX_PEM_CHARS`, no public key in it, or one that we refuse in a JWK, too.
    """
    der = _der_of(text)
    if not der_content(der).startswith((*_ALGORITHMS, DER_INTEGER)):
        raise KeyTypeUnsupported("PEM: a public key of a type that is not ours")
    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused("PEM: no public key that we can read") from None
    if isinstance(key, RSAPublicKey):
        numbers = key.public_numbers()
        return check_rsa(numbers.n, numbers.e)
    if isinstance(key, Ed25519PublicKey):
        return load_ed25519(key.public_bytes_raw())
    if isinstance(key, X25519PublicKey):
        return load_x25519(key.public_bytes_raw())
    if isinstance(key, EllipticCurvePublicKey):
        return key  # OpenSSL has refused what is no point of the curve.
    raise KeyTypeUnsupported("PEM: a public key of a type that is not ours")


def _der_of(text: str) -> bytes:
    found = _TEXT.fullmatch(text) if len(text) <= MAX_PEM_CHARS else None
    if found is None:
        raise KeyRefused(f"PEM: expected one public key, of at most {MAX_PEM_CHARS} characters")
    try:
        return b64decode("".join(found[2].split()), validate=True)
    except ValueError as error:
        raise KeyRefused(f"PEM: {error}") from None
