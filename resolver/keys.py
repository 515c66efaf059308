"""
Multikeys: multibase text to checked public keys and back; the table of key types. Pure.

Controlled Identifiers v1.0, section 2.2.2 (Multikey); codes and prefixes from the multicodec table, which the
tests hold against the multiformats package (importing that costs 80 ms, so it is not imported here).
"""

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from resolver.encoding import (
    EncodingError,
    decode_base64url,
    decode_multibase,
    encode_base58btc,
    encode_varint,
    read_varint,
)
from resolver.errors import InvalidDidDocument, KeyRefused, KeyTypeUnsupported
from resolver.jwk import CURVES, PublicKey, check_rsa, jwk_of, jwk_to_key, load_ed25519, load_x25519
from resolver.results import JsonObject
from wire import JsonError, encode, read

__all__ = ["Multikey", "PublicKey", "decode_multikey", "jwk_of", "jwk_to_key", "multikey_of", "public_key_of"]


class KeyType(msgspec.Struct, frozen=True):
    """
    A row of the multicodec table.

    Attributes:
        codec, code: its name and code in the table.
        prefix: the code as a varint; a multikey begins with it.
        size: bytes of the key after the prefix; None where it varies.
        curve: the curve's name in a JWK, or "" where there is none.
    """

    codec: str
    code: int
    prefix: bytes
    size: int | None
    curve: str = ""


class Multikey(msgspec.Struct, frozen=True):
    """A multikey that has been checked: its type, its bytes after the prefix, and the key they are."""

    key_type: KeyType
    raw: bytes
    public_key: PublicKey


def _key_type(codec: str, code: int, size: int | None, curve: str = "") -> KeyType:
    return KeyType(codec, code, encode_varint(code), size, curve)


SECP256K1 = _key_type("secp256k1-pub", 0xE7, 33, "secp256k1")
X25519 = _key_type("x25519-pub", 0xEC, 32, "X25519")
ED25519 = _key_type("ed25519-pub", 0xED, 32, "Ed25519")
P256 = _key_type("p256-pub", 0x1200, 33, "P-256")
P384 = _key_type("p384-pub", 0x1201, 49, "P-384")
P521 = _key_type("p521-pub", 0x1202, 67, "P-521")
RSA = _key_type("rsa-pub", 0x1205, None)
JWK_JCS = _key_type("jwk_jcs-pub", 0xEB51, None)

KEY_TYPES = {kind.code: kind for kind in (SECP256K1, X25519, ED25519, P256, P384, P521, RSA, JWK_JCS)}
_BY_CURVE = {kind.curve: kind for kind in KEY_TYPES.values() if kind.curve}

# Public keys of the table that we cannot check, hence do not publish: BLS12-381, sr25519, Ed448, X448, SM2,
# ML-KEM, ML-DSA, SLH-DSA, BIP 340.
_UNSUPPORTED = frozenset(
    {0xEA, 0xEB, 0xEE, 0xEF, 0x1203, 0x1204, 0x1206, 0x1340}
    | set(range(0x120B, 0x1213))
    | set(range(0x1220, 0x122C))
)
# Symmetric and private keys of the table; 0x130c and 0x130d are shares of BLS public keys.
_SECRET = frozenset(set(range(0xA0, 0xA5)) | (set(range(0x1300, 0x131D)) - {0x130C, 0x130D}) | {0x1341})

_NO_TYPE = "unsupportedPublicKeyType"  # did:key v0.9 has one name for unknown and for unsupported codes

_MAX_JWK_BYTES = 1_536  # bytes; a JWK cannot be longer than the base58btc text that held it

# Verification method types to the codec they are bound to, None for any.
_MULTIBASE_TYPES: dict[str, KeyType | None] = {
    "Multikey": None,
    "Ed25519VerificationKey2020": ED25519,
    "X25519KeyAgreementKey2020": X25519,
}
_JWK_TYPES = frozenset({"JsonWebKey", "JsonWebKey2020"})


def decode_multikey(multibase: str) -> Multikey:
    """
    Read the multibase text of a multikey, and check the key.

    Raises:
        KeyTypeUnsupported: the code of a public key that is not in the table above.
        KeyRefused: not base58btc in multibase, a varint that is not minimal, the code of something that is no
            public key, the wrong length, or not a key that we accept.
    """
    try:
        code, raw = read_varint(decode_multibase(multibase))
    except EncodingError as error:
        raise KeyRefused(str(error), None) from None
    key_type = KEY_TYPES.get(code)
    if key_type is None:
        raise _refusal_of(code)
    if key_type.size is not None and len(raw) != key_type.size:
        raise KeyRefused(
            f"a key of type {key_type.codec} has {key_type.size} bytes; found {len(raw)}",
            "invalidPublicKeyLength",
        )
    return Multikey(key_type, raw, _load(key_type, raw))


def refuse_secret_multibase(multibase: str) -> None:
    """
    Refuse a multibase value that is a private or symmetric key; what cannot be decoded is no key of ours to judge.

    Raises:
        KeyRefused: its multicodec is one of a private or symmetric key.
    """
    try:
        code, _ = read_varint(_decode_any(multibase))
    except EncodingError:
        return
    if code in _SECRET:
        raise _refusal_of(code)


def _decode_any(multibase: str) -> bytes:
    """Decode base58btc, or base64url, in which the keys of post-quantum suites are written."""
    return decode_base64url(multibase[1:]) if multibase.startswith("u") else decode_multibase(multibase)


def multikey_of(key: PublicKey) -> str:
    """Return the multibase text of the multikey of a public key."""
    if isinstance(key, Ed25519PublicKey):
        return _multibase(ED25519, key.public_bytes_raw())
    if isinstance(key, X25519PublicKey):
        return _multibase(X25519, key.public_bytes_raw())
    if isinstance(key, RSAPublicKey):
        return _multibase(RSA, key.public_bytes(Encoding.DER, PublicFormat.PKCS1))
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return _multibase(_BY_CURVE[jwk_of(key)["crv"]], point)


def x25519_multibase(raw: bytes) -> str:
    """Return the multibase text of the multikey of an X25519 key of 32 bytes."""
    return _multibase(X25519, raw)


def public_key_of(verification_method: JsonObject) -> PublicKey:
    """
    Return the public key of a verification method.

    Reads Multikey, JsonWebKey, JsonWebKey2020, Ed25519VerificationKey2020 and X25519KeyAgreementKey2020.

    Raises:
        InvalidDidDocument: another type, the key material of another type or missing, or a key we refuse.
    """
    kind = verification_method.get("type")
    try:
        if not isinstance(kind, str):
            raise KeyRefused("the type is missing or not a string")
        if kind in _MULTIBASE_TYPES:
            return _key_of_multibase(kind, verification_method.get("publicKeyMultibase"))
        if kind in _JWK_TYPES and isinstance(jwk := verification_method.get("publicKeyJwk"), dict):
            return jwk_to_key(jwk)
    except KeyRefused as error:
        raise InvalidDidDocument(f"the key of a verification method was refused: {error}") from None
    raise InvalidDidDocument(
        "expected a verification method of a known type with the key material of that type"
    )


def _key_of_multibase(kind: str, multibase: object) -> PublicKey:
    if not isinstance(multibase, str):
        raise KeyRefused("publicKeyMultibase is missing or not a string")
    multikey = decode_multikey(multibase)
    bound_to = _MULTIBASE_TYPES[kind]
    if bound_to is not None and multikey.key_type is not bound_to:
        raise KeyRefused(f"a method of type {kind} holds a key of type {bound_to.codec}")
    return multikey.public_key


def _refusal_of(code: int) -> KeyRefused:
    if code in _UNSUPPORTED:
        return KeyTypeUnsupported(f"public keys of multicodec 0x{code:x} are not supported")
    if code in _SECRET:
        return KeyRefused(
            "the multicodec is that of a private or symmetric key, which must not be published", _NO_TYPE
        )
    return KeyRefused("the multicodec is not that of a public key", _NO_TYPE)


def _load(key_type: KeyType, raw: bytes) -> PublicKey:
    if key_type is ED25519:
        return load_ed25519(raw)
    if key_type is X25519:
        return load_x25519(raw)
    if key_type is RSA:
        return _load_rsa(raw)
    if key_type is JWK_JCS:
        return _load_jwk_jcs(raw)
    return _load_ec(key_type, raw)


def _load_ec(key_type: KeyType, raw: bytes) -> EllipticCurvePublicKey:
    """Decompress a SEC1 point (SEC 1 v2, section 2.3.4); `cryptography` would take other forms as well."""
    if raw[0] not in (2, 3):
        raise KeyRefused(f"{key_type.codec}: expected a compressed point, tag 02 or 03")
    try:
        return EllipticCurvePublicKey.from_encoded_point(CURVES[key_type.curve], raw)
    except ValueError:
        raise KeyRefused(f"{key_type.codec}: not a point of the curve") from None


def _load_rsa(raw: bytes) -> RSAPublicKey:
    """
    Read a PKCS#1 RSAPublicKey. `load_der_public_key` takes SubjectPublicKeyInfo too, of any algorithm, and
    loose DER: writing the key out again must give the same bytes.
    """
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


def _multibase(key_type: KeyType, raw: bytes) -> str:
    return "z" + encode_base58btc(key_type.prefix + raw)
