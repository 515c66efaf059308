"""
did:peer, documents that travel inside their DIDs. Pure.

Peer DID Method (decentralized-identity/peer-did-method-spec, 2024-12): numalgo 0, a key; 2, keys and services;
4, a whole document behind its hash. Numalgo 1 and 3 and the short form of 4 are hashes of documents that only the
peers have: NOT_FOUND.

A document that is built from its DID is then read as one that a stranger serves would be (`read_document`), since
a stranger wrote it: no secret keys, and the shapes of DID Core.
"""

from hashlib import sha256
from typing import Any

from resolver.did import MAX_DID_BYTES, Did
from resolver.documents.document import MAX_DOCUMENT_BYTES, read_document
from resolver.documents.members import DID_V1, RELATIONSHIPS
from resolver.encoding import (
    EncodingError,
    decode_base64url,
    decode_multibase,
    encode_base58btc,
    read_varint,
)
from resolver.errors import InvalidDid, InvalidDidDocument, NotFound
from resolver.keys.multikey import Multikey
from resolver.lint.omissions import without_omissions
from resolver.methods.key import ECDH_CURVES, document_of, multikey_in, warnings_of
from resolver.methods.method import ComputedMethod, refuse_public_key_format, refuse_versions
from resolver.results import JsonObject, Options, Resolved
from wire import JsonError, encode, read

_CONTEXT = (DID_V1, "https://w3id.org/security/multikey/v1")
_PURPOSES = {
    "A": "assertionMethod",
    "E": "keyAgreement",
    "V": "authentication",
    "I": "capabilityInvocation",
    "D": "capabilityDelegation",
}
# Common String Abbreviations; they hold for the names of members at any depth, the last for types only.
_NAMES = {"t": "type", "s": "serviceEndpoint", "r": "routingKeys", "a": "accept"}
_TYPES = {"dm": "DIDCommMessaging"}

_SHA2_256 = b"\x12\x20"  # multihash: the code of SHA2-256, and 32 bytes
_JSON = 0x0200  # multicodec


class PeerMethod(ComputedMethod):
    """did:peer; what is resolvable at all is computed from the DID."""

    name = "peer"

    def plan(self, did: Did, options: Options) -> Resolved:
        """
        Return the document of a did:peer.

        Raises:
            InvalidDid: another numalgo, or not what the numalgo demands; a document or key that we refuse.
            NotFound: a DID that is a hash only.
            FeatureNotSupported: a version, publicKeyFormat or keyAgreement, a key type that is not ours.
        """
        read_numalgo = _NUMALGOS.get(did.method_specific_id[0])
        if read_numalgo is None:
            raise InvalidDid("did:peer: expected numalgo 0, 1, 2, 3 or 4")
        refuse_versions(options)
        refuse_public_key_format(options, did.method)
        return read_numalgo(did, options)


def _of_key(did: Did, options: Options) -> Resolved:
    """Numalgo 0: the document is that of the did:key."""
    multibase = _base58btc(did.method_specific_id[1:])
    key = multikey_in(did, multibase, options)
    document = document_of(did.text, multibase, key, options)
    return Resolved(did=did.text, document=document, resolution_metadata=warnings_of(key))


def _of_keys_and_services(did: Did, _: Options) -> Resolved:
    """
    Numalgo 2 (section Resolving a did:peer:2).

    1. Each element after a "." is a purpose and a key, or "S" and a service.
    2. Keys are `#key-1`, `#key-2`, ... in their order; services without an id `#service`, `#service-1`, ...
    3. `alsoKnownAs` has the numalgo 3 form.
    """
    elements = _elements(did)  # 1.
    keys = [_key(did, element) for element in elements if not element.startswith("S")]
    services = [
        service for element in elements if element.startswith("S") for service in _services(element[1:])
    ]
    document = {
        "@context": list(_CONTEXT),
        "id": did.text,
        **_methods_of(did, keys),  # 2.
        "service": _named(services),
        "alsoKnownAs": ["did:peer:3" + _multihash(did.method_specific_id[1:])],  # 3.
    }
    return _resolved(did, {name: member for name, member in document.items() if member})


def _elements(did: Did) -> list[str]:
    head, *elements = did.method_specific_id[1:].split(".")
    if head or not elements:
        raise InvalidDid('did:peer:2: expected elements, each after a "."')
    if len(elements) * len(did.text) > MAX_DOCUMENT_BYTES:  # Each key's controller is the DID.
        raise InvalidDid(f"did:peer:2: {len(elements)} elements are too many for a DID of this length")
    return elements


def _key(did: Did, element: str) -> tuple[str, str, Multikey]:
    """
    Return the relationship, the multibase text and the key of an element. No experimental types: there may be many
    keys, and some of those cost a millisecond each.
    """
    relationship, multibase = _PURPOSES.get(element[:1]), _base58btc(element[1:])
    if relationship is None:
        raise InvalidDid("did:peer:2: expected a purpose of A, D, E, I, S or V")
    key = multikey_in(did, multibase)
    can_agree = key.agrees or key.key_type in ECDH_CURVES
    if key.agrees if relationship != "keyAgreement" else not can_agree:
        raise InvalidDid(f"did:peer:2: a key of type {key.key_type.codec} is not for {relationship}")
    return relationship, multibase, key


def _methods_of(did: Did, keys: list[tuple[str, str, Multikey]]) -> JsonObject:
    members: JsonObject = {"verificationMethod": []} | {name: [] for name in RELATIONSHIPS}
    for number, (relationship, multibase, _) in enumerate(keys, start=1):
        own_id = f"#key-{number}"
        members["verificationMethod"].append(
            {"id": own_id, "type": "Multikey", "controller": did.text, "publicKeyMultibase": multibase}
        )
        members[relationship].append(own_id)
    return members


def _named(services: list[JsonObject]) -> list[JsonObject]:
    unnamed = (service for service in services if service.get("id") is None)
    for number, service in enumerate(unnamed):
        service["id"] = f"#service-{number}" if number else "#service"
    return services


def _services(text: str) -> list[JsonObject]:
    """Return a service, or several: until 2023 they stood in one element, as a list."""
    try:
        decoded = _expanded(read(decode_base64url(text), max_bytes=MAX_DID_BYTES))
    except (EncodingError, JsonError) as error:
        raise InvalidDid(f"did:peer:2: a service: {error}") from None
    services = decoded if isinstance(decoded, list) else [decoded]
    if not all(isinstance(service, dict) for service in services):
        raise InvalidDid("did:peer:2: a service is not a JSON object")
    return services


def _expanded(value: Any) -> Any:
    if isinstance(value, list):
        return [_expanded(item) for item in value]
    if not isinstance(value, dict):
        return value
    members = {_NAMES.get(name, name): _expanded(member) for name, member in value.items()}
    if len(members) < len(value):
        raise InvalidDid("did:peer:2: a service has a member and its abbreviation")
    if isinstance(kind := members.get("type"), str):
        members["type"] = _TYPES.get(kind, kind)
    return members


def _of_document(did: Did, _: Options) -> Resolved:
    """
    Numalgo 4 (section Resolving a DID).

    1. The hash is that of the encoded document.
    2. The document has no id and names nothing by an absolute id of its own.
    3. It gets the DID as its id and as the controller of methods without one, and the short form as an alias.
    """
    short, colon, encoded = did.method_specific_id.partition(":")
    if not colon:
        return _hash_only(did, _)
    if short[1:] != _multihash(encoded):  # 1.
        raise InvalidDid("did:peer:4: the hash is not that of the document")
    document = _document_in(encoded)
    if "id" in document:  # 2.
        raise InvalidDid("did:peer:4: the encoded document has an id")
    also = document.get("alsoKnownAs")
    if not isinstance(also, list | None):
        raise InvalidDid("did:peer:4: alsoKnownAs is not a list")
    for method in _methods(document):
        if method.get("controller") is None:
            method["controller"] = did.text  # 3.
    return _resolved(did, document | {"id": did.text, "alsoKnownAs": [*(also or []), f"did:peer:{short}"]})


def _document_in(encoded: str) -> JsonObject:
    try:
        code, text = read_varint(decode_multibase(encoded, max_chars=MAX_DID_BYTES))
        document = read(text, max_bytes=MAX_DID_BYTES)
    except (EncodingError, JsonError) as error:
        raise InvalidDid(f"did:peer:4: {error}") from None
    if code != _JSON or not isinstance(document, dict):
        raise InvalidDid("did:peer:4: expected a JSON object, with the multicodec of JSON")
    return document


def _methods(document: JsonObject) -> list[JsonObject]:
    lists = (document.get(name) for name in ("verificationMethod", *RELATIONSHIPS))
    return [item for items in lists if isinstance(items, list) for item in items if isinstance(item, dict)]


def _hash_only(did: Did, _: Options) -> Resolved:
    """Numalgo 1, 3 and 4 without its document."""
    try:
        decoded = decode_multibase(did.method_specific_id[1:])
    except EncodingError as error:
        raise InvalidDid(f"did:peer: {error}") from None
    if not decoded.startswith(_SHA2_256) or len(decoded) != len(_SHA2_256) + 32:
        raise InvalidDid("did:peer: expected the multihash of a SHA2-256 hash")
    raise NotFound("a did:peer that is a hash only is known to its peers; ask with the long form")


def _resolved(did: Did, document: JsonObject) -> Resolved:
    try:
        document, told = without_omissions(read_document(encode(document), did.text))
    except InvalidDidDocument as error:
        raise InvalidDid(f"did:peer: {error.detail}") from None
    _refuse_absolute_ids(document)
    return Resolved(
        did=did.text, document=document, resolution_metadata={"warnings": list(told)} if told else {}
    )


def _refuse_absolute_ids(document: JsonObject) -> None:
    """Refuse ids that are not relative (both numalgos: MUST): they could be those of another DID's keys."""
    for found in (*_methods(document), *document.get("service", [])):
        if not found.get("id", "#").startswith("#"):
            raise InvalidDid("did:peer: the id of a method or service is not relative")


def _base58btc(multibase: str) -> str:
    if not multibase.startswith("z"):
        raise InvalidDid('did:peer: expected multibase base58btc, which begins with "z"')
    return multibase


def _multihash(text: str) -> str:
    return "z" + encode_base58btc(_SHA2_256 + sha256(text.encode()).digest())


_NUMALGOS = {
    "0": _of_key,
    "1": _hash_only,
    "2": _of_keys_and_services,
    "3": _hash_only,
    "4": _of_document,
}

PEER = PeerMethod()
