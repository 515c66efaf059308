"""Data Integrity proofs: ours, and forgeries. The W3C's vectors are in `test_suites.py`."""

import itertools
from typing import Any

import base58
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from proofs import (
    Algorithm,
    MalformedProof,
    ProofInvalid,
    Signer,
    Transformation,
    TransformationFailed,
    UnsupportedCryptosuite,
    add_proof,
    proof_of,
    verify_proof,
)
from proofs.canonical import canonicalize
from proofs.suites import hash_data
from tests.proofs.documents import (
    KEYS,
    OTHER_KEY,
    PUBLIC_KEY,
    SIGNER,
    SIGNERS,
    W3C_DOCUMENT,
    W3C_KEY,
    a_status_list,
    a_subject,
    changed,
)

NOW = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z

each_suite = pytest.mark.parametrize(
    ("signer", "transformation"),
    [(signer, transformation) for signer in SIGNERS.values() for transformation in ("jcs", "rdfc")],
    ids=[f"{algorithm} {transformation}" for algorithm in SIGNERS for transformation in ("jcs", "rdfc")],
)


def test_a_changed_w3c_jcs_vector_does_not_verify() -> None:
    with pytest.raises(ProofInvalid):
        verify_proof(changed(W3C_DOCUMENT, "name", to="Alumni credential"), W3C_KEY, now=NOW)


@each_suite
def test_our_proof_verifies(signer: Signer, transformation: Transformation) -> None:
    verify_proof(add_proof(a_status_list(), signer, transformation), signer.public_key, now=NOW)


@each_suite
def test_our_proof_is_the_same_each_time_and_names_no_time(
    signer: Signer, transformation: Transformation
) -> None:
    first, second = (add_proof(a_status_list(), signer, transformation) for _ in range(2))

    assert first == second
    assert "created" not in first["proof"]


@each_suite
def test_our_proof_is_read_as_it_was_made(signer: Signer, transformation: Transformation) -> None:
    proof = proof_of(add_proof(a_status_list(), signer, transformation))

    assert proof.verification_method == signer.verification_method
    assert len(proof.proof_value) == signer.algorithm.signature_size
    assert proof.expires is None


@each_suite
def test_a_proof_in_an_array_of_one_verifies(signer: Signer, transformation: Transformation) -> None:
    document = add_proof(a_status_list(), signer, transformation)

    verify_proof(changed(document, "proof", to=[document["proof"]]), signer.public_key, now=NOW)


@each_suite
def test_a_document_that_has_a_proof_gets_no_second_one(
    signer: Signer, transformation: Transformation
) -> None:
    with pytest.raises(ValueError, match="proof already"):
        add_proof(add_proof(a_status_list(), signer, transformation), signer, transformation)


def test_only_a_status_list_of_the_plain_shape_is_signed_as_rdf() -> None:
    with pytest.raises(UnsupportedCryptosuite, match="statusMessages"):
        add_proof(a_status_list(credentialSubject=a_subject(statusMessages=[])), SIGNER, "rdfc")


@each_suite
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
    signer: Signer, transformation: Transformation, path: tuple[str, ...], value: object
) -> None:
    forged = changed(add_proof(a_status_list(), signer, transformation), *path, to=value)

    with pytest.raises(ProofInvalid):
        verify_proof(forged, signer.public_key, now=NOW)


@each_suite
def test_the_proof_of_another_document_does_not_verify(
    signer: Signer, transformation: Transformation
) -> None:
    other = add_proof(a_status_list(issuer="did:web:other.example"), signer, transformation)

    with pytest.raises(ProofInvalid):
        verify_proof(a_status_list() | {"proof": other["proof"]}, signer.public_key, now=NOW)


@each_suite
def test_another_key_does_not_verify(signer: Signer, transformation: Transformation) -> None:
    other = {
        Algorithm.ED25519: OTHER_KEY,
        Algorithm.P256: ec.generate_private_key(ec.SECP256R1()),
        Algorithm.P384: ec.generate_private_key(ec.SECP384R1()),
    }[signer.algorithm].public_key()

    with pytest.raises(ProofInvalid, match="not this key's signature"):
        verify_proof(add_proof(a_status_list(), signer, transformation), other, now=NOW)


SUITE_OF = {
    (Algorithm.ED25519, "jcs"): "eddsa-jcs-2022",
    (Algorithm.ED25519, "rdfc"): "eddsa-rdfc-2022",
    (Algorithm.P256, "jcs"): "ecdsa-jcs-2019",
    (Algorithm.P256, "rdfc"): "ecdsa-rdfc-2019",
    (Algorithm.P384, "jcs"): "ecdsa-jcs-2019",
    (Algorithm.P384, "rdfc"): "ecdsa-rdfc-2019",
}


@each_suite
def test_the_suite_follows_from_the_key(signer: Signer, transformation: Transformation) -> None:
    document = add_proof(a_status_list(), signer, transformation)

    assert document["proof"]["cryptosuite"] == SUITE_OF[signer.algorithm, transformation]


@pytest.mark.parametrize(("used", "other"), list(itertools.permutations(KEYS, 2)), ids=str)
@pytest.mark.parametrize("transformation", ["jcs", "rdfc"])
def test_a_key_of_another_algorithm_does_not_verify(
    used: Algorithm, other: Algorithm, transformation: Transformation
) -> None:
    document = add_proof(a_status_list(), SIGNERS[used], transformation)

    with pytest.raises(ProofInvalid):
        verify_proof(document, KEYS[other].public_key(), now=NOW)


@pytest.mark.parametrize(
    ("named", "used"), [(name, key) for name in ("eddsa-jcs-2022", "ecdsa-jcs-2019") for key in KEYS], ids=str
)
def test_a_suite_takes_no_key_of_another_suite(named: str, used: Algorithm) -> None:
    """The key signs just what the named suite would have it sign, and is refused for being of another kind."""
    options = {**add_proof(a_status_list(), SIGNERS[used], "jcs")["proof"], "cryptosuite": named}
    del options["proofValue"]
    data = hash_data((canonicalize(options), canonicalize(a_status_list())), used)
    value = "z" + base58.b58encode(SIGNERS[used].sign(data)).decode()
    forged: Any = a_status_list(proof={**options, "proofValue": value})
    fits = named.startswith("eddsa") == (used is Algorithm.ED25519)

    if fits:
        verify_proof(forged, KEYS[used].public_key(), now=NOW)
    else:
        with pytest.raises((ProofInvalid, MalformedProof), match=r"needs a key of|expected 64 bytes"):
            verify_proof(forged, KEYS[used].public_key(), now=NOW)


@pytest.mark.parametrize("size", [0, 1, 63, 65, 95, 96, 97, 128])
@pytest.mark.parametrize("algorithm", [Algorithm.ED25519, Algorithm.P256])
def test_a_signature_of_another_size_is_refused(algorithm: Algorithm, size: int) -> None:
    document = add_proof(a_status_list(), SIGNERS[algorithm], "jcs")
    value = "z" + base58.b58encode(bytes(range(1, size + 1))).decode()

    with pytest.raises((MalformedProof, ProofInvalid)):
        verify_proof(
            changed(document, "proof", "proofValue", to=value), KEYS[algorithm].public_key(), now=NOW
        )


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048).public_key(),
        ec.generate_private_key(ec.SECP521R1()).public_key(),
        b"secret",
    ],
    ids=["RSA", "P-521", "bytes"],
)
@each_suite
def test_a_key_of_another_kind_does_not_verify(
    signer: Signer, transformation: Transformation, key: object
) -> None:
    with pytest.raises(ProofInvalid, match="expected"):
        verify_proof(add_proof(a_status_list(), signer, transformation), key, now=NOW)


def test_a_proof_of_one_suite_does_not_verify_as_the_other() -> None:
    forged = changed(add_proof(a_status_list(), SIGNER, "jcs"), "proof", "cryptosuite", to="eddsa-rdfc-2022")

    with pytest.raises(ProofInvalid):
        verify_proof(forged, PUBLIC_KEY, now=NOW)


def test_a_jcs_proof_robbed_of_its_context_does_not_verify() -> None:
    forged = changed(add_proof(a_status_list(), SIGNER, "jcs"), "proof", "@context", to=None)

    with pytest.raises(ProofInvalid):
        verify_proof(forged, PUBLIC_KEY, now=NOW)


def test_a_context_appended_to_the_document_alone_is_refused() -> None:
    """Section 3.3.2, step 4 would let it pass unsigned; we do not."""
    document = add_proof(a_status_list(), SIGNER, "jcs")
    forged = changed(
        document, "@context", to=[*document["@context"], {"revocation": "https://evil.example/"}]
    )

    with pytest.raises(MalformedProof, match="@context"):
        verify_proof(forged, PUBLIC_KEY, now=NOW)


def test_a_document_without_any_context_is_signed_and_verified_as_json() -> None:
    document = add_proof({"hello": "world"}, SIGNER, "jcs")

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

    with pytest.raises(UnsupportedCryptosuite, match="jcs in its name, or application/vc"):
        verify_proof(document, W3C_KEY, now=NOW)


@pytest.mark.parametrize("suite", ["ecdsa-sd-2023", "eddsa-2022", "Eddsa-jcs-2022", "bbs-2023"])
def test_another_cryptosuite_is_refused(suite: str) -> None:
    with pytest.raises(UnsupportedCryptosuite):
        verify_proof(changed(W3C_DOCUMENT, "proof", "cryptosuite", to=suite), W3C_KEY, now=NOW)


def test_a_document_without_a_canonical_form_is_refused() -> None:
    with pytest.raises(TransformationFailed):
        verify_proof(changed(W3C_DOCUMENT, "name", to=2**60), W3C_KEY, now=NOW)
