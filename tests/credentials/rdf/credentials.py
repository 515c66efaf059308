"""
Credentials with proofs over RDF, for the tests: made by us, over what pyoxigraph canonicalises.
"""

from typing import Any

import base58
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from credentials.rdf.__main__ import outcome_of
from credentials.rdf.contexts import known_contexts
from credentials.rdf.job import Done, Job
from proofs import JsonObject, KeySigner
from proofs.algorithms import Algorithm
from proofs.suites import hash_data

CONTEXTS = known_contexts(None)
V1 = "https://www.w3.org/2018/credentials/v1"
V2 = "https://www.w3.org/ns/credentials/v2"
EXAMPLES = "https://www.w3.org/ns/credentials/examples/v2"
ED25519_2020 = "https://w3id.org/security/suites/ed25519-2020/v1"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
METHOD = "did:example:issuer#key"


def credential(**members: Any) -> JsonObject:
    """Return a credential under two known contexts, with `members` besides, or instead."""
    return {
        "@context": [V2, EXAMPLES],
        "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
        "type": ["VerifiableCredential", "ExampleDegree"],
        "issuer": "did:example:issuer",
        "validFrom": "2026-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:holder", "degree": {"type": "Master", "name": "Physics"}},
        **members,
    }


def in_process(options: JsonObject, document: JsonObject, hash_name: str) -> tuple[bytes, bytes]:
    """A `proofs.Canonicalize` that does it here."""
    outcome = outcome_of(Job(options, document, hash_name), CONTEXTS)
    if isinstance(outcome, Done):
        return outcome.options, outcome.document
    raise outcome.error


def signed(document: JsonObject, *, signer: KeySigner | None = None, **options: Any) -> JsonObject:
    """
    Return `document` with an eddsa-rdfc-2022 proof, or one with other options; an option of None is left out.

    `signer` has an Ed25519 key; None: `KEY`, as `METHOD`.
    """
    proof: JsonObject = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-rdfc-2022",
        "verificationMethod": METHOD if signer is None else signer.verification_method,
        "proofPurpose": "assertionMethod",
        **options,
    }
    proof = {name: value for name, value in proof.items() if value is not None}
    canonical = in_process({**proof, "@context": document["@context"]}, document, "sha256")
    signature = (signer or KEY).sign(hash_data(canonical, Algorithm.ED25519))
    return {**document, "proof": {**proof, "proofValue": "z" + base58.b58encode(signature).decode()}}
