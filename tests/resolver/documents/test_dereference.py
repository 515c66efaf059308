"""DID URLs on a document: the whole, the part with a fragment, and nothing."""

import pytest

from resolver.did import parse_did_url
from resolver.documents.dereference import dereference
from resolver.errors import InvalidDidUrl, InvalidRelationship, InvalidVerificationMethod, NotFound
from resolver.results import Resolved

DID = "did:web:example.com"
DOCUMENT = {
    "@context": [{"id": "#in-context"}],
    "id": DID,
    "verificationMethod": [{"id": "#relative", "n": 1}, {"id": f"{DID}#absolute", "n": 2}],
    "authentication": [{"id": "#embedded", "n": 3}],
    "service": [{"id": "#service", "serviceEndpoint": {"id": "#deep", "n": 4}}, {"id": "#service", "n": 5}],
    "other": {"id": "did:web:example.org#foreign"},
}
RESOLVED = Resolved(did=DID, document=DOCUMENT, metadata={"versionId": "1"})


def test_a_did_url_without_a_part_names_the_document_with_its_metadata() -> None:
    for suffix in ("", "?versionId=1", "?versionTime=2020-12-20T19:17:47Z"):
        dereferenced = dereference(RESOLVED, parse_did_url(DID + suffix))

        assert dereferenced.content is DOCUMENT
        assert dereferenced.content_metadata == {"versionId": "1"}
        assert dereferenced.did_url == DID + suffix


@pytest.mark.parametrize(("fragment", "n"), [("relative", 1), ("absolute", 2), ("embedded", 3), ("deep", 4)])
def test_a_fragment_names_the_map_with_that_id(fragment: str, n: int) -> None:
    dereferenced = dereference(RESOLVED, parse_did_url(f"{DID}#{fragment}"))

    assert dereferenced.content is not None
    assert dereferenced.content["n"] == n
    assert dereferenced.content_metadata == {}
    assert dereferenced.resolved is RESOLVED


def test_of_two_maps_with_one_id_the_first_is_named() -> None:
    assert dereference(RESOLVED, parse_did_url(f"{DID}#service")).content == DOCUMENT["service"][0]


@pytest.mark.parametrize(
    "suffix",
    [
        "#",
        "#none",
        "#in-context",
        "#foreign",
        "#Relative",
        "#%72elative",
        "/a",
        "/",
        "?a=b",
        "?relativeRef=%2Fa",
    ],
)
def test_what_the_document_does_not_have_is_not_found(suffix: str) -> None:
    with pytest.raises(NotFound):
        dereference(RESOLVED, parse_did_url(DID + suffix))


def test_a_repeated_parameter_is_an_invalid_did_url() -> None:
    with pytest.raises(InvalidDidUrl):
        dereference(RESOLVED, parse_did_url(f"{DID}?service=a&service=b"))


@pytest.mark.parametrize("suffix", ["", "#relative", "/a", "?service=files"])
def test_a_deactivated_did_has_no_content(suffix: str) -> None:
    deactivated = Resolved(did=DID, document=None, metadata={"deactivated": True})

    dereferenced = dereference(deactivated, parse_did_url(DID + suffix))

    assert dereferenced.content is None
    assert dereferenced.content_metadata == {"deactivated": True}


METHODS = {
    "@context": ["https://www.w3.org/ns/did/v1.1"],
    "id": DID,
    "verificationMethod": [
        {"id": "#by-reference", "type": "Multikey", "controller": DID, "publicKeyMultibase": "z6Mk"},
        {"id": f"{DID}#absolute", "type": "Multikey", "controller": DID, "publicKeyMultibase": "z6Mk"},
        {"id": "#other", "type": "Multikey", "controller": "did:web:other.example"},
        {"id": "#ours", "type": "Multikey", "controller": ""},
        {"id": "#two-keys", "type": "X", "controller": DID, "publicKeyMultibase": "z", "publicKeyJwk": {}},
        {"id": "did:web:other.example#stranger", "type": "Multikey", "controller": DID},
    ],
    "authentication": [f"{DID}#by-reference", {"id": "#by-value", "type": "Multikey", "controller": DID}],
    "assertionMethod": ["#absolute", "#other", "#two-keys", "#service", "#ours"],
    "keyAgreement": [{"id": f"{DID}#by-value", "type": "Multikey", "controller": DID}],
    "service": [{"id": "#service", "type": "A", "serviceEndpoint": "https://a.example"}],
}
WITH_METHODS = Resolved(did=DID, document=METHODS)


@pytest.mark.parametrize(
    ("fragment", "relationship"),
    [
        ("by-reference", "authentication"),
        ("by-value", "authentication"),
        ("by-value", "keyAgreement"),
        ("absolute", "assertionMethod"),
        ("ours", "assertionMethod"),
    ],
)
def test_a_method_is_given_where_the_relationship_lists_it(fragment: str, relationship: str) -> None:
    dereferenced = dereference(WITH_METHODS, parse_did_url(f"{DID}#{fragment}"), relationship)

    assert dereferenced.content is not None
    assert dereferenced.content["id"] in (f"#{fragment}", f"{DID}#{fragment}")


@pytest.mark.parametrize(
    ("fragment", "relationship"),
    [("by-reference", "assertionMethod"), ("by-value", "assertionMethod"), ("absolute", "authentication")],
)
def test_a_method_that_the_relationship_does_not_list_is_refused(fragment: str, relationship: str) -> None:
    with pytest.raises(InvalidRelationship):
        dereference(WITH_METHODS, parse_did_url(f"{DID}#{fragment}"), relationship)


@pytest.mark.parametrize("suffix", ["#service", "#other", "#two-keys", "", "?service=service"])
def test_what_is_no_verification_method_of_the_document_is_refused_as_one(suffix: str) -> None:
    with pytest.raises(InvalidVerificationMethod):
        dereference(WITH_METHODS, parse_did_url(DID + suffix), "assertionMethod")


@pytest.mark.parametrize("fragment", ["stranger", "none"])
def test_a_method_that_the_document_does_not_have_is_not_found(fragment: str) -> None:
    with pytest.raises(NotFound):
        dereference(WITH_METHODS, parse_did_url(f"{DID}#{fragment}"), "assertionMethod")


def test_a_url_at_a_service_is_no_method_whatever_its_fragment() -> None:
    did_url = f"{DID}?service=service&relativeRef=x#by-reference"

    with pytest.raises(InvalidVerificationMethod):
        dereference(WITH_METHODS, parse_did_url(did_url), "authentication")
