"""
Which JSON-LD contexts define the verification methods of a document. Pure.

did/v1.1 defines Multikey and JsonWebKey; did/v1, which software bundles, defines no type at all, and needs the
context of each suite beside it (Controlled Identifiers v1.0, sections 2.2.2 and 2.2.3; W3C CCG suites).
"""

from typing import Any

from resolver.documents.members import DID_V1, DID_V1_1
from resolver.results import JsonObject

_SECURITY = "https://w3id.org/security"
MULTIKEY_V1 = f"{_SECURITY}/multikey/v1"
JWK_V1 = f"{_SECURITY}/jwk/v1"
JWS_2020 = f"{_SECURITY}/suites/jws-2020/v1"

_OF_TYPE = {"Multikey": MULTIKEY_V1, "JsonWebKey": JWK_V1, "JsonWebKey2020": JWS_2020}
_DEFINES_BOTH = frozenset({DID_V1_1, "https://www.w3.org/ns/cid/v1"})
_DEFINED_BY = {MULTIKEY_V1: _DEFINES_BOTH, JWK_V1: _DEFINES_BOTH}


def listed(context: Any) -> list[Any]:
    """Return an `@context` as a list; None, where there is none, as an empty one."""
    if context is None:
        return []
    return context if isinstance(context, list) else [context]


def with_contexts_of(document: JsonObject, types: set[str]) -> JsonObject:
    """Return the document with the contexts that it lacks of these types; where it has no `@context`, as it is."""
    if "@context" not in document:
        return document
    context = listed(document["@context"])
    have = {item for item in context if isinstance(item, str)}
    needed = [_OF_TYPE[kind] for kind in _OF_TYPE if kind in types]
    missing = [url for url in needed if url not in have and _DEFINED_BY.get(url, set()).isdisjoint(have)]
    return document | {"@context": [*context, *missing]} if missing else document


def with_contexts_of_v1(document: JsonObject) -> JsonObject:
    """Return a document of ours with did/v1 and the contexts of its types for did/v1.1; any other as it is."""
    if document.get("@context") != [DID_V1_1]:
        return document
    types = {method["type"] for method in document.get("verificationMethod", [])}
    return with_contexts_of(document | {"@context": [DID_V1]}, types)


def in_old_suites(document: JsonObject) -> JsonObject:
    """
    Return a document of ours as loaders of DID v1.0 read it: `with_contexts_of_v1`, JsonWebKey as JsonWebKey2020.

    The suite of 2020 is what they bundle, and what a did:key has in this form (`legacy_format_of`).
    """
    if document.get("@context") != [DID_V1_1]:
        return document
    methods = [
        method | {"type": "JsonWebKey2020"} if method["type"] == "JsonWebKey" else method
        for method in document.get("verificationMethod", [])
    ]
    return with_contexts_of_v1(document | {"verificationMethod": methods})
