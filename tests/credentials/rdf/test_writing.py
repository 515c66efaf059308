"""What is signed is all that is read: no member vanishes in RDF, and none is said in other words."""

from typing import Any

import pytest

from credentials.rdf.canonical import WEIGHTY_IN_CREDENTIALS, canonical_document
from proofs import JsonObject, TransformationFailed, UnsupportedCryptosuite, verify_proof
from tests.credentials.rdf.credentials import CONTEXTS, EXAMPLES, KEY, V2, credential, in_process, signed

NOW = 0
STATUS = {
    "id": "https://lists.example/1#7",
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "7",
    "statusListCredential": "https://lists.example/1",
}
VC = "https://www.w3.org/2018/credentials#"


def verify(document: JsonObject) -> None:
    verify_proof(document, KEY.public_key(), now=NOW, canonicalize_rdf=in_process)


def test_a_credential_under_known_contexts_verifies() -> None:
    verify(signed(credential(credentialStatus=STATUS)))


@pytest.mark.parametrize("name", ["name", "validUntil", "credentialStatus", "issuer", "degreeNumber"])
def test_what_is_added_or_changed_is_found(name: str) -> None:
    values = {"credentialStatus": STATUS, "issuer": "did:example:other"}
    document = signed(credential()) | {name: values.get(name, "2030-01-01T00:00:00Z")}

    with pytest.raises(Exception, match="not this key's signature"):
        verify(document)


@pytest.mark.parametrize(
    "members",
    [
        {"@context": [V2], "foo": "bar"},
        {"@context": [V2], "type": ["VerifiableCredential", "Foo"]},
        {"@context": [V2], "credentialSubject": {"id": "did:example:a", "foo": {"id": "did:example:b"}}},
        {"id": "not-absolute"},
        {"id": ""},
        {"id": "https://example.com/a b"},
        {"id": "did:example:%zz"},
        {"issuer": "did:example:a|b"},
        {"credentialSubject": {"id": "//example.com/relative"}},
        {"credentialStatus": "relative"},
        {"b c": "a name that is no IRI"},
        {"name": {"@value": "Physics", "@language": "not a language!"}},
        {"evidence": None},
        {"evidence": {"type": "VerifiableCredential", "proof": "did:example:nothing-said"}},
        {"evidence": {"type": "VerifiableCredential", "proof": [{"id": "did:example:nothing-said"}]}},
        {"evidence": {"type": "VerifiableCredential", "proof": {}}},
        {"evidence": {"type": "VerifiableCredential", "proof": {"@value": "lost"}}},
        {"evidence": []},
        {"number": 2**60},
        {"evidence": {"type": "VerifiablePresentation", "verifiableCredential": {"foo": "bar"}}},
        {"id": 5},
        {"type": True},
    ],
    ids=str,
)
def test_what_would_not_be_signed_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(TransformationFailed):
        in_process({"@context": [V2]}, credential(**members), "sha256")


@pytest.mark.parametrize(
    "members",
    [
        {"@context": [V2, {"degree": "https://example.com/degree"}]},
        {"@context": [V2, "https://example.com/unknown"]},
        {"@context": {"@vocab": VC}},
        {"@context": None},
        {"credentialSubject": {"@context": EXAMPLES, "id": "did:example:a"}},
        {"@graph": [{"id": "did:example:a"}]},
        {"@included": [{"id": "did:example:a"}]},
        {"@foo": "dropped"},
        {"_:label": "dropped"},
        {f"{VC}evidence": {"id": "did:example:a"}},
        {"type": ["VerifiableCredential", "https://example.com/Type"]},
        {"id": "_:label"},
        {"credentialSubject": [{"degree": {"id": "_:a"}}]},
        {"name": {"@value": "Physics", "@direction": "rtl"}},
        {"name": {"@value": "Physics", "@index": "dropped"}},
        {"matrix": [[1, 2], [3]]},
    ],
    ids=str,
)
def test_what_is_not_in_the_plain_form_is_not_decided(members: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedCryptosuite):
        in_process({"@context": [V2]}, credential(**members), "sha256")


def test_a_status_under_its_iri_does_not_hide() -> None:
    """The statements are the same, and so is the signature; only who reads JSON would see no status."""
    document = signed(credential(credentialStatus=STATUS))
    document[f"{VC}credentialStatus"] = document.pop("credentialStatus")

    with pytest.raises(UnsupportedCryptosuite, match="expected terms"):
        verify(document)


def test_a_status_in_another_place_does_not_hide() -> None:
    subject = {"id": "did:example:holder", "type": "VerifiableCredential", "credentialStatus": STATUS}

    with pytest.raises(UnsupportedCryptosuite, match="credentialStatus stands within"):
        canonical_document(credential(credentialSubject=subject), CONTEXTS, "sha256", WEIGHTY_IN_CREDENTIALS)


def test_the_end_of_a_proof_does_not_hide() -> None:
    document = signed(credential(), expires="2026-01-02T00:00:00Z")
    document["proof"]["https://w3id.org/security#expiration"] = document["proof"].pop("expires")

    with pytest.raises(UnsupportedCryptosuite, match="expected terms"):
        verify(document)


def _definitions(context: Any) -> Any:
    for each in context if isinstance(context, list) else [context]:
        for name, value in each.items() if isinstance(each, dict) else ():
            yield name, value["@id"] if isinstance(value, dict) and "@id" in value else value
            if isinstance(value, dict):
                yield from _definitions(value.get("@context"))


def test_no_context_of_ours_has_another_name_for_what_decides() -> None:
    names = {
        (name, iri.replace("cred:", VC))
        for context in CONTEXTS.values()
        for name, iri in _definitions(context)
        if isinstance(iri, str)
    }

    assert {(name, iri) for name, iri in names if iri in WEIGHTY_IN_CREDENTIALS} == {
        (name, iri) for iri, name in WEIGHTY_IN_CREDENTIALS.items()
    }


def test_the_contexts_of_several_types_are_added_up() -> None:
    """pyoxigraph alone would take that of the last name, and drop what the others mean."""
    known = {
        V2: CONTEXTS[V2],
        "urn:types": {
            "Apple": {"@id": "urn:Apple", "@context": {"sort": "urn:sort"}},
            "Zebra": {"@id": "urn:Zebra", "@context": {"stripes": "urn:stripes"}},
        },
    }
    document = {"@context": [V2, "urn:types"], "type": ["Zebra", "Apple"], "sort": "Cox", "stripes": 7}
    canonical = canonical_document(document, known, "sha256", {})

    assert canonical.decode().splitlines() == [
        "_:c14n0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <urn:Apple> .",
        "_:c14n0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <urn:Zebra> .",
        '_:c14n0 <urn:sort> "Cox" .',
        '_:c14n0 <urn:stripes> "7"^^<http://www.w3.org/2001/XMLSchema#integer> .',
    ]


def test_types_within_json_are_left_as_they_are() -> None:
    schema = {
        "id": "urn:x",
        "type": "JsonSchema",
        "jsonSchema": {"type": ["VerifiableCredential", "JsonSchema"]},
    }
    _, canonical = in_process({"@context": [V2]}, credential(credentialSchema=schema), "sha256")

    assert rb'"{\"type\":[\"VerifiableCredential\",\"JsonSchema\"]}"' in canonical


def test_no_other_object_is_the_credential_itself() -> None:
    """In RDF the two would be one, and a type could be moved from one to the other under the same signature."""
    own = {"id": "https://issuer.example/1"}
    subject = {"id": "https://issuer.example/1", "type": "Person"}

    with pytest.raises(UnsupportedCryptosuite, match="id of the whole"):
        canonical_document(
            credential(**own, credentialSubject=subject), CONTEXTS, "sha256", WEIGHTY_IN_CREDENTIALS
        )
