"""
The algorithms that sign here: Ed25519, and ECDSA on P-256 and on P-384. Pure.

A key is of one algorithm, whatever a header or a proof says (RFC 8725, sections 3.1 and 3.2). Signatures are raw:
64 bytes of Ed25519 (RFC 8032), or R and S of ECDSA, each as long as the curve's order (RFC 7518, section 3.4).
JOSE, COSE (RFC 9053, section 2.1) and Data Integrity all write them so.

ECDSA is deterministic (RFC 6979): a random number that repeats, or is merely biased, gives the key away.
"""

from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    SECP384R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from proofs.errors import ProofInvalid

PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey
PublicKey = Ed25519PublicKey | EllipticCurvePublicKey


class Algorithm(StrEnum):
    """An algorithm with its one curve and its one hash. The value is the name of the curve (RFC 7518, RFC 8037)."""

    ED25519 = "Ed25519"
    P256 = "P-256"
    P384 = "P-384"

    @property
    def jose(self) -> str:
        """The `alg` that we write (RFC 7518, section 3.1; RFC 8037, section 3.1)."""
        return {"Ed25519": "EdDSA", "P-256": "ES256", "P-384": "ES384"}[self]

    @property
    def cose(self) -> int:
        """The algorithm identifier that we write (RFC 9053, sections 2.1 and 2.2)."""
        return {"Ed25519": -8, "P-256": -7, "P-384": -35}[self]

    @property
    def hash_name(self) -> str:
        """What Data Integrity hashes with, and ECDSA too; a name of `hashlib`."""
        return "sha384" if self is Algorithm.P384 else "sha256"

    @property
    def signature_size(self) -> int:
        """How many bytes a signature has."""
        return 96 if self is Algorithm.P384 else 64


_CURVES = {SECP256R1: Algorithm.P256, SECP384R1: Algorithm.P384}
HASHES: dict[Algorithm, hashes.SHA256 | hashes.SHA384] = {
    Algorithm.P256: hashes.SHA256(),
    Algorithm.P384: hashes.SHA384(),
}


def algorithm_of(key: object) -> Algorithm:
    """
    Return the algorithm of a public or private key of the `cryptography` package.

    Raises:
        ProofInvalid: a key of another kind, or on another curve.
    """
    if isinstance(key, (Ed25519PublicKey, Ed25519PrivateKey)):
        return Algorithm.ED25519
    if isinstance(key, (EllipticCurvePublicKey, EllipticCurvePrivateKey)):
        algorithm = _CURVES.get(type(key.curve))
        if algorithm is None:
            raise ProofInvalid(f"expected a key on P-256 or P-384, found {key.curve.name}")
        return algorithm
    raise ProofInvalid(f"expected an Ed25519, P-256 or P-384 key, found {type(key).__name__}")


def sign_with(private_key: PrivateKey, data: bytes) -> bytes:
    """
    Return the signature of `data`, the same for the same data.

    Raises:
        ProofInvalid: as `algorithm_of`.
    """
    algorithm = algorithm_of(private_key)
    if isinstance(private_key, Ed25519PrivateKey):
        return private_key.sign(data)
    der = private_key.sign(data, ECDSA(HASHES[algorithm], deterministic_signing=True))
    width = algorithm.signature_size // 2
    return b"".join(number.to_bytes(width) for number in decode_dss_signature(der))


def is_signature(public_key: object, signature: bytes, data: bytes) -> bool:
    """
    Tell whether `signature` is that of `data` by the key, in the key's own algorithm.

    Raises:
        ProofInvalid: as `algorithm_of`.
    """
    algorithm = algorithm_of(public_key)
    if len(signature) != algorithm.signature_size:
        return False
    try:
        if isinstance(public_key, Ed25519PublicKey):
            public_key.verify(signature, data)
        elif isinstance(public_key, EllipticCurvePublicKey):
            public_key.verify(in_der(signature), data, ECDSA(HASHES[algorithm]))
    except InvalidSignature:
        return False
    return True


def in_der(signature: bytes) -> bytes:
    """Return a raw ECDSA signature as X.509 has it (RFC 3279, section 2.2.3)."""
    width = len(signature) // 2
    return encode_dss_signature(int.from_bytes(signature[:width]), int.from_bytes(signature[width:]))
