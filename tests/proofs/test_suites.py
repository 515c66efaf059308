"""The cryptosuites against the W3C's vectors. No template covers these as RDF: a library canonicalizes them."""

import base58
import pytest

from proofs import (
    SUITES,
    Algorithm,
    UnsupportedCryptosuite,
    algorithm_of,
    is_signature,
    proof_of,
    sign_with,
    verify_proof,
)
from proofs.nquads import canonical_proof_options
from proofs.suites import hash_data, suite_for, suite_named, transformed
from tests.proofs.rdf import CONTEXT, rdfc
from tests.proofs.w3c_vectors import ALUMNI_CREDENTIAL, EXAMPLES_CONTEXT, VECTORS, Vector

NOW = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z

each_vector = pytest.mark.parametrize("vector", VECTORS.values(), ids=list(VECTORS))
each_json_vector = pytest.mark.parametrize(
    "vector",
    [VECTORS[name] for name in VECTORS if "jcs" in name],
    ids=[name for name in VECTORS if "jcs" in name],
)


def signed_data(vector: Vector) -> bytes:
    """Return what the vector signs, by our functions; only an RDF document is canonicalized by the library."""
    options = proof_of(vector.document).options
    if "jcs" in vector.cryptosuite:
        canonical = transformed(
            suite_named(vector.cryptosuite), options, ALUMNI_CREDENTIAL, algorithm_of(vector.private_key)
        )
    else:
        canonical = canonical_proof_options(options), rdfc(ALUMNI_CREDENTIAL, [CONTEXT, EXAMPLES_CONTEXT])
    return hash_data(canonical, algorithm_of(vector.private_key))


@each_vector
def test_what_a_vector_signs_is_what_we_hash(vector: Vector) -> None:
    assert signed_data(vector).hex() == vector.hashes


@each_vector
def test_the_signature_of_a_vector_verifies(vector: Vector) -> None:
    proof = proof_of(vector.document)

    assert is_signature(vector.private_key.public_key(), proof.proof_value, signed_data(vector))


@each_vector
def test_the_key_of_a_vector_makes_the_very_same_signature(vector: Vector) -> None:
    """ECDSA too: theirs are deterministic (RFC 6979), as ours."""
    signature = sign_with(vector.private_key, signed_data(vector))

    assert "z" + base58.b58encode(signature).decode() == vector.proof_value


@each_json_vector
def test_a_vector_over_json_verifies_as_a_document(vector: Vector) -> None:
    verify_proof(vector.document, vector.private_key.public_key(), now=NOW)


@each_vector
def test_a_vector_names_a_suite_that_takes_its_key(vector: Vector) -> None:
    algorithm = algorithm_of(vector.private_key)
    suite = suite_named(vector.cryptosuite)

    assert suite is suite_for(algorithm, suite.transformation)


def test_each_suite_is_of_one_family_of_keys() -> None:
    families = {frozenset({Algorithm.ED25519}), frozenset({Algorithm.P256, Algorithm.P384})}

    assert {suite.algorithms for suite in SUITES.values()} == families
    assert suite_named("eddsa-jcs-2022").signature_sizes == {64}
    assert suite_named("ecdsa-jcs-2019").signature_sizes == {64, 96}


def test_another_suite_is_refused() -> None:
    with pytest.raises(UnsupportedCryptosuite, match="bbs-2023"):
        suite_named("bbs-2023")
