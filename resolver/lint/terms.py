"""
Which terms the well-known JSON-LD contexts of DID documents define. Pure; facts of ours, nothing is ever fetched.

A context that is not in the table may define anything: where one is used, nothing is said of terms.

Sources: the contexts named by DID v1.0 and v1.1, Controlled Identifiers v1.0, the Linked Data cryptographic suites
of the W3C Credentials Community Group, DIDComm v2, Linked Verifiable Presentation and Well Known DID Configuration.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec

from resolver.results import JsonObject

# Past these nothing is said of terms: a document needs far fewer, and the time to look at them is bounded.
MAX_CONTEXTS = 64
MAX_DEFINITIONS = 256
MAX_INNER_BYTES = 16_384  # of JSON, of the contexts inside methods and services; 256 methods name one each

_CORE = frozenset(
    {
        "id",
        "type",
        "alsoKnownAs",
        "assertionMethod",
        "authentication",
        "capabilityDelegation",
        "capabilityInvocation",
        "controller",
        "keyAgreement",
        "service",
        "verificationMethod",
    }
)
_MULTIKEY = frozenset({"controller", "expires", "revoked", "publicKeyMultibase"})
_JSON_WEB_KEY = frozenset({"controller", "expires", "revoked", "publicKeyJwk"})
_SECURITY_V1 = frozenset(
    {"id", "type", "created", "expires", "owner", "publicKey", "publicKeyBase58", "publicKeyPem", "revoked"}
)
_RELATIONSHIPS = _CORE - {"alsoKnownAs", "service"}
_SUITES = "https://w3id.org/security/suites"
_DIDCOMM = frozenset({"uri", "accept", "routingKeys"})


class Terms(msgspec.Struct, frozen=True):
    """
    What contexts define.

    Attributes:
        anywhere: terms defined in every map.
        by_type: terms that a map of a type has beside these; the keys are terms themselves.
        scoped: what the definition of a term brings along for a map of that type, or under that member.
        is_open: everything is defined, or may be: `@vocab`, or a context that we do not know.
        unknown: the positions in `@context` of the contexts that we do not know.
        outer: what is defined around these, where they stand in a part of a document.
    """

    anywhere: frozenset[str]
    by_type: dict[str, frozenset[str]] = {}
    scoped: "dict[str, Terms]" = {}
    is_open: bool = False
    unknown: tuple[int, ...] = ()
    outer: "Terms | None" = None

    def defines(self, member: str, types: list[str]) -> bool:
        """Tell whether a member's name, in a map of these types, is defined."""
        if self.is_open or member.startswith("@") or ":" in member or member in self.anywhere:
            return True
        if member in self.by_type or any(member in self.by_type.get(kind, ()) for kind in types):
            return True
        if any(self.scoped[kind].defines(member, types) for kind in types if kind in self.scoped):
            return True
        return self.outer is not None and self.outer.defines(member, types)

    def defines_type(self, kind: str) -> bool:
        """Tell whether the value of a `type` is defined; an IRI always is."""
        if self.is_open or ":" in kind or kind in self.by_type or kind in self.anywhere:
            return True
        return self.outer is not None and self.outer.defines_type(kind)


def _suite(kind: str, *members: str) -> Terms:
    return Terms(frozenset({"id", "type"}), {kind: frozenset({"controller", "revoked", *members})})


# `serviceEndpoint` is defined inside `service` only; there is no other place for it.
_DID_V1 = Terms(_CORE | {"serviceEndpoint"})
_V1_1 = Terms(_CORE | {"serviceEndpoint"}, {"Multikey": _MULTIKEY, "JsonWebKey": _JSON_WEB_KEY})

CONTEXTS: dict[str, Terms] = {
    "https://www.w3.org/ns/did/v1": _DID_V1,
    "https://w3id.org/did/v1": _DID_V1,
    "https://www.w3.org/ns/did/v1.1": _V1_1,
    "https://www.w3.org/ns/cid/v1": _V1_1,
    "https://w3id.org/security/multikey/v1": Terms(frozenset({"id", "type"}), {"Multikey": _MULTIKEY}),
    "https://w3id.org/security/jwk/v1": Terms(frozenset({"id", "type"}), {"JsonWebKey": _JSON_WEB_KEY}),
    "https://w3id.org/security/data-integrity/v1": Terms(frozenset({"id", "type", "proof"})),
    "https://w3id.org/security/data-integrity/v2": Terms(frozenset({"id", "type", "proof"})),
    "https://w3id.org/security/v1": Terms(_SECURITY_V1, {"CryptographicKey": frozenset()}),
    "https://w3id.org/security/v2": Terms(
        _SECURITY_V1 | _RELATIONSHIPS | {"proof"},
        {
            "Ed25519VerificationKey2018": frozenset(),
            "X25519KeyAgreementKey2019": frozenset(),
            "EcdsaSecp256k1VerificationKey2019": frozenset(),
            "EcdsaSecp256r1VerificationKey2019": frozenset(),
            "RsaVerificationKey2018": frozenset(),
        },
    ),
    f"{_SUITES}/ed25519-2018/v1": _suite("Ed25519VerificationKey2018", "publicKeyBase58"),
    f"{_SUITES}/ed25519-2020/v1": _suite("Ed25519VerificationKey2020", "publicKeyMultibase"),
    f"{_SUITES}/x25519-2019/v1": _suite("X25519KeyAgreementKey2019", "publicKeyBase58"),
    f"{_SUITES}/x25519-2020/v1": _suite("X25519KeyAgreementKey2020", "publicKeyMultibase"),
    f"{_SUITES}/jws-2020/v1": _suite("JsonWebKey2020", "publicKeyJwk"),
    f"{_SUITES}/secp256k1-2019/v1": _suite(
        "EcdsaSecp256k1VerificationKey2019", "publicKeyJwk", "publicKeyBase58", "publicKeyMultibase"
    ),
    f"{_SUITES}/secp256k1recovery-2020/v2": _suite(
        "EcdsaSecp256k1RecoveryMethod2020", "blockchainAccountId", "publicKeyJwk"
    ),
    "https://didcomm.org/messaging/contexts/v2": Terms(_DIDCOMM, {"DIDCommMessaging": frozenset()}),
    "https://identity.foundation/linked-vp/contexts/v1": Terms(
        frozenset(), {"LinkedVerifiablePresentation": frozenset()}
    ),
    "https://identity.foundation/.well-known/did-configuration/v1": Terms(
        frozenset({"origin", "linked_dids"}), {"LinkedDomains": frozenset()}
    ),
}


def terms_of(context: Any, outer: Terms | None = None) -> Terms:
    """
    Return what an `@context` defines: a string, an object, null, or a list of these.

    JSON-LD 1.1, section 4.1: `outer` goes on being defined, unless a null takes back all that comes before it.
    """
    items = context if isinstance(context, list) else [context]
    if len(items) > MAX_CONTEXTS:
        return Terms(frozenset(), is_open=True)
    if outer is None and all(isinstance(item, str) and item in CONTEXTS for item in items):
        return _terms_of_known(tuple(items))  # So are nearly all: the same few, in the same order.
    return _merged(items, outer)


@lru_cache(256)
def _terms_of_known(names: tuple[str, ...]) -> Terms:
    return _merged(names, None)


def _merged(items: Sequence[Any], outer: Terms | None) -> Terms:
    start = max((position + 1 for position, item in enumerate(items) if item is None), default=0)
    known = [_terms_of_item(item) for item in items[start:]]
    by_type: dict[str, frozenset[str]] = {}
    for terms in known:
        for kind, members in () if terms is None else terms.by_type.items():
            by_type[kind] = by_type.get(kind, frozenset()) | members
    unknown = tuple(position for position, terms in enumerate(known, start) if terms is None)
    return Terms(
        frozenset[str]().union(*(terms.anywhere for terms in known if terms is not None)),
        by_type,
        {name: scoped for terms in known if terms is not None for name, scoped in terms.scoped.items()},
        is_open=bool(unknown) or any(terms is not None and terms.is_open for terms in known),
        unknown=unknown,
        outer=None if start else outer,
    )


def terms_in(part: JsonObject, member: str, outer: Terms) -> Terms:
    """
    Return what is defined in a map that stands under `member` of the document, where `outer` is defined.

    JSON-LD 1.1, section 4.1: what the definition of the member brings along (property-scoped), then the map's own
    `@context`. Those of its types are looked up by `Terms.defines`.
    """
    scoped = outer.scoped.get(member)
    terms = outer if scoped is None else msgspec.structs.replace(scoped, outer=outer)
    return terms_of(part["@context"], terms) if "@context" in part else terms


def _terms_of_item(item: Any) -> Terms | None:
    """Return the terms of one context, or None where we do not know it."""
    if isinstance(item, str):
        return CONTEXTS.get(item)
    return _terms_of_definitions(item) if isinstance(item, dict) and "@import" not in item else None


def _terms_of_definitions(definitions: JsonObject) -> Terms:
    """Return the terms of a context that stands in the document (JSON-LD 1.1, section 9.15)."""
    if len(definitions) > MAX_DEFINITIONS:
        return Terms(frozenset(), is_open=True)
    names = frozenset(name for name in definitions if not name.startswith("@"))
    scoped = {
        name: terms_of(definition["@context"])
        for name, definition in definitions.items()
        if name in names and isinstance(definition, dict) and "@context" in definition
    }
    return Terms(names, scoped=scoped, is_open=definitions.get("@vocab") is not None)
