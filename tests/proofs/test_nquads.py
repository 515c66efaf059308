"""The template for canonical N-Quads against RDFC-1.0 of an RDF library, with the real v2 context."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyoxigraph import CanonicalizationAlgorithm

from proofs import JsonObject, TransformationFailed, UnsupportedCryptosuite
from proofs.nquads import canonical_proof_options, canonical_status_list
from tests.proofs.documents import LIST_URL, a_status_list, a_subject
from tests.proofs.rdf import rdfc

PROOF_OPTIONS = {
    "type": "DataIntegrityProof",
    "cryptosuite": "eddsa-rdfc-2022",
    "verificationMethod": "did:web:lists.example#status-1",
    "proofPurpose": "assertionMethod",
}


COVERED = {
    "our own shape": a_status_list(),
    "no window": a_status_list(validFrom=None, validUntil=None),
    "types the other way round": a_status_list(
        type=["BitstringStatusListCredential", "VerifiableCredential"]
    ),
    "issuer as an object": a_status_list(issuer={"id": "did:key:z6Mk"}),
    "name and description": a_status_list(name="A list", description="Die Liste „α“ \U0001f600"),
    "name with escapes": a_status_list(name='quote " backslash \\ tab \t line \n return \r \b \f'),
    "subject without id": a_status_list(credentialSubject=a_subject(id=None)),
    "subject that is the credential": a_status_list(credentialSubject=a_subject(id=LIST_URL)),
    "no ttl": a_status_list(credentialSubject=a_subject(ttl=None)),
    "negative ttl": a_status_list(credentialSubject=a_subject(ttl=-1)),
    "large ttl": a_status_list(credentialSubject=a_subject(ttl=2**53 - 1)),
    "several purposes": a_status_list(
        credentialSubject=a_subject(statusPurpose=["suspension", "revocation"])
    ),
    "a purpose twice": a_status_list(credentialSubject=a_subject(statusPurpose=["refresh", "refresh"])),
    "type of the subject in an array": a_status_list(
        credentialSubject=a_subject(type=["BitstringStatusList"])
    ),
    "URN and fragment": a_status_list(id="urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33#x"),
    "DID with percent and port": a_status_list(issuer="did:web:localhost%3A8000:issuers:a"),
    "IRI whose scheme is a term": a_status_list(issuer="name:x", id="type:x"),
    "offset in the time": a_status_list(validFrom="2026-01-01T01:00:00.5+01:00"),
}


@pytest.mark.parametrize(
    "algorithm",
    [CanonicalizationAlgorithm.RDFC_1_0_SHA_256, CanonicalizationAlgorithm.RDFC_1_0_SHA_384],
    ids=["SHA-256", "SHA-384"],
)
@pytest.mark.parametrize("name", COVERED)
def test_the_template_equals_the_canonical_dataset(name: str, algorithm: CanonicalizationAlgorithm) -> None:
    assert canonical_status_list(COVERED[name]).decode() == rdfc(COVERED[name], algorithm=algorithm).decode()


@pytest.mark.parametrize(
    "extra",
    [{}, {"created": "2026-01-01T00:00:00Z", "expires": "2027-01-01T00:00:00Z"}, {"id": "urn:uuid:1"}],
    ids=["ours", "with times", "with an id"],
)
def test_the_template_of_the_proof_equals_the_canonical_dataset(extra: JsonObject) -> None:
    options = PROOF_OPTIONS | extra

    assert canonical_proof_options(options).decode() == rdfc(options).decode()


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_is_escaped_as_in_the_canonical_dataset(name: str) -> None:
    document = a_status_list(name=name)

    assert canonical_status_list(document).decode() == rdfc(document).decode()


def test_the_canonical_proof_of_the_w3c_vector() -> None:
    """w3c/vc-di-eddsa, TestVectors/eddsa-rdfc-2022: proofConfigDataInt.json, proofCanonDataInt.txt."""
    options = PROOF_OPTIONS | {
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": (
            "https://vc.example/issuers/5678#z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
        ),
    }

    assert canonical_proof_options(options).decode() == (
        '_:c14n0 <http://purl.org/dc/terms/created> "2023-02-24T23:36:38Z"'
        "^^<http://www.w3.org/2001/XMLSchema#dateTime> .\n"
        "_:c14n0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> "
        "<https://w3id.org/security#DataIntegrityProof> .\n"
        '_:c14n0 <https://w3id.org/security#cryptosuite> "eddsa-rdfc-2022"'
        "^^<https://w3id.org/security#cryptosuiteString> .\n"
        "_:c14n0 <https://w3id.org/security#proofPurpose> <https://w3id.org/security#assertionMethod> .\n"
        "_:c14n0 <https://w3id.org/security#verificationMethod> <https://vc.example/issuers/5678"
        "#z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2> .\n"
    )


UNCOVERED: dict[str, dict[str, Any]] = {
    "another context": {"@context": ["https://www.w3.org/2018/credentials/v1"]},
    "a further context": {"@context": ["https://www.w3.org/ns/credentials/v2", {"x": "https://x.example/"}]},
    "the context as a string": {"@context": "https://www.w3.org/ns/credentials/v2"},
    "no context": {"@context": None},
    "no id": {"id": None},
    "relative id": {"id": "/lists/1"},
    "blank node as id": {"id": "_:b0"},
    "id with a space": {"id": "https://lists.example/a b"},
    "id with a line break": {"id": "https://lists.example/a\n"},
    "id that closes its IRI": {"id": "https://lists.example/> <x:y> <x:z"},
    "id beyond ASCII": {"id": "https://lists.example/ä"},
    "no issuer": {"issuer": None},
    "issuer with a name": {"issuer": {"id": "did:web:lists.example", "name": "Lists"}},
    "unknown member": {"proofread": True},
    "JSON-LD keyword": {"@id": "https://lists.example/"},
    "undefined term": {"statusMessages": []},
    "credentialStatus": {"credentialStatus": {"type": "BitstringStatusListEntry"}},
    "type missing": {"type": ["BitstringStatusListCredential"]},
    "further type": {
        "type": ["VerifiableCredential", "BitstringStatusListCredential", "StatusList2021Credential"]
    },
    "type twice": {"type": ["VerifiableCredential", "VerifiableCredential", "BitstringStatusListCredential"]},
    "language-tagged name": {"name": {"@value": "Liste", "@language": "de"}},
    "time as a number": {"validFrom": 0},
    "no subject": {"credentialSubject": None},
    "two subjects": {"credentialSubject": [a_subject(), a_subject()]},
    "undefined term in the subject": {"credentialSubject": a_subject(statusSize=1)},
    "ttl as a float": {"credentialSubject": a_subject(ttl=300000.0)},
    "ttl as a string": {"credentialSubject": a_subject(ttl="300000")},
    "ttl as a truth value": {"credentialSubject": a_subject(ttl=True)},
    "ttl beyond 2^53": {"credentialSubject": a_subject(ttl=2**53)},
    "purpose as an object": {"credentialSubject": a_subject(statusPurpose={"@value": "revocation"})},
    "purpose in an array of arrays": {"credentialSubject": a_subject(statusPurpose=[["revocation"]])},
    "another type of subject": {"credentialSubject": a_subject(type="StatusList2021")},
    "relative id of the subject": {"credentialSubject": a_subject(id="#list")},
}


@pytest.mark.parametrize("name", UNCOVERED)
def test_what_the_template_does_not_cover_is_refused_and_not_dropped(name: str) -> None:
    with pytest.raises(UnsupportedCryptosuite):
        canonical_status_list(a_status_list(**UNCOVERED[name]))


@pytest.mark.parametrize(
    "extra",
    [{"nonce": "1"}, {"domain": "x"}, {"challenge": "x"}, {"proofPurpose": "authentication"}, {"created": 1},
     {"verificationMethod": {"id": "did:web:x#y"}}, {"@context": ["https://x.example/"]}, {"type": "Other"}],
    ids=str,
)  # fmt: skip
def test_a_proof_option_that_the_template_does_not_cover_is_refused(extra: JsonObject) -> None:
    with pytest.raises(UnsupportedCryptosuite):
        canonical_proof_options(PROOF_OPTIONS | extra)


def test_a_lone_surrogate_has_no_canonical_form() -> None:
    with pytest.raises(TransformationFailed, match="a lone surrogate"):
        canonical_status_list(a_status_list(name="\ud800"))
    with pytest.raises(TransformationFailed, match="a lone surrogate"):
        canonical_proof_options({**PROOF_OPTIONS, "created": "\ud800"})
