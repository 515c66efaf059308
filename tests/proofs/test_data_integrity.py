"""Data Integrity proofs: ours, the W3C's vectors, and forgeries of both."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from proofs import (
    JsonObject,
    MalformedProof,
    ProofInvalid,
    Signer,
    TransformationFailed,
    UnsupportedCryptosuite,
    add_jcs_proof,
    add_rdfc_proof,
    proof_of,
    verify_proof,
)
from tests.proofs.documents import (
    OTHER_KEY,
    PUBLIC_KEY,
    SIGNER,
    W3C_DOCUMENT,
    W3C_KEY,
    a_status_list,
    a_subject,
    changed,
)

NOW = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z

AddProof = Callable[[JsonObject, Signer], JsonObject]
both_suites = pytest.mark.parametrize("add_proof", [add_jcs_proof, add_rdfc_proof])


def test_the_w3c_jcs_vector_verifies() -> None:
    verify_proof(W3C_DOCUMENT, W3C_KEY, now=NOW)


def test_a_changed_w3c_jcs_vector_does_not_verify() -> None:
    with pytest.raises(ProofInvalid):
        verify_proof(changed(W3C_DOCUMENT, "name", to="Alumni credential"), W3C_KEY, now=NOW)


@both_suites
def test_our_proof_verifies(add_proof: AddProof) -> None:
    verify_proof(add_proof(a_status_list(), SIGNER), PUBLIC_KEY, now=NOW)


@both_suites
def test_our_proof_is_the_same_each_time_and_names_no_time(add_proof: AddProof) -> None:
    first, second = add_proof(a_status_list(), SIGNER), add_proof(a_status_list(), SIGNER)

    assert first == second
    assert "created" not in first["proof"]


@both_suites
def test_our_proof_is_read_as_it_was_made(add_proof: AddProof) -> None:
    proof = proof_of(add_proof(a_status_list(), SIGNER))

    assert proof.verification_method == SIGNER.verification_method
    assert len(proof.proof_value) == 64
    assert (proof.created, proof.expires) == (None, None)


@both_suites
def test_a_proof_in_an_array_of_one_verifies(add_proof: AddProof) -> None:
    document = add_proof(a_status_list(), SIGNER)

    verify_proof(changed(document, "proof", to=[document["proof"]]), PUBLIC_KEY, now=NOW)


@both_suites
def test_a_document_that_has_a_proof_gets_no_second_one(add_proof: AddProof) -> None:
    with pytest.raises(ValueError, match="proof already"):
        add_proof(add_proof(a_status_list(), SIGNER), SIGNER)


def test_only_a_status_list_of_the_plain_shape_is_signed_as_rdf() -> None:
    with pytest.raises(UnsupportedCryptosuite, match="statusMessages"):
        add_rdfc_proof(a_status_list(credentialSubject=a_subject(statusMessages=[])), SIGNER)


@both_suites
@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("id",), "https://lists.example/status-lists/8/revocation"),
        (("issuer",), "did:web:other.example"),
        (("validUntil",), "2036-01-02T00:00:00Z"),
        (("validUntil",), None),
        (("name",), "smuggled in"),
        (("credentialSubject", "statusPurpose"), "suspension"),
        (("credentialSubject", "encodedList"), "uH4sIAAAAAAAA"),
        (("credentialSubject", "ttl"), 300_001),
        (("proof", "verificationMethod"), "did:web:lists.example#status-2"),
        (("proof", "created"), "2026-01-01T00:00:00Z"),
        (("proof", "expires"), "2036-01-01T00:00:00Z"),
    ],
    ids=str,
)
def test_a_document_or_proof_changed_after_signing_does_not_verify(
    add_proof: AddProof, path: tuple[str, ...], value: object
) -> None:
    forged = changed(add_proof(a_status_list(), SIGNER), *path, to=value)

    with pytest.raises(ProofInvalid):
        verify_proof(forged, PUBLIC_KEY, now=NOW)


@both_suites
def test_the_proof_of_another_document_does_not_verify(add_proof: AddProof) -> None:
    other = add_proof(a_status_list(issuer="did:web:other.example"), SIGNER)

    with pytest.raises(ProofInvalid):
        verify_proof(a_status_list() | {"proof": other["proof"]}, PUBLIC_KEY, now=NOW)


@both_suites
def test_another_key_does_not_verify(add_proof: AddProof) -> None:
    with pytest.raises(ProofInvalid):
        verify_proof(add_proof(a_status_list(), SIGNER), OTHER_KEY.public_key(), now=NOW)


@both_suites
def test_a_key_of_another_kind_does_not_verify(add_proof: AddProof) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()

    with pytest.raises(ProofInvalid, match="Ed25519"):
        verify_proof(add_proof(a_status_list(), SIGNER), key, now=NOW)


def test_a_proof_of_one_suite_does_not_verify_as_the_other() -> None:
    forged = changed(add_jcs_proof(a_status_list(), SIGNER), "proof", "cryptosuite", to="eddsa-rdfc-2022")

    with pytest.raises(ProofInvalid):
        verify_proof(forged, PUBLIC_KEY, now=NOW)


def test_a_jcs_proof_robbed_of_its_context_does_not_verify() -> None:
    forged = changed(add_jcs_proof(a_status_list(), SIGNER), "proof", "@context", to=None)

    with pytest.raises(ProofInvalid):
        verify_proof(forged, PUBLIC_KEY, now=NOW)


def test_a_context_appended_to_the_document_alone_is_refused() -> None:
    """Section 3.3.2, step 4 would let it pass unsigned; we do not."""
    document = add_jcs_proof(a_status_list(), SIGNER)
    forged = changed(
        document, "@context", to=[*document["@context"], {"revocation": "https://evil.example/"}]
    )

    with pytest.raises(MalformedProof, match="@context"):
        verify_proof(forged, PUBLIC_KEY, now=NOW)


def test_a_document_without_any_context_is_signed_and_verified_as_json() -> None:
    document = add_jcs_proof({"hello": "world"}, SIGNER)

    verify_proof(document, PUBLIC_KEY, now=NOW)

    assert "@context" not in document["proof"]


def test_an_expired_proof_is_refused_from_its_very_moment() -> None:
    document = changed(W3C_DOCUMENT, "proof", "expires", to="2026-01-01T00:00:00Z")

    with pytest.raises(ProofInvalid, match="expired"):
        verify_proof(document, W3C_KEY, now=NOW)
    with pytest.raises(ProofInvalid, match="not this key's"):
        verify_proof(document, W3C_KEY, now=NOW - 1)


def test_a_rdfc_document_that_the_template_does_not_cover_is_refused() -> None:
    """The W3C's eddsa-rdfc-2022 vector is an AlumniCredential: perhaps good, but we cannot check it."""
    document = changed(W3C_DOCUMENT, "proof", "cryptosuite", to="eddsa-rdfc-2022")

    with pytest.raises(UnsupportedCryptosuite, match="eddsa-jcs-2022 or application/vc"):
        verify_proof(document, W3C_KEY, now=NOW)


@pytest.mark.parametrize("suite", ["ecdsa-rdfc-2019", "eddsa-2022", "Eddsa-jcs-2022", "bbs-2023"])
def test_another_cryptosuite_is_refused(suite: str) -> None:
    with pytest.raises(UnsupportedCryptosuite):
        verify_proof(changed(W3C_DOCUMENT, "proof", "cryptosuite", to=suite), W3C_KEY, now=NOW)


def test_a_document_without_a_canonical_form_is_refused() -> None:
    with pytest.raises(TransformationFailed):
        verify_proof(changed(W3C_DOCUMENT, "name", to=2**60), W3C_KEY, now=NOW)
