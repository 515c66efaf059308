"""DID URLs on a document: the whole, the part with a fragment, and nothing."""

import pytest

from resolver.dereference import dereference
from resolver.did import parse_did_url
from resolver.errors import FeatureNotSupported, InvalidDidUrl, NotFound
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
    "suffix", ["#", "#none", "#in-context", "#foreign", "#Relative", "#%72elative", "/a", "/", "?a=b"]
)
def test_what_the_document_does_not_have_is_not_found(suffix: str) -> None:
    with pytest.raises(NotFound):
        dereference(RESOLVED, parse_did_url(DID + suffix))


@pytest.mark.parametrize(
    "query", ["service=files", "serviceType=A", "relativeRef=%2Fa", "service=a&relativeRef=b"]
)
def test_service_parameters_are_not_supported_yet(query: str) -> None:
    with pytest.raises(FeatureNotSupported):
        dereference(RESOLVED, parse_did_url(f"{DID}?{query}"))


def test_a_repeated_parameter_is_an_invalid_did_url() -> None:
    with pytest.raises(InvalidDidUrl):
        dereference(RESOLVED, parse_did_url(f"{DID}?service=a&service=b"))


@pytest.mark.parametrize("suffix", ["", "#relative", "/a", "?service=files"])
def test_a_deactivated_did_has_no_content(suffix: str) -> None:
    deactivated = Resolved(did=DID, document=None, metadata={"deactivated": True})

    dereferenced = dereference(deactivated, parse_did_url(DID + suffix))

    assert dereferenced.content is None
    assert dereferenced.content_metadata == {"deactivated": True}
