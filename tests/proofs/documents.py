"""Keys, signers and documents that the tests of `proofs` share."""

import copy
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proofs import Algorithm, JsonObject, KeySigner, PrivateKey
from tests.proofs.w3c_vectors import VECTORS

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


W3C_DOCUMENT = VECTORS["eddsa-jcs-2022"].document
W3C_KEY = VECTORS["eddsa-jcs-2022"].private_key.public_key()


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
