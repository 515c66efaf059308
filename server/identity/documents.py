"""
DID documents of issuers, from the rows of their keys. Pure.

DID v1.1 and Controlled Identifiers v1.0. A key is listed under `assertionMethod` in two shapes: `#<id>` as Multikey
(what Data Integrity verifiers read) and `#<id>-jwk` as JsonWebKey (what VC-JOSE-COSE verifiers read, section 3.3.1
there).
"""

from collections.abc import Collection, Iterable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from operators import Issuer, IssuerKey, KeyState
from resolver.keys.multikey import jwk_of, multikey_of

JWK_SUFFIX = "-jwk"

JsonObject = dict[str, Any]


def method_ids(did: str, key_id: str) -> tuple[str, str]:
    """Return the DID URLs of a key: of its Multikey, and of its JsonWebKey."""
    return f"{did}#{key_id}", f"{did}#{key_id}{JWK_SUFFIX}"


def methods_of(issuer: Issuer, key: IssuerKey) -> tuple[JsonObject, ...]:
    """Return the verification methods of a key; () while its public half is not known."""
    if key.public_key is None:
        return ()
    public_key = public_key_of(key)
    multikey, jwk = method_ids(issuer.did, key.key_id)
    shared = {"controller": issuer.did}
    return (
        {"id": multikey, "type": "Multikey", **shared, "publicKeyMultibase": multikey_of(public_key)},
        {"id": jwk, "type": "JsonWebKey", **shared, "publicKeyJwk": jwk_of(public_key)},
    )


def did_document(
    issuer: Issuer, keys: Collection[IssuerKey], now: int, services: tuple[JsonObject, ...] = ()
) -> JsonObject | None:
    """
    Return the document of an issuer that we host; None where a key that signs, or shall, is not known (see
    `IssuerKey`), or none at all: a node of a release before 0.3 has just added it.

    A retired key that is not known is left out: what it signed cannot be verified, and what is signed now can.

    Args:
        keys: every key of the issuer.
        now: microseconds since 1970.
        services: what its subject offers (Controlled Identifiers v1.0, section 2.1.4).
    """
    published = [key for key in keys if key.is_published(now)]
    if not keys or any(key.public_key is None and key.state is not KeyState.RETIRED for key in published):
        return None
    return {
        "@context": ["https://www.w3.org/ns/did/v1.1"],
        "id": issuer.did,
        **published_members(issuer, published, now),
        **({"service": list(services)} if services else {}),
    }


def published_members(issuer: Issuer, keys: Iterable[IssuerKey], now: int) -> JsonObject:
    """Return what the keys of an issuer are in its document at `now`; those that are not known are left out."""
    methods = [method for key in keys if key.is_published(now) for method in methods_of(issuer, key)]
    return {"verificationMethod": methods, "assertionMethod": [method["id"] for method in methods]}


def public_key_of(key: IssuerKey) -> Ed25519PublicKey | EllipticCurvePublicKey:
    """Return the public half of a key, which must be known."""
    assert key.public_key is not None, "asked of keys that are known"
    public_key = load_der_public_key(key.public_key)
    assert isinstance(public_key, Ed25519PublicKey | EllipticCurvePublicKey), "rows have our three algorithms"
    return public_key
