"""
Secret keys in documents: looked for everywhere, and never passed on. Pure.

A secret that was published is anybody's: who resolves the DID must not be handed it, nor a log or a cache.
"""

from collections.abc import Iterator
from typing import Any

from resolver.documents.members import KEY_MATERIAL, maps_of
from resolver.errors import InvalidDidDocument, KeyRefused, SecretKeyFound
from resolver.keys.jwk import refuse_private
from resolver.keys.multikey import refuse_secret_multibase
from resolver.results import JsonObject
from wire import encode

MAX_KEYS = 1_024  # maps with a key in them; to look for a secret in one takes 3 microseconds

# CID, section 2.2 (secretKeyJwk, secretKeyMultibase), and its predecessors: never part of a document.
_SECRET_PREFIXES = ("secretKey", "privateKey")
# RFC 7468, sections 10 and 11, and the older forms; RFC 9580, section 6.2; RFC 4716 and what came with it.
_SECRET_ARMOUR = ("PRIVATE KEY-----", "PRIVATE KEY BLOCK-----", "PRIVATE KEY ----")
# Without one of these in its JSON, a document has a secret at most in what it calls a public key. The encoder
# escapes no letter: however a stranger spelled them, here they stand as they are.
_SIGNS_OF_SECRETS = (b"PRIVATE KEY", b'"secretKey', b'"privateKey', b'"kty"')


def refuse_secrets(document: JsonObject) -> None:
    """
    Refuse secret keys, and public keys of a shape in which they could not be looked for.

    Raises:
        InvalidDidDocument: there is one, anywhere in the document; or over `MAX_KEYS` keys of any kind.
    """
    encoded = encode(document)
    is_suspect = any(sign in encoded for sign in _SIGNS_OF_SECRETS)
    keys, pending = 0, [(document, False)]
    while pending:
        value, is_context = pending.pop()
        for found in maps_of(value):
            has_key = not KEY_MATERIAL.isdisjoint(found)
            if is_suspect or has_key:
                refuse_secrets_in(found, is_context=is_context)
            keys += has_key
            if "@context" in found:
                pending.append((found["@context"], True))
    if keys > MAX_KEYS:
        raise InvalidDidDocument(f"over {MAX_KEYS} keys")


def refuse_secrets_in(found: JsonObject, *, is_context: bool = False) -> None:
    """
    Refuse one map of a document, for what it holds itself.

    Args:
        is_context: it stands in a JSON-LD context, where names of secret keys may be defined.

    Raises:
        SecretKeyFound: secret key material, or a key in a base in which it is not looked for.
        InvalidDidDocument: a public key of a shape in which it could not be looked for.
    """
    for name, value in found.items():
        if _is_armoured(name) or (value.__class__ in (str, list) and any(map(_is_armoured, _texts(value)))):
            raise SecretKeyFound("the document has a private key in PEM")
    if is_context:
        found = {name: value for name, value in found.items() if not _is_definition(value)}
    if any(name.startswith(_SECRET_PREFIXES) and found[name] is not None for name in found):
        raise SecretKeyFound("the document has secret key material")
    if "kty" in found:  # A JWK, whatever the member that holds it is called: `jwks`, an extension.
        _refuse_private_jwk(found)
    for name, value in found.items():  # In their order, so that of two faults the first is told, everywhere.
        if name in KEY_MATERIAL and value is not None:
            _check_key_material(name, value)


def _is_armoured(text: str) -> bool:
    return "PRIVATE KEY" in text and any(armour in text for armour in _SECRET_ARMOUR)


def _texts(value: Any) -> Iterator[str]:
    """Yield a string, or those in a list and in the lists in it; maps are looked at by themselves."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _is_definition(value: Any) -> bool:
    """Tell whether a context defines a term so (JSON-LD 1.1, section 9.15.1): an IRI, keywords, or null."""
    if isinstance(value, dict):
        return all(name.startswith("@") for name in value)
    return value is None or (isinstance(value, str) and (":" in value or value.startswith("@")))


def _refuse_private_jwk(jwk: JsonObject) -> None:
    try:
        refuse_private(jwk)
    except KeyRefused as error:
        raise SecretKeyFound(f"in a JWK: {error}") from None


def _check_key_material(name: str, value: Any) -> None:
    wanted = dict if name == "publicKeyJwk" else str
    if not isinstance(value, wanted):
        raise InvalidDidDocument(f"{name}: expected {'an object' if wanted is dict else 'a string'}")
    try:
        if isinstance(value, dict):
            refuse_private(value)
        elif name == "publicKeyMultibase":
            refuse_secret_multibase(str(value))
    except KeyRefused as error:
        raise SecretKeyFound(f"in {name}: {error}") from None
