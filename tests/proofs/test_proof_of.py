"""Reading the one proof of a document: what is accepted has one shape."""

import pytest

from proofs import MalformedProof, proof_of
from tests.proofs.documents import W3C_DOCUMENT, changed

GOOD = W3C_DOCUMENT["proof"]
VALUE = GOOD["proofValue"]


def test_the_end_of_a_proof_is_read() -> None:
    proof = proof_of(changed(W3C_DOCUMENT, "proof", "expires", to="2026-01-01T01:00:00+01:00"))

    assert proof.expires == 1_767_225_600_000_000


def test_the_options_of_a_proof_are_all_of_it_but_its_value() -> None:
    assert {**proof_of(W3C_DOCUMENT).options, "proofValue": VALUE} == GOOD


@pytest.mark.parametrize(
    "proof",
    [None, "proof", {}, [], [GOOD, GOOD], [[GOOD]]],
    ids=["null", "string", "empty object", "empty array", "two", "nested"],
)
def test_what_is_not_exactly_one_proof_is_refused(proof: object) -> None:
    with pytest.raises(MalformedProof):
        proof_of({**W3C_DOCUMENT, "proof": proof})


def test_a_document_without_a_proof_is_refused() -> None:
    with pytest.raises(MalformedProof):
        proof_of({})


@pytest.mark.parametrize(
    "member", ["type", "cryptosuite", "verificationMethod", "proofPurpose", "proofValue"]
)
def test_a_proof_without_a_required_member_is_refused(member: str) -> None:
    with pytest.raises(MalformedProof) as caught:
        proof_of(changed(W3C_DOCUMENT, "proof", member, to=None))

    assert caught.value.pointer == f"/proof/{member}"


MALFORMED = {
    "an old kind of proof": ("type", "Ed25519Signature2020"),
    "type in an array": ("type", ["DataIntegrityProof"]),
    "another purpose": ("proofPurpose", "authentication"),
    "purpose in an array": ("proofPurpose", ["assertionMethod"]),
    "suite as a number": ("cryptosuite", 1),
    "empty suite": ("cryptosuite", ""),
    "embedded method": ("verificationMethod", {"id": "did:web:a.example#k"}),
    "relative method": ("verificationMethod", "#key-1"),
    "method without fragment": ("verificationMethod", "did:web:a.example"),
    "method with two fragments": ("verificationMethod", "did:web:a.example#k#l"),
    "method with a space": ("verificationMethod", "did:web:a.example# k"),
    "endless method": ("verificationMethod", "did:web:a.example#" + "k" * 9000),
    "proof chain": ("previousProof", "urn:uuid:1"),
    "created as a number": ("created", 1),
    "created in words": ("created", "yesterday"),
    "expires without a time": ("expires", "2026-01-01"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_member_of_another_shape_is_refused(name: str) -> None:
    member, value = MALFORMED[name]

    with pytest.raises(MalformedProof):
        proof_of(changed(W3C_DOCUMENT, "proof", member, to=value))


PROOF_VALUES = {
    "empty": "",
    "prefix alone": "z",
    "without a prefix": VALUE[1:],
    "base64url": "u" + VALUE[1:],
    "space behind": VALUE + " ",
    "line break behind": VALUE + "\n",
    "space before": " " + VALUE,
    "zero byte before": "z1" + VALUE[1:],
    "letter outside the alphabet": VALUE[:-1] + "0",
    "too short": VALUE[:-2],
    "too large": "z" + "z" * 88,
    "too many zeros": "z" + "1" * 65,
    "endless": "z" + "2" * 100_000,
}


@pytest.mark.parametrize("name", PROOF_VALUES)
def test_a_proof_value_has_one_spelling_of_64_bytes(name: str) -> None:
    with pytest.raises(MalformedProof):
        proof_of(changed(W3C_DOCUMENT, "proof", "proofValue", to=PROOF_VALUES[name]))
