"""
What DID documents are made of: their contexts, the members that hold methods and keys, and the maps in them. Pure.

Decentralized Identifiers v1.1 and Controlled Identifiers v1.0 (CID), section 2.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from resolver.results import JsonObject

DID_V1 = "https://www.w3.org/ns/did/v1"
DID_V1_1 = "https://www.w3.org/ns/did/v1.1"  # defines the terms of Multikey and JsonWebKey; v1 does not

# CID, section 2.3 (Verification Relationships).
RELATIONSHIPS = (
    "authentication",
    "assertionMethod",
    "capabilityInvocation",
    "capabilityDelegation",
    "keyAgreement",
)
SIGNATURE_RELATIONSHIPS = RELATIONSHIPS[:4]

# Ways to write a public key that are in use; CID, section 2.2: one of them in each verification method.
KEY_MATERIAL = frozenset(
    {
        "publicKeyJwk",
        "publicKeyMultibase",
        "publicKeyBase58",
        "publicKeyHex",
        "publicKeyPem",
        "publicKeyBase64",
    }
)

# Members of a document that may be absent; writers of JSON that know no absence write null for them.
OPTIONAL_MEMBERS = ("controller", "alsoKnownAs", "verificationMethod", *RELATIONSHIPS, "service")


def maps_of(value: Any) -> Iterator[JsonObject]:
    """
    Yield every map in a JSON value, itself included, outer before inner; `@context` is not entered.

    A loop, not a recursion: generators inside one another cost their depth for every map.
    """
    pending = [value]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            yield value
            inner: Sequence[Any] = [member for name, member in value.items() if name != "@context"]
        else:
            inner = value if isinstance(value, list) else ()
        pending += [item for item in reversed(inner) if isinstance(item, (dict, list))]


def embedded_methods(document: JsonObject, name: str) -> Iterator[JsonObject]:
    """Yield the methods that stand in a property; references are passed over."""
    items = document.get(name)
    return (item for item in (items if isinstance(items, list) else ()) if isinstance(item, dict))
