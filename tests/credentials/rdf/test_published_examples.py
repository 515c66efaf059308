"""
The signed credentials that the suites publish, byte for byte: they verify, and fail once anything is changed.

Data Integrity EdDSA and ECDSA Cryptosuites v1.0 (both W3C REC, 2025-05-15), appendix "Test Vectors", and
vc-di-eddsa's vector of Ed25519Signature2020; w3c/vc-di-eddsa and w3c/vc-di-ecdsa, folder TestVectors.
"""

from typing import Any

import pytest

from credentials.reading import read_credential
from proofs import JsonObject, ProofError, ProofInvalid, UnsupportedCryptosuite, verify_proof
from tests.credentials.rdf.credentials import ED25519_2020, in_process
from tests.proofs.w3c_vectors import (
    ALUMNI_CREDENTIAL,
    CONTEXTS,
    ED25519_KEY,
    P256_KEY,
    P384_KEY,
    VECTORS,
    Vector,
)
from wire import encode

NOW = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
rdfc_vectors = [vector for name, vector in VECTORS.items() if "rdfc" in name]
each_vector = pytest.mark.parametrize(
    "vector", rdfc_vectors, ids=lambda vector: vector.verification_method[:20]
)

_METHOD = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
ED25519_SIGNATURE_2020: JsonObject = {
    **ALUMNI_CREDENTIAL,
    "@context": [*CONTEXTS, ED25519_2020],
    "proof": {
        "type": "Ed25519Signature2020",
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": f"did:key:{_METHOD}#{_METHOD}",
        "proofPurpose": "assertionMethod",
        "proofValue": (
            "z57Mm1vboMtZiCyJ4aReZsv8co4Re64Y8GEjL1ZARzMbXZgkARFLqFs1P345NpPGG2hgCrS4nNdvJhpwnrNyG3kEF"
        ),
    },
}


@each_vector
def test_an_example_verifies(vector: Vector) -> None:
    verify_proof(vector.document, vector.private_key.public_key(), now=NOW, canonicalize_rdf=in_process)


@each_vector
@pytest.mark.parametrize("name", ["created", "verificationMethod"])
def test_an_example_with_other_options_fails(vector: Vector, name: str) -> None:
    document = vector.document
    document["proof"][name] = {"created": "2023-02-24T23:36:39Z"}.get(name, "did:key:zOther#zOther")

    with pytest.raises(ProofInvalid):
        verify_proof(document, vector.private_key.public_key(), now=NOW, canonicalize_rdf=in_process)


@each_vector
def test_an_example_with_another_statement_fails(vector: Vector) -> None:
    document = vector.document | {"description": "Another one."}

    with pytest.raises(ProofInvalid):
        verify_proof(document, vector.private_key.public_key(), now=NOW, canonicalize_rdf=in_process)


@each_vector
def test_without_what_canonicalises_it_is_not_decided(vector: Vector) -> None:
    with pytest.raises(UnsupportedCryptosuite):
        verify_proof(vector.document, vector.private_key.public_key(), now=NOW)


def test_the_former_signature_verifies_and_is_read_as_a_credential() -> None:
    secured = read_credential(encode(ED25519_SIGNATURE_2020), canonicalize_rdf=in_process)

    secured.verify(ED25519_KEY.public_key(), NOW)
    assert secured.key_id == f"did:key:{_METHOD}#{_METHOD}"


@pytest.mark.parametrize(
    "proof",
    [
        {"created": "2024-02-24T23:36:38Z"},
        {"challenge": "added"},
        {"type": "DataIntegrityProof"},
        {"cryptosuite": "x"},
    ],
    ids=str,
)
def test_the_former_signature_with_another_proof_fails(proof: dict[str, Any]) -> None:
    document = {**ED25519_SIGNATURE_2020, "proof": {**ED25519_SIGNATURE_2020["proof"], **proof}}

    with pytest.raises(ProofError):
        verify_proof(document, ED25519_KEY.public_key(), now=NOW, canonicalize_rdf=in_process)


@pytest.mark.parametrize("key", [P256_KEY, P384_KEY], ids=["P-256", "P-384"])
def test_the_former_signature_takes_ed25519_keys_only(key: Any) -> None:
    with pytest.raises(ProofInvalid, match="needs a key of Ed25519"):
        verify_proof(ED25519_SIGNATURE_2020, key.public_key(), now=NOW, canonicalize_rdf=in_process)
