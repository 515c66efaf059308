"""Keys, signers and documents that the tests of `proofs` share."""

import copy
from typing import Any

import base58
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from proofs import Algorithm, JsonObject, KeySigner, PrivateKey

PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
SIGNER = KeySigner(PRIVATE_KEY, "did:web:lists.example#status-1")
PUBLIC_KEY = PRIVATE_KEY.public_key()
# A key of each algorithm, and a signer with it; the same in every run.
KEYS: dict[Algorithm, PrivateKey] = {
    Algorithm.ED25519: PRIVATE_KEY,
    Algorithm.P256: ec.derive_private_key(256, ec.SECP256R1()),
    Algorithm.P384: ec.derive_private_key(384, ec.SECP384R1()),
}
SIGNERS = {name: KeySigner(key, "did:web:lists.example#status-1") for name, key in KEYS.items()}
LIST_URL = "https://lists.example/status-lists/7/revocation"


# w3c/vc-di-eddsa, TestVectors/eddsa-jcs-2022/signedJCS.json (and appendix B of the recommendation).
CONTEXTS = ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"]
W3C_DOCUMENT: JsonObject = {
    "@context": CONTEXTS,
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "name": "Alumni Credential",
    "description": "A minimum viable example of an Alumni Credential.",
    "issuer": "https://vc.example/issuers/5678",
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
    "proof": {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": (
            "https://vc.example/issuers/5678#z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
        ),
        "proofPurpose": "assertionMethod",
        "@context": CONTEXTS,
        "proofValue": (
            "z63t83Y53KfzJ5ZosfKTnqfMcKB2dmTrfjSaQjeNNjAD5srBowQfmWqeRb8rRjmeEuCBEsddF9LsVogtuTsijJKh4"
        ),
    },
}
W3C_KEY = Ed25519PublicKey.from_public_bytes(
    base58.b58decode("6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2")[2:]
)


def a_status_list(**changes: object) -> JsonObject:
    """Return an unsecured status list credential of our own shape; a change to None removes the member."""
    document: JsonObject = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": LIST_URL,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": "did:web:lists.example",
        "validFrom": "2026-01-01T00:00:00Z",
        "validUntil": "2026-01-02T00:00:00Z",
        "credentialSubject": a_subject(),
    }
    return {name: value for name, value in {**document, **changes}.items() if value is not None}


def a_subject(**changes: object) -> JsonObject:
    """Return the subject of a status list credential; a change to None removes the member."""
    subject: JsonObject = {
        "id": f"{LIST_URL}#list",
        "type": "BitstringStatusList",
        "statusPurpose": "revocation",
        "encodedList": "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA",
        "ttl": 300_000,
    }
    return {name: value for name, value in {**subject, **changes}.items() if value is not None}


def changed(document: JsonObject, *path: str, to: object) -> JsonObject:
    """Return a deep copy of `document` with the member at `path` set to `to` (None: removed)."""
    result = copy.deepcopy(document)
    parent: Any = result
    for name in path[:-1]:
        parent = parent[name]
    parent[path[-1]] = to
    if to is None:
        del parent[path[-1]]
    return result
