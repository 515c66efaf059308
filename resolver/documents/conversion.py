"""
Documents with all their keys in one form: `publicKeyFormat` of every method. Pure.

A verifier that asks for JsonWebKey or Multikey (Controlled Identifiers v1.0, sections 2.2.3 and 2.2.2) need not
know the suites and encodings that documents have had since 2018. The document is a presentation of the one that
was published: a did:webvh log has signed that, not this.

1. A verification method whose key can be read, embedded or not, gets the type and the member of the format. Its id,
   controller and other members, and all relationships, stay.
2. Any other is passed on as it is: no key in it, bytes under a type that does not tell what they are, a key that
   the format or we have not, or one behind the first `MAX_KEYS` and `MAX_KEY_CHARS`. A warning in
   didResolutionMetadata tells which.
3. The contexts that the format needs are added; none is taken away, since other terms may need it.
4. The warnings that there are already stay: they are about what was published, and so are their pointers.
"""

from base64 import b64decode
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from resolver.documents.contexts import with_contexts_of
from resolver.documents.members import KEY_MATERIAL, RELATIONSHIPS
from resolver.encoding import decode_base58btc
from resolver.errors import KeyRefused
from resolver.keys.jwk import CURVES, PublicKey, jwk_of, jwk_to_key
from resolver.keys.multikey import decode_multikey, multibase_of, multikey_of
from resolver.keys.pem import pem_to_key
from resolver.keys.types import ED25519, P256, RSA, SECP256K1, X25519, KeyType
from resolver.results import JsonObject, Resolved

# What is converted of one document: its worst, compressed points of P-521, takes 6 ms.
MAX_KEYS = 32
MAX_KEY_CHARS = 16_384  # of the keys as they are written: a post-quantum one takes a millisecond to read
MAX_NAMED = 8  # methods that the warning names
MAX_NAME_CHARS = 64

# The formats, and the member that holds the key.
CONVERSIONS = {"JsonWebKey": "publicKeyJwk", "Multikey": "publicKeyMultibase"}

# Types of verification methods for keys of one type; of all others the key must say itself what it is.
_KEY_TYPES = {
    "Ed25519VerificationKey2018": ED25519,
    "Ed25519VerificationKey2020": ED25519,
    "X25519KeyAgreementKey2019": X25519,
    "X25519KeyAgreementKey2020": X25519,
    "Secp256k1VerificationKey2018": SECP256K1,
    "EcdsaSecp256k1VerificationKey2019": SECP256K1,
    "EcdsaSecp256k1RecoveryMethod2020": SECP256K1,
    "EcdsaSecp256r1VerificationKey2019": P256,
    "RsaVerificationKey2018": RSA,
}


def converted(resolved: Resolved, name: str) -> Resolved:
    """Return the resolution with its document's keys in the format `name`, one of `CONVERSIONS`."""
    if resolved.document is None:
        return resolved
    work = _Conversion(name)
    document = with_contexts_of(work.document(resolved.document), {name})
    metadata = resolved.resolution_metadata
    if work.left:
        metadata = metadata | {"warnings": [*metadata.get("warnings", []), _warning(work.left, name)]}
    return msgspec.structs.replace(resolved, document=document, resolution_metadata=metadata)


class _Conversion:
    """One document on its way; `left` are the ids of methods that stay as they are."""

    def __init__(self, name: str) -> None:
        self.left: list[str] = []
        self._name = name
        self._keys = self._chars = 0
        # By its id: a method that is embedded in several relationships is converted once.
        self._done: dict[str, tuple[JsonObject, JsonObject]] = {}

    def document(self, document: JsonObject) -> JsonObject:
        names = [
            name for name in ("verificationMethod", *RELATIONSHIPS) if isinstance(document.get(name), list)
        ]
        return document | {name: [self._item(item) for item in document[name]] for name in names}

    def _item(self, item: Any) -> Any:
        if not isinstance(item, dict) or _is_in_format(item, self._name):
            return item
        own_id = str(item.get("id", ""))
        given, made = self._done.get(own_id, (None, None))
        if given != item:
            made = self._method(item, own_id)
            self._done[own_id] = (item, made)
        return made

    def _method(self, item: JsonObject, own_id: str) -> JsonObject:
        self._keys += 1
        self._chars += _key_chars(item)
        try:
            if self._keys > MAX_KEYS or self._chars > MAX_KEY_CHARS:
                raise KeyRefused("behind the keys that are converted")
            return _method_in(item, self._name)
        except KeyRefused:
            self.left.append(own_id)
            return item


def _is_in_format(method: JsonObject, name: str) -> bool:
    return method.get("type") == name and method.get(CONVERSIONS[name]) is not None


def _method_in(method: JsonObject, name: str) -> JsonObject:
    """
    Return a verification method in the format `name`.

    Raises:
        KeyRefused: as `_key_in`.
    """
    key, member = _key_in(method), CONVERSIONS[name]
    value: Any = multikey_of(key) if name == "Multikey" else method.get(member) or jwk_of(key)
    return {
        (member if part in KEY_MATERIAL else part): (
            name if part == "type" else value if part in KEY_MATERIAL else content
        )
        for part, content in method.items()
    }


def _key_in(method: JsonObject) -> PublicKey:
    """
    Return the key in a verification method, whatever form it has.

    A JWK, a multikey and a PEM text tell what key they are, under any type of method; bytes do not.

    Raises:
        KeyRefused: there is none, or none that we can read; or it is not of the type that the method's type says.
    """
    expected = _KEY_TYPES.get(str(method.get("type")))
    held = (name for name in KEY_MATERIAL & method.keys() if method[name] is not None)
    member = next(held, "")  # A document with two in one method is refused.
    key = _key_of(member, method.get(member), expected)
    if expected is not None and jwk_of(key).get("crv", "") != expected.curve:
        raise KeyRefused("the key is not of the type of the verification method")
    return key


def _key_of(member: str, value: Any, expected: KeyType | None) -> PublicKey:
    if member == "publicKeyJwk" and isinstance(value, dict):
        return jwk_to_key(value)
    if member == "publicKeyMultibase" and isinstance(value, str):
        return decode_multikey(value).public_key
    if member == "publicKeyPem" and isinstance(value, str):
        return pem_to_key(value)
    if member in _DECODERS and isinstance(value, str) and expected is not None:
        return _key_of_bytes(member, value, expected)
    raise KeyRefused("no key, or in a form that is not known")


def _key_of_bytes(member: str, text: str, key_type: KeyType) -> PublicKey:
    """Return the key of bytes without a prefix; those of a curve's point may be compressed or not (SEC 1)."""
    try:
        raw = _DECODERS[member](text)
        if key_type.curve in CURVES:
            return EllipticCurvePublicKey.from_encoded_point(CURVES[key_type.curve], raw)
    except ValueError as error:
        raise KeyRefused(str(error)) from None
    return decode_multikey(multibase_of(key_type, raw)).public_key


_DECODERS: dict[str, Callable[[str], bytes]] = {
    "publicKeyBase58": decode_base58btc,
    "publicKeyBase64": partial(b64decode, validate=True),
    "publicKeyHex": bytes.fromhex,
}


def _key_chars(method: JsonObject) -> int:
    """Return how many characters of key a method has: what to read and to write it costs."""
    held = [method[name] for name in KEY_MATERIAL & method.keys()]
    texts = [text for value in held for text in (value.values() if isinstance(value, dict) else [value])]
    return sum(len(text) for text in texts if isinstance(text, str))


def _warning(left: list[str], name: str) -> JsonObject:
    named = ", ".join(own_id[-MAX_NAME_CHARS:] for own_id in left[:MAX_NAMED])
    more = f", and {len(left) - MAX_NAMED} more" if len(left) > MAX_NAMED else ""
    return {
        "code": "key-not-converted",
        "detail": f"as published, since no key was found in it that can be written as a {name}, or it is behind "
        f"the first {MAX_KEYS} keys or {MAX_KEY_CHARS:,} characters of keys: {named}{more}",
    }
