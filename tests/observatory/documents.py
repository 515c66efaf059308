"""did:web documents that tests publish: keys by name, so that a test says which key it means."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from resolver.keys.multikey import jwk_of, multikey_of

DID = "did:web:uni.example"
PATH = "/.well-known/did.json"


def public_key(name: str) -> Any:
    return Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b".")).public_key()


def a_document(*keys: str, did: str = DID, **members: Any) -> dict[str, Any]:
    """Return a document with those Ed25519 keys as Multikeys (`#<name>`), each for assertions."""
    methods = [
        {
            "id": f"{did}#{name}",
            "type": "Multikey",
            "controller": did,
            "publicKeyMultibase": multikey_of(public_key(name)),
        }
        for name in keys
    ]
    return {
        "@context": ["https://www.w3.org/ns/did/v1.1"],
        "id": did,
        "verificationMethod": methods,
        "assertionMethod": [method["id"] for method in methods],
        **members,
    }


def as_jwk(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the document with that key as a JsonWebKey, under the same id."""
    methods = [
        {
            "id": method["id"],
            "type": "JsonWebKey",
            "controller": method["controller"],
            "publicKeyJwk": jwk_of(public_key(name)),
        }
        if method["id"].endswith(f"#{name}")
        else method
        for method in document["verificationMethod"]
    ]
    return document | {"verificationMethod": methods}
