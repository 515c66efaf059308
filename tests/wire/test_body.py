"""Request bodies and problem documents: what is refused, with which status, and what the caller is told."""

import json

import msgspec
import pytest

from wire import (
    Conflict,
    MalformedBody,
    PayloadTooLarge,
    ResourceNotFound,
    UnsupportedMediaType,
    read_body,
    render_problem,
    require_media_type,
)
from wire.body import MAX_BODY_BYTES
from wire.problem import Refusal, problem_of


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    count: int = 1


def test_a_body_of_the_right_shape_is_read() -> None:
    assert read_body(b'{"name":"a"}', "application/json", Wanted) == Wanted("a")
    assert read_body(b'{"name":"a"}', "Application/JSON ; charset=utf-8", Wanted) == Wanted("a")


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/jsonp", "application/json-patch+json", "json"]
)
def test_another_content_type_is_refused(content_type: str | None) -> None:
    with pytest.raises(UnsupportedMediaType, match="application/json") as refused:
        read_body(b'{"name":"a"}', content_type, Wanted)

    assert refused.value.status == 415


def test_one_of_several_media_types_is_returned() -> None:
    assert require_media_type("text/CSV; header=present", "application/json", "text/csv") == "text/csv"


def test_a_long_content_type_is_not_repeated_in_full() -> None:
    with pytest.raises(UnsupportedMediaType) as refused:
        require_media_type("x" * 10_000, "application/json")

    assert len(refused.value.detail) < 200


def test_a_body_over_the_limit_is_refused_before_it_is_parsed() -> None:
    body = b"[" * (MAX_BODY_BYTES + 1)

    with pytest.raises(PayloadTooLarge, match=f"{len(body)} bytes; the limit is {MAX_BODY_BYTES}") as refused:
        read_body(body, "application/json", Wanted)
    assert refused.value.status == 413


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"", ""),
        (b"[]", ""),
        (b'{"name":1}', "/name"),
        (b'{"name":"a","count":"1"}', "/count"),
        (b'{"name":"a","count":1.5}', "/count"),
        (b'{"name":"a","more":1}', ""),
        (b'{"name":"a","name":"b"}', ""),
        (b'{"count":1}', ""),
    ],
)
def test_a_malformed_body_is_a_400_that_points_at_the_member(body: bytes, pointer: str) -> None:
    with pytest.raises(MalformedBody) as refused:
        read_body(body, "application/json", Wanted)

    assert (refused.value.status, refused.value.pointer) == (400, pointer)


def test_a_refusal_becomes_a_problem_document() -> None:
    refusal = MalformedBody("expected a name", pointer="/name")

    problem = problem_of(refusal, base_url="https://t.example", instance="urn:touchstone:request:1")
    assert json.loads(render_problem(problem)) == {
        "type": "https://t.example/problems/malformed-body",
        "title": "Malformed body",
        "status": 400,
        "detail": "expected a name",
        "instance": "urn:touchstone:request:1",
        "errors": [{"pointer": "/name", "detail": "expected a name"}],
    }


def test_extension_members_stand_beside_the_standard_ones() -> None:
    problem = json.loads(render_problem(problem_of(Conflict("taken", index=7))))

    assert (problem["index"], "instance" in problem, "errors" in problem) == (7, False, False)


def test_the_uri_of_a_standard_stays_as_it_is() -> None:
    class NotFound(Refusal, type="https://www.w3.org/ns/did#NOT_FOUND"):
        pass

    problem = problem_of(NotFound("no such DID"), base_url="https://t.example")

    assert problem.type == "https://www.w3.org/ns/did#NOT_FOUND"


def test_a_class_has_what_it_states_the_words_of_its_type_and_the_rest_of_its_base() -> None:
    class OutOfRange(Refusal, type="https://w.example/#OUT_OF_RANGE", status=422, fault="caller"):
        pass

    class NotReadyYet(OutOfRange, type="/problems/not-ready-yet"):
        pass

    class LaterAgain(NotReadyYet, title="Later", status=503):
        pass

    told = [
        (kind.type, kind.title, kind.status, kind.fault) for kind in (OutOfRange, NotReadyYet, LaterAgain)
    ]

    assert told == [
        ("https://w.example/#OUT_OF_RANGE", "Out of range", 422, "caller"),
        ("/problems/not-ready-yet", "Not ready yet", 422, "caller"),
        ("/problems/not-ready-yet", "Later", 503, "caller"),
    ]


def test_the_root_pointer_is_told_and_no_pointer_is_not() -> None:
    assert problem_of(ResourceNotFound("gone", pointer="")).members["errors"][0]["pointer"] == ""
    assert problem_of(ResourceNotFound("gone")).members == {}
