"""
How keys in a token are written: their URI, the names of their curves, their public points. Pure.

A key is found by a PKCS #11 URI (RFC 7512) of one spelling, `pkcs11:token=...;object=...;type=private`: token and
object are labels, percent-encoded. No PIN, and no path of a module, ever stands in one.

PKCS #11 Specification v3.1 (OASIS Standard, 2023-07-23), section 6.3: CKA_EC_PARAMS and CKA_EC_POINT.
"""

import re
from urllib.parse import quote, unquote

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from proofs.algorithms import Algorithm, PublicKey

# What we ask for: object identifiers (secp256r1, secp384r1), and for an Edwards curve its name as PrintableString.
EC_PARAMS = {
    Algorithm.ED25519: b"\x13\x0cedwards25519",
    Algorithm.P256: bytes.fromhex("06082a8648ce3d030107"),
    Algorithm.P384: bytes.fromhex("06052b81040022"),
}
_ED25519_IDENTIFIER = bytes.fromhex("06032b6570")  # RFC 8410, section 3: what some tokens answer instead
_POINT_SIZES = {Algorithm.ED25519: 32, Algorithm.P256: 65, Algorithm.P384: 97}  # bytes; ECDSA's uncompressed
_OCTET_STRING = 4  # the tag in DER; a point is short, so that its length is one byte
_URI = re.compile(r"pkcs11:token=([^;?]+);object=([^;?]+);type=private")


class TokenUri(msgspec.Struct, frozen=True):
    """
    Where a private key is.

    Attributes:
        token: the label of the token.
        object: the label of the key (CKA_LABEL), in both halves.
    """

    token: str
    object: str

    def __str__(self) -> str:
        return f"pkcs11:token={quote(self.token, safe='')};object={quote(self.object, safe='')};type=private"


def parse_token_uri(text: str) -> TokenUri:
    """
    Read what `str` of a `TokenUri` wrote.

    Raises:
        ValueError: anything else, also where RFC 7512 would allow it: other attributes, another order, a query,
            which may hold a PIN. The text is not repeated for that reason.
    """
    match = _URI.fullmatch(text)
    uri = TokenUri(*(unquote(part) for part in match.groups())) if match else None
    if uri is None or str(uri) != text:
        raise ValueError("expected pkcs11:token=LABEL;object=LABEL;type=private, percent-encoded")
    return uri


def public_key_of(ec_params: bytes, ec_point: bytes) -> PublicKey:
    """
    Return the public key that a token describes.

    CKA_EC_POINT is an OCTET STRING in DER; for Edwards curves v3.0 and v3.1 differ, and some tokens give the bytes.

    Raises:
        ValueError: another curve than those that sign here, or no point of it.
    """
    algorithms = {params: name for name, params in EC_PARAMS.items()} | {
        _ED25519_IDENTIFIER: Algorithm.ED25519
    }
    algorithm = algorithms.get(ec_params)
    if algorithm is None:
        raise ValueError("expected a key on edwards25519, P-256 or P-384, found another curve")
    size = _POINT_SIZES[algorithm]
    if ec_point[:-size] not in (b"", bytes([_OCTET_STRING, size])) or len(ec_point) < size:
        raise ValueError(f"expected a point of {size} bytes on {algorithm}, found {len(ec_point)} bytes")
    if algorithm is Algorithm.ED25519:
        return Ed25519PublicKey.from_public_bytes(ec_point[-size:])
    curve = SECP256R1() if algorithm is Algorithm.P256 else SECP384R1()
    try:
        return EllipticCurvePublicKey.from_encoded_point(curve, ec_point[-size:])
    except ValueError:
        raise ValueError(f"expected a point of {algorithm}, found bytes that are no point of it") from None
