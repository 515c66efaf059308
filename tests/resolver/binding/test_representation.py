"""What a client is given: both generations of the protocol, bare documents, problems; how long it holds."""

from typing import Any

import pytest

from resolver.binding.forms import Preferred, form_for, shape_of
from resolver.binding.representation import present
from resolver.errors import (
    FeatureNotSupported,
    InternalError,
    InvalidDid,
    InvalidDidDocument,
    InvalidDidUrl,
    InvalidOptions,
    InvalidRelationship,
    InvalidVerificationMethod,
    MethodNotSupported,
    NotFound,
    RepresentationNotSupported,
    ResolutionError,
)
from resolver.results import Dereferenced, JsonObject, Resolved
from wire import Answer, decode, etag_of

DID = "did:web:example.com"
METHOD = {"id": "#key-1", "type": "Multikey", "controller": DID}
DOCUMENT = {"@context": ["https://www.w3.org/ns/did/v1.1"], "id": DID, "verificationMethod": [METHOD]}
RESOLVED = Resolved(did=DID, document=DOCUMENT, metadata={"versionId": "1"}, made_at=100.0, fresh_until=160.0)
WITHOUT_CONTEXT = Resolved(did=DID, document={"id": DID})
COMPUTED = Resolved(did=DID, document=DOCUMENT)
DEACTIVATED = Resolved(
    did=DID, document=None, metadata={"deactivated": True}, made_at=100.0, fresh_until=160.0
)
PART = Dereferenced(did_url=f"{DID}#key-1", content=METHOD, resolved=RESOLVED)
WHOLE = Dereferenced(did_url=DID, content=DOCUMENT, content_metadata={"versionId": "1"}, resolved=RESOLVED)

RESOLUTION = "application/did-resolution"
DEREFERENCING = "application/did-url-dereferencing"
LEGACY = 'application/ld+json;profile="https://w3id.org/did-resolution"'
LEGACY_DEREFERENCING = 'application/ld+json;profile="https://w3id.org/did-url-dereferencing"'
AXIOS = "application/json, text/plain, */*"  # What this client sends of itself.
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"

ERRORS: list[tuple[type[ResolutionError], int, str, str]] = [
    (InvalidDid, 400, "INVALID_DID", "invalidDid"),
    (InvalidDidUrl, 400, "INVALID_DID_URL", "invalidDidUrl"),
    (InvalidOptions, 400, "INVALID_OPTIONS", "invalidOptions"),
    (NotFound, 404, "NOT_FOUND", "notFound"),
    (RepresentationNotSupported, 406, "REPRESENTATION_NOT_SUPPORTED", "representationNotSupported"),
    (InvalidDidDocument, 500, "INVALID_DID_DOCUMENT", "invalidDidDocument"),
    (InternalError, 500, "INTERNAL_ERROR", "internalError"),
    (MethodNotSupported, 501, "METHOD_NOT_SUPPORTED", "methodNotSupported"),
    (FeatureNotSupported, 501, "FEATURE_NOT_SUPPORTED", "featureNotSupported"),
]
CID_ERRORS: list[tuple[type[ResolutionError], str]] = [
    (InvalidVerificationMethod, "INVALID_VERIFICATION_METHOD"),
    (InvalidRelationship, "INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD"),
]


def _json(answer: Answer) -> JsonObject:
    return decode(answer.body, dict[str, Any], max_bytes=100_000)


@pytest.mark.parametrize(
    "accept", [None, "", "*/*", "application/*", BROWSER, RESOLUTION, "Application/DID-Resolution"]
)
def test_the_full_result_is_what_most_clients_get(accept: str | None) -> None:
    answer = present(RESOLVED, accept)

    assert (answer.status, answer.media_type) == (200, RESOLUTION)
    assert _json(answer) == {
        "didResolutionMetadata": {"contentType": "application/did"},
        "didDocument": DOCUMENT,
        "didDocumentMetadata": {"versionId": "1"},
    }


@pytest.mark.parametrize(
    "media_type",
    [
        "application/did",
        "application/did+json",
        "application/did+ld+json",
        "application/json",
        "application/ld+json",
    ],
)
def test_a_bare_document_is_given_as_the_type_asked_for(media_type: str) -> None:
    answer = present(RESOLVED, media_type)

    assert (answer.status, answer.media_type) == (200, media_type)
    assert _json(answer) == DOCUMENT


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/did;q=0.5, application/did-resolution;q=0.9", RESOLUTION),
        ("application/did, application/did-resolution;q=0.9", "application/did"),
        ("application/did-resolution;q=0, */*", DEREFERENCING),
        ("text/html, application/did+ld+json;q=0.1", "application/did+ld+json"),
        ("application/ld+json;profile=https://w3id.org/did-resolution, */*;q=0.1", LEGACY),
        (LEGACY, LEGACY),
    ],
)
def test_q_values_and_the_profile_decide(accept: str, expected: str) -> None:
    assert present(RESOLVED, accept).media_type == expected


@pytest.mark.parametrize("tail", ['"', "\x01", ", a/b;" + "  ;" * 300 + "\x01", ' ;a="' + "\\\\" * 400])
def test_an_accept_header_that_fails_at_its_end_fails_at_once(tail: str) -> None:
    """The patterns must not backtrack: a hang here is the failure."""
    assert present(RESOLVED, "application/did" + ";  " * 200 + tail).status == 200


def test_json_ld_is_not_offered_for_a_document_without_a_context() -> None:
    answer = present(WITHOUT_CONTEXT, "application/did+ld+json")

    assert answer.status == 406
    assert present(WITHOUT_CONTEXT, "application/did+json").status == 200


@pytest.mark.parametrize("accept", ["text/html", "application/did+cbor", "*/*;q=0"])
def test_what_cannot_be_produced_is_406_in_a_full_result(accept: str) -> None:
    answer = present(RESOLVED, accept)

    assert (answer.status, answer.media_type) == (406, RESOLUTION)
    error = _json(answer)["didResolutionMetadata"]["error"]
    assert error["type"] == "https://www.w3.org/ns/did#REPRESENTATION_NOT_SUPPORTED"


@pytest.mark.parametrize("accept", [None, "*/*", BROWSER, DEREFERENCING])
def test_a_did_url_gives_the_dereferencing_result_under_both_names(accept: str | None) -> None:
    answer = present(PART, accept, did_url=True)

    assert (answer.status, answer.media_type) == (200, DEREFERENCING)
    assert _json(answer) == {
        "dereferencingMetadata": {"contentType": "application/did"},
        "content": METHOD,
        "contentStream": METHOD,
        "contentMetadata": {},
    }


def test_a_whole_document_can_be_had_as_either_result() -> None:
    assert _json(present(RESOLVED, DEREFERENCING))["content"] == DOCUMENT
    assert _json(present(WHOLE, RESOLUTION, did_url=True))["didDocument"] == DOCUMENT
    assert _json(present(WHOLE, None, did_url=True))["contentMetadata"] == {"versionId": "1"}


def test_a_part_of_a_document_is_no_resolution_result() -> None:
    assert present(PART, RESOLUTION, did_url=True).status == 406


def test_a_part_can_be_had_bare() -> None:
    answer = present(PART, "application/did", did_url=True)

    assert (answer.status, answer.media_type) == (200, "application/did")
    assert _json(answer) == METHOD


def test_the_legacy_result_has_the_members_of_its_generation() -> None:
    answer = present(RESOLVED, LEGACY)

    assert (answer.status, answer.media_type) == (200, LEGACY)
    assert _json(answer) == {
        "@context": "https://w3id.org/did-resolution/v1",
        "didResolutionMetadata": {"contentType": "application/did+ld+json"},
        "didDocument": DOCUMENT,
        "didDocumentMetadata": {"versionId": "1"},
    }


def test_the_legacy_result_of_a_did_url_has_the_content_as_did_document() -> None:
    assert _json(present(PART, LEGACY, did_url=True)) == {
        "@context": "https://w3id.org/did-resolution/v1",
        "didDereferencingMetadata": {"contentType": "application/did+json"},
        "didDocument": METHOD,
        "didDocumentMetadata": {},
    }


@pytest.mark.parametrize(
    ("kind", "status", "name", "legacy"), ERRORS, ids=lambda value: getattr(value, "__name__", None)
)
def test_every_error_has_its_status_in_each_generation(
    kind: type[ResolutionError], status: int, name: str, legacy: str
) -> None:
    error = kind("what went wrong")

    full, dereferencing, old, problem = (
        present(error, None),
        present(error, None, did_url=True),
        present(error, LEGACY),
        present(error, "application/problem+json"),
    )

    document = {"type": f"https://www.w3.org/ns/did#{name}", "status": status, "detail": "what went wrong"}
    document["title"] = kind.title
    assert [answer.status for answer in (full, dereferencing, old, problem)] == [status] * 4
    assert full.media_type == RESOLUTION
    assert _json(full) == {
        "didResolutionMetadata": {"error": document},
        "didDocument": None,
        "didDocumentMetadata": {},
    }
    assert dereferencing.media_type == DEREFERENCING
    assert _json(dereferencing) == {
        "dereferencingMetadata": {"error": document},
        "content": None,
        "contentStream": None,
        "contentMetadata": {},
    }
    assert old.media_type == LEGACY
    assert _json(old) == {
        "@context": "https://w3id.org/did-resolution/v1",
        "didResolutionMetadata": {
            "error": legacy,
            "message": "what went wrong",
            "errorMessage": "what went wrong",
        },
        "didDocument": {},
        "didDocumentMetadata": {},
    }
    assert problem.media_type == "application/problem+json"
    assert _json(problem) == document


@pytest.mark.parametrize(("kind", "name"), CID_ERRORS)
def test_the_errors_of_controlled_identifiers_have_their_own_types(
    kind: type[ResolutionError], name: str
) -> None:
    answer = present(kind("why"), None, did_url=True)

    error = _json(answer)["dereferencingMetadata"]["error"]
    assert (answer.status, error["type"], error["status"]) == (500, f"https://w3id.org/security#{name}", 500)


def test_the_names_of_did_key_travel_in_both_generations() -> None:
    error = InvalidDid("31 bytes", did_key_error="invalidPublicKeyLength")

    new, old = _json(present(error, None)), _json(present(error, LEGACY))

    assert new["didResolutionMetadata"]["error"]["didKeyError"] == "invalidPublicKeyLength"
    assert old["didResolutionMetadata"]["error"] == "invalidPublicKeyLength"


def test_a_legacy_error_of_a_did_url_has_its_own_member() -> None:
    answer = present(NotFound("nothing there"), LEGACY, did_url=True)

    assert _json(answer)["didDereferencingMetadata"]["error"] == "notFound"


@pytest.mark.parametrize(
    "accept", ["application/did", "application/did+ld+json", "text/html", "application/json"]
)
def test_an_error_is_never_replaced_by_406(accept: str) -> None:
    answer = present(NotFound("nothing there"), accept)

    assert (answer.status, answer.media_type) == (404, RESOLUTION)


def test_a_problem_is_given_only_where_it_was_asked_for() -> None:
    assert present(NotFound("a"), "application/*").media_type == RESOLUTION
    assert (
        present(NotFound("a"), "application/problem+json, */*;q=0.1").media_type == "application/problem+json"
    )
    assert present(RESOLVED, "application/problem+json").status == 406


def test_an_error_is_not_cached_and_keeps_its_headers() -> None:
    answer = present(InternalError("later", headers={"Retry-After": "5"}), None)

    assert (answer.etag, answer.fresh_until, answer.immutable) == (None, None, False)
    assert answer.headers == (("retry-after", "5"),)
    assert answer.vary == ("accept",)


@pytest.mark.parametrize("accept", [None, DEREFERENCING, LEGACY, "application/did"])
def test_a_deactivated_did_is_gone_and_not_cached(accept: str | None) -> None:
    answer = present(DEACTIVATED, accept)

    assert (answer.status, answer.etag, answer.fresh_until, answer.immutable) == (410, None, None, False)


def test_a_deactivated_did_has_a_null_document_and_says_so() -> None:
    assert _json(present(DEACTIVATED, None)) == {
        "didResolutionMetadata": {},
        "didDocument": None,
        "didDocumentMetadata": {"deactivated": True},
    }
    assert present(DEACTIVATED, "application/did").body == b""


def test_a_fetched_document_is_fresh_until_its_source_is_not() -> None:
    answer = present(RESOLVED, None)

    assert (answer.made_at, answer.fresh_until, answer.immutable) == (100.0, 160.0, False)
    assert answer.vary == ("accept",)
    assert answer.etag == etag_of(answer.body, answer.media_type)


def test_the_same_bytes_as_another_media_type_have_another_entity_tag() -> None:
    answers = [present(RESOLVED, accept) for accept in ("application/did", "application/did+json")]

    assert answers[0].body == answers[1].body
    assert answers[0].etag != answers[1].etag


def test_a_part_is_as_fresh_as_its_document() -> None:
    assert present(PART, None, did_url=True).fresh_until == 160.0


def test_a_computed_document_is_immutable() -> None:
    answer = present(COMPUTED, None)

    assert answer.immutable
    assert answer.fresh_until is None


def test_a_fetched_document_is_never_immutable() -> None:
    assert not present(Resolved(did=DID, document=DOCUMENT, made_at=100.0), None).immutable


def test_a_stale_document_says_so_and_is_not_cached_further() -> None:
    answer = present(Resolved(did=DID, document=DOCUMENT, made_at=1.0, fresh_until=2.0, stale=True), None)

    assert _json(answer)["didResolutionMetadata"]["stale"] is True
    assert (answer.fresh_until, answer.immutable) == (None, False)


def test_metadata_of_the_resolution_is_passed_on() -> None:
    resolved = Resolved(did=DID, document=DOCUMENT, resolution_metadata={"duration": 5})

    assert _json(present(resolved, None))["didResolutionMetadata"] == {
        "contentType": "application/did",
        "duration": 5,
    }


SERVICE = Dereferenced(
    did_url=f"{DID}?service=files",
    content=DOCUMENT,
    resolved=RESOLVED,
    urls=("https://a.example/", "https://b/"),
)
URL = Dereferenced(
    did_url=f"{DID}?service=files&relativeRef=x",
    content=DOCUMENT,
    resolved=COMPUTED,
    urls=("https://a.example/x",),
    names_url=True,
)
ONLY_URL = Dereferenced(
    did_url=f"{DID}?service=files#x",
    content=None,
    resolved=RESOLVED,
    urls=("https://a.example/#x",),
    names_url=True,
)


@pytest.mark.parametrize(
    ("result", "accept", "location"),
    [
        (SERVICE, "text/uri-list", "https://a.example/"),
        (SERVICE, "text/*, application/did;q=0.5", "https://a.example/"),
        (URL, None, "https://a.example/x"),
        (URL, "*/*", "https://a.example/x"),
        (URL, BROWSER, "https://a.example/x"),
        (URL, DEREFERENCING, "https://a.example/x"),
        (URL, LEGACY, "https://a.example/x"),
        (URL, "text/uri-list", "https://a.example/x"),
        (ONLY_URL, None, "https://a.example/#x"),
        (ONLY_URL, "text/uri-list", "https://a.example/#x"),
    ],
)
def test_a_url_is_a_redirection_without_a_body_that_nobody_keeps(
    result: Dereferenced, accept: str | None, location: str
) -> None:
    answer = present(result, accept, did_url=True)

    assert (answer.status, answer.body, answer.headers) == (303, b"", (("location", location),))
    assert (answer.etag, answer.fresh_until, answer.immutable) == (None, None, False)


@pytest.mark.parametrize("result", [SERVICE, URL])
@pytest.mark.parametrize("accept", ["application/did", "application/did+ld+json", "application/json"])
def test_who_asks_for_a_document_gets_the_one_with_the_services(result: Dereferenced, accept: str) -> None:
    answer = present(result, accept, did_url=True)

    assert (answer.status, answer.media_type, _json(answer)) == (200, accept, DOCUMENT)


@pytest.mark.parametrize("accept", [None, BROWSER, DEREFERENCING])
def test_services_without_a_relative_reference_are_a_document_unless_urls_are_asked_for(
    accept: str | None,
) -> None:
    answer = present(SERVICE, accept, did_url=True)

    assert (answer.status, answer.media_type) == (200, DEREFERENCING)
    assert _json(answer)["content"] == DOCUMENT


@pytest.mark.parametrize(
    ("result", "accept"),
    [
        (ONLY_URL, "application/did"),
        (RESOLVED, "text/uri-list"),
        (PART, "text/uri-list"),
        (SERVICE, RESOLUTION),
        (URL, RESOLUTION),
    ],
)
def test_what_a_did_url_does_not_name_is_406(result: Resolved | Dereferenced, accept: str) -> None:
    assert present(result, accept, did_url=True).status == 406


@pytest.mark.parametrize("accept", [None, "*/*", BROWSER])
def test_the_bare_document_may_be_the_default_and_the_results_remain(accept: str | None) -> None:
    def kind(result: Resolved | Dereferenced, accept: str | None) -> str:
        return present(result, accept, did_url=True, preferred="document").media_type

    assert {kind(result, accept) for result in (RESOLVED, WHOLE, PART, SERVICE)} == {"application/did"}
    assert kind(RESOLVED, RESOLUTION) == RESOLUTION
    assert kind(RESOLVED, LEGACY) == LEGACY
    assert present(URL, accept, did_url=True, preferred="document").status == 303
    assert present(DEACTIVATED, accept, preferred="document").status == 410
    assert present(NotFound("no"), accept, preferred="document").media_type == RESOLUTION


GONE = Dereferenced(
    did_url=f"{DID}?service=files", content=None, content_metadata={"deactivated": True}, resolved=DEACTIVATED
)


@pytest.mark.parametrize("result", [DEACTIVATED, GONE])
@pytest.mark.parametrize("accept", [None, "text/uri-list", "text/html", "application/did", "*/*;q=0", LEGACY])
def test_a_deactivated_did_is_gone_whatever_was_asked_for(
    result: Resolved | Dereferenced, accept: str | None
) -> None:
    assert present(result, accept).status == 410


def wants_old_suites(
    result: Resolved | Dereferenced, accept: str | None, *, preferred: Preferred = "result"
) -> bool:
    form = form_for(accept, shape_of(result), preferred)
    return form is not None and form.is_old


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        (None, False),
        ("*/*", False),
        (BROWSER, False),
        (RESOLUTION, False),
        ("application/did", False),
        ("application/did+json", True),
        ("application/ld+json", False),
        (LEGACY, True),
        (LEGACY_DEREFERENCING, True),
        ("application/did+ld+json", True),
        ("application/did+ld+json;q=0.9, application/did", False),
        ("text/html", False),
    ],
)
def test_the_old_media_types_want_their_own_suites(accept: str | None, wanted: bool) -> None:
    assert wants_old_suites(RESOLVED, accept) is wanted


@pytest.mark.parametrize("accept", ["application/did+ld+json", "application/ld+json"])
@pytest.mark.parametrize("own", [None, "https://b.example/v1", ["https://b.example/v1", {"c": "d:e"}]])
def test_a_part_as_json_ld_has_the_contexts_around_it_before_its_own(accept: str, own: Any) -> None:
    content = METHOD if own is None else {"@context": own, **METHOD}
    part = Dereferenced(did_url=f"{DID}#key-1", content=content, resolved=RESOLVED)

    answer = present(part, accept, did_url=True)

    inner = [] if own is None else [own] if isinstance(own, str) else own
    assert (answer.status, answer.media_type) == (200, accept)
    assert _json(answer) == {"@context": ["https://www.w3.org/ns/did/v1.1", *inner], **METHOD}


@pytest.mark.parametrize("accept", ["application/did", "application/did+json", "application/json"])
def test_a_part_as_json_is_as_it_stands_in_the_document(accept: str) -> None:
    assert _json(present(PART, accept, did_url=True)) == METHOD


def test_a_part_of_a_document_without_contexts_is_no_json_ld() -> None:
    part = Dereferenced(did_url=f"{DID}#key-1", content=METHOD, resolved=WITHOUT_CONTEXT)

    assert present(part, "application/did+ld+json", did_url=True).status == 406
    assert present(part, "application/ld+json;q=0.5, application/did", did_url=True).status == 200


@pytest.mark.parametrize("result", [RESOLVED, WHOLE, PART])
@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, LEGACY),
        ("*/*", LEGACY),
        (BROWSER, LEGACY),
        ("application/*", LEGACY),
        (LEGACY, LEGACY),
        (LEGACY_DEREFERENCING, LEGACY_DEREFERENCING),
        (f"application/ld+json, {LEGACY}", LEGACY),
        ("application/ld+json", "application/ld+json"),
        ("application/ld+json, */*;q=0.1", "application/ld+json"),
        ("application/did+ld+json", "application/did+ld+json"),
        ("application/did", "application/did"),
        ("application/json", "application/json"),
        (DEREFERENCING, DEREFERENCING),
        ("*/*;q=0.1, application/did+json", "application/did+json"),
    ],
)
def test_the_old_result_may_be_the_default_and_all_others_remain(
    result: Resolved | Dereferenced, accept: str | None, media_type: str
) -> None:
    assert present(result, accept, did_url=True, preferred="legacy").media_type == media_type


@pytest.mark.parametrize("result", [RESOLVED, WHOLE, PART])
@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (AXIOS, LEGACY),
        (AXIOS.upper(), LEGACY),
        ("application/json, */*", LEGACY),
        ("application/json;q=0.5, */*;q=0.5", LEGACY),
        ("application/json, */*;q=0.9", "application/json"),
        ("application/json, text/plain", "application/json"),
        ("application/did, application/json, */*", "application/did"),
        ("application/did+json, application/json, */*", "application/did+json"),
        (f"{DEREFERENCING}, application/json, */*", DEREFERENCING),
        ("application/json, */*;q=0", "application/json"),
    ],
)
def test_where_the_old_result_is_the_default_who_takes_anything_beside_plain_json_gets_it(
    result: Resolved | Dereferenced, accept: str, media_type: str
) -> None:
    answer = present(result, accept, did_url=True, preferred="legacy")

    assert answer.media_type == media_type
    assert wants_old_suites(result, accept, preferred="legacy") == (
        media_type in (LEGACY, "application/did+json")
    )


@pytest.mark.parametrize("preferred", ["result", "document"])
def test_elsewhere_plain_json_is_the_document_also_for_who_takes_anything(preferred: Any) -> None:
    assert present(RESOLVED, AXIOS, preferred=preferred).media_type == "application/json"


@pytest.mark.parametrize("did_url", [False, True])
@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, LEGACY),
        ("*/*", LEGACY),
        (AXIOS, LEGACY),
        ("application/did+ld+json", LEGACY),
        ("application/ld+json", LEGACY),
        ("text/html", LEGACY),
        (RESOLUTION, RESOLUTION),
        (DEREFERENCING, DEREFERENCING),
        ("application/problem+json", "application/problem+json"),
    ],
)
def test_where_the_old_result_is_the_default_errors_have_it_too(
    accept: str | None, media_type: str, did_url: bool
) -> None:
    answer = present(NotFound("no"), accept, did_url=did_url, preferred="legacy")

    assert (answer.status, answer.media_type) == (404, media_type)


def test_where_the_old_result_is_the_default_old_suites_are_wanted_by_who_has_no_preference() -> None:
    assert wants_old_suites(RESOLVED, None, preferred="legacy")
    assert wants_old_suites(RESOLVED, "*/*", preferred="legacy")
    assert not wants_old_suites(RESOLVED, "application/did", preferred="legacy")
    assert not wants_old_suites(RESOLVED, "application/ld+json", preferred="legacy")


@pytest.mark.parametrize(("result", "content"), [(RESOLVED, DOCUMENT), (WHOLE, DOCUMENT), (PART, METHOD)])
def test_the_old_result_of_dereferencing_is_that_of_universal_resolver(
    result: Resolved | Dereferenced, content: JsonObject
) -> None:
    answer = present(result, LEGACY_DEREFERENCING, did_url=True)

    assert (answer.status, answer.media_type) == (200, LEGACY_DEREFERENCING)
    assert _json(answer)["content"] == content
    assert _json(answer)["@context"] == "https://w3id.org/did-resolution/v1"
    assert _json(answer)["dereferencingMetadata"]["contentType"].startswith("application/did+")


def test_the_old_errors_of_dereferencing_are_keywords() -> None:
    answer = present(NotFound("nothing there"), LEGACY_DEREFERENCING, did_url=True)

    assert (answer.status, answer.media_type) == (404, LEGACY_DEREFERENCING)
    assert _json(answer)["dereferencingMetadata"]["error"] == "notFound"
    assert _json(answer)["content"] is None
