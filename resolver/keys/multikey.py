"""
Multikeys: multibase text to checked public keys and back. Pure.

Controlled Identifiers v1.0, section 2.2.2 (Multikey); the types are in `types.py`. A key has one text:
base58btc for all types; the post-quantum ones may be in base64url as well, since their suites write them so
(di-quantum-safe, 2026-04) and did:key v0.9 knows base58btc only.
"""

from contextlib import suppress

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from resolver.encoding import (
    LEADING_ERROR,
    MAX_BASE58_CHARS,
    EncodingError,
    decode_base58btc,
    decode_base64url,
    decode_multibase,
    encode_base58btc,
    encode_base64url,
    leading_bytes,
    leading_value,
    read_varint,
)
from resolver.errors import InvalidDidDocument, KeyRefused, KeyTypeUnsupported
from resolver.keys.checks import check, load
from resolver.keys.jwk import PublicKey, jwk_of, jwk_to_key
from resolver.keys.types import (
    BY_CURVE,
    BY_PREFIX,
    ED25519,
    JWK_JCS,
    MAX_POST_QUANTUM_CHARS,
    POST_QUANTUM_PREFIXES,
    RSA,
    SECRET_CODES,
    SECRET_PREFIXES,
    UNSUPPORTED_CODES,
    X25519,
    KeyType,
)
from resolver.results import JsonObject

__all__ = ["Multikey", "PublicKey", "decode_multikey", "jwk_of", "jwk_to_key", "multikey_of", "public_key_of"]


class Multikey(msgspec.Struct, frozen=True):
    """A multikey that has been checked: its type, and its bytes after the prefix."""

    key_type: KeyType
    raw: bytes

    @property
    def public_key(self) -> PublicKey:
        """
        The key, loaded anew each time: a document in the form of Multikeys needs none.

        Raises:
            KeyTypeUnsupported: a post-quantum or experimental type, which nothing of ours can use.
        """
        return load(self.key_type, self.raw)

    @property
    def agrees(self) -> bool:
        """Whether it is for key agreement, and not for signatures."""
        if self.key_type is JWK_JCS:
            return isinstance(self.public_key, X25519PublicKey)
        return self.key_type.agrees

    @property
    def jwk(self) -> JsonObject:
        """The JWK of the key, its required members only; raises KeyTypeUnsupported as `public_key`."""
        if self.key_type is ED25519 or self.key_type is X25519:
            return {"kty": "OKP", "crv": self.key_type.curve, "x": encode_base64url(self.raw)}
        return jwk_of(self.public_key)


_SECRET = "the multicodec is that of a private or symmetric key, which must not be published"
_SECRET_VALUES = frozenset(int.from_bytes(prefix) for prefix in SECRET_PREFIXES)
_MAX_CHARS = 1 + MAX_BASE58_CHARS  # "z" and the digits of a key that is not post-quantum
_MIN_KEY_CHARS = 10  # characters; "z" and what `leading_value` needs; what is shorter is no key
_NO_TYPE = "unsupportedPublicKeyType"  # did:key v0.9 has one name for unknown and for unsupported codes

# Verification method types to the codec they are bound to, None for any.
_MULTIBASE_TYPES: dict[str, KeyType | None] = {
    "Multikey": None,
    "Ed25519VerificationKey2020": ED25519,
    "X25519KeyAgreementKey2020": X25519,
}
# The suites of 2018 and 2019: the key's bytes in base58btc, without a prefix or multibase letter.
_BASE58_TYPES = {"Ed25519VerificationKey2018": ED25519, "X25519KeyAgreementKey2019": X25519}
JWK_TYPES = frozenset({"JsonWebKey", "JsonWebKey2020"})


def decode_multikey(multibase: str, *, experimental: bool = False) -> Multikey:
    """
    Read the multibase text of a multikey, and check the key.

    Raises:
        KeyTypeUnsupported: the code of a public key that is not ours, or, unless `experimental`, is of an
            experimental type.
        KeyRefused: not the multibase of its type, too long, a varint that is not minimal, the code of
            something that is no public key, the wrong length, or not a key that we accept.
    """
    key_type, raw = _in_parts(multibase)
    if not key_type.is_post_quantum and (multibase[0] != "z" or len(multibase) > _MAX_CHARS):
        raise KeyRefused(f"{key_type.codec}: expected base58btc, {MAX_BASE58_CHARS} characters at most", None)
    if key_type.experimental and not experimental:
        raise KeyTypeUnsupported(f"{key_type.codec} is experimental: see enableExperimentalPublicKeyTypes")
    if key_type.size is not None and len(raw) != key_type.size:
        raise KeyRefused(
            f"a key of type {key_type.codec} has {key_type.size} bytes; found {len(raw)}",
            "invalidPublicKeyLength",
        )
    check(key_type, raw)
    return Multikey(key_type, raw)


def refuse_secret_multibase(multibase: str) -> None:
    """
    Refuse a multibase value that is a private or symmetric key, or in a base in which none is looked for.

    Controlled Identifiers v1.0, section 2.4 (Multibase), has base58btc and base64url. What cannot be decoded in
    these is no key of ours to judge.

    It is judged by its first bytes, and not decoded: secret keys of post-quantum suites are over every cap, and a
    document has room for 165 texts just below one, which would take 60 ms.

    Raises:
        KeyRefused: its multicodec is one of a private or symmetric key; another base.
    """
    multibase = multibase.strip()  # Behind white space, too, it is a key to whoever reads it.
    if multibase.startswith("u"):
        with suppress(EncodingError):
            if decode_base64url(multibase[1:5])[:2] in SECRET_PREFIXES:
                raise KeyRefused(_SECRET, _NO_TYPE)
    elif not multibase.startswith("z"):
        raise KeyRefused('expected multibase in base58btc or base64url, which begins with "z" or "u"', None)
    elif len(multibase) >= _MIN_KEY_CHARS:
        leading = leading_value(multibase[1:])
        if not _SECRET_VALUES.isdisjoint((int(leading - LEADING_ERROR), int(leading + LEADING_ERROR))):
            raise KeyRefused(_SECRET, _NO_TYPE)


def _in_parts(multibase: str) -> tuple[KeyType, bytes]:
    """Return the type that a multikey says it is of, and the bytes after its code; the key is not checked yet."""
    try:
        data = _decode(multibase)
        key_type = BY_PREFIX.get(data[:2]) or BY_PREFIX.get(data[:3])
        if key_type is None:
            raise _refusal_of(read_varint(data)[0])
    except EncodingError as error:
        raise KeyRefused(str(error), None) from None
    return key_type, data[len(key_type.prefix) :]


def _decode(multibase: str) -> bytes:
    """
    Decode base58btc, or base64url, in which the keys of post-quantum suites are written.

    In base58btc, whose cost is quadratic, the higher cap is for what begins as a key of these suites does.
    """
    if multibase.startswith("u"):
        return decode_base64url(multibase[1:], max_chars=MAX_POST_QUANTUM_CHARS)
    if len(multibase) > _MAX_CHARS and leading_bytes(multibase[1:]) in POST_QUANTUM_PREFIXES:
        return decode_multibase(multibase, max_chars=MAX_POST_QUANTUM_CHARS)
    return decode_multibase(multibase)


def multikey_of(key: PublicKey) -> str:
    """Return the multibase text of the multikey of a public key."""
    if isinstance(key, Ed25519PublicKey):
        return multibase_of(ED25519, key.public_bytes_raw())
    if isinstance(key, X25519PublicKey):
        return multibase_of(X25519, key.public_bytes_raw())
    if isinstance(key, RSAPublicKey):
        return multibase_of(RSA, key.public_bytes(Encoding.DER, PublicFormat.PKCS1))
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return multibase_of(BY_CURVE[jwk_of(key)["crv"]], point)


def multibase_of(key_type: KeyType, raw: bytes) -> str:
    """Return the multibase text of the multikey of a key's bytes."""
    return "z" + encode_base58btc(key_type.prefix + raw)


def public_key_of(verification_method: JsonObject) -> PublicKey:
    """
    Return the public key of a verification method.

    Reads Multikey, JsonWebKey, JsonWebKey2020, Ed25519VerificationKey2020 and -2018, X25519KeyAgreementKey2020
    and -2019.

    Raises:
        InvalidDidDocument: another type, the key material of another type or missing, or a key we refuse.
    """
    kind = verification_method.get("type")
    try:
        if not isinstance(kind, str):
            raise KeyRefused("the type is missing or not a string")
        if kind in _MULTIBASE_TYPES:
            return _key_of_multibase(kind, verification_method.get("publicKeyMultibase"))
        if kind in _BASE58_TYPES:
            return _key_of_base58(_BASE58_TYPES[kind], verification_method.get("publicKeyBase58"))
        if kind in JWK_TYPES and isinstance(jwk := verification_method.get("publicKeyJwk"), dict):
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
    if code in UNSUPPORTED_CODES:
        return KeyTypeUnsupported(f"public keys of multicodec 0x{code:x} are not supported")
    if code in SECRET_CODES:
        return KeyRefused(_SECRET, _NO_TYPE)
    return KeyRefused("the multicodec is not that of a public key", _NO_TYPE)


def _key_of_base58(key_type: KeyType, text: object) -> PublicKey:
    if not isinstance(text, str):
        raise KeyRefused("publicKeyBase58 is missing or not a string")
    return decode_multikey("z" + encode_base58btc(key_type.prefix + _base58(text))).public_key


def _base58(text: str) -> bytes:
    try:
        return decode_base58btc(text)
    except EncodingError as error:
        raise KeyRefused(str(error)) from None
