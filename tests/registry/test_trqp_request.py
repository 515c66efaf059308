"""TRQP requests are read strictly: shapes, duplicates, depth, encodings, times."""

import json
from typing import Any

import pytest

from registry.trqp import read_request
from tests.registry.examples import EDU, UNI
from wire import MalformedBody, PayloadTooLarge, UnsupportedMediaType

QUESTION = {"entity_id": UNI, "authority_id": EDU, "action": "issue", "resource": "Degree"}


def read(**changes: Any) -> Any:
    return read_request(json.dumps(QUESTION | changes).encode(), "application/json")


def test_a_question_is_read_with_its_context() -> None:
    request = read(context={"time": "2025-01-01T00:00:00Z", "note": "x"})

    assert (request.entity_id, request.resource) == (UNI, "Degree")
    assert request.time == "2025-01-01T00:00:00Z"
    assert request.context == {"time": "2025-01-01T00:00:00Z", "note": "x"}


def test_members_of_a_later_minor_version_are_ignored() -> None:
    assert read(delegation={"depth": [1, 2]}) == read()


@pytest.mark.parametrize("name", list(QUESTION))
@pytest.mark.parametrize("value", ["", None, 1, True, [], {}, ["x"]])
def test_an_identifier_that_is_no_text_is_refused(name: str, value: object) -> None:
    with pytest.raises(MalformedBody) as caught:
        read(**{name: value})

    assert (caught.value.status, caught.value.pointer) == (400, f"/{name}")


@pytest.mark.parametrize("name", list(QUESTION))
def test_a_missing_member_is_refused(name: str) -> None:
    body = json.dumps({key: value for key, value in QUESTION.items() if key != name}).encode()

    with pytest.raises(MalformedBody, match="found nothing") as caught:
        read_request(body, "application/json")

    assert caught.value.pointer == f"/{name}"


@pytest.mark.parametrize("context", [None, "now", [], 1, ["time"]])
def test_a_context_that_is_no_object_is_refused(context: object) -> None:
    with pytest.raises(MalformedBody) as caught:
        read(context=context)

    assert caught.value.pointer == "/context"


@pytest.mark.parametrize("value", [True, None, 1, 1.5, [], ["x"], {"time": "2025-01-01T00:00:00Z"}])
def test_a_context_member_that_is_no_text_is_ignored_and_not_echoed(value: object) -> None:
    request = read(context={"strict": value, "a/b~c": value, "note": "x", "time": "2025-01-01T00:00:00Z"})

    assert request.context == {"note": "x", "time": "2025-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    "time",
    [
        "",
        "now",
        "2025-01-01",
        "2025-01-01T00:00:00",
        "2025-01-01T00:00:00+00:00",
        "2025-01-01T00:00:00-00:00",
        "2025-01-01T02:00:00+02:00",
        "2025-01-01t00:00:00z",
        "2025-01-01 00:00:00Z",
        "2025-01-01T00:00:00Z\n",
        "2025-02-29T00:00:00Z",
        "2025-01-01T24:00:00Z",
        "2025-01-01T23:59:60Z",
        "٢٠٢٥-01-01T00:00:00Z",
        None,
        1735689600,
        {"time": "2025-01-01T00:00:00Z"},
    ],
)
def test_a_malformed_time_is_never_answered_for_now(time: object) -> None:
    with pytest.raises(MalformedBody) as caught:
        read(context={"time": time})

    assert caught.value.pointer == "/context/time"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b'{"entity_id": "a"} {}',
        b"\xef\xbb\xbf{}",
        b'{"entity_id": "\xff"}',
        b'{"entity_id": "\\ud800"}',
        b'{"entity_id": NaN}',
        json.dumps(QUESTION).encode("utf-16"),
        json.dumps(QUESTION).encode()[:-1] + b', "x": ' + b"[" * 40 + b"]" * 40 + b"}",
        json.dumps(QUESTION).encode()[:-1] + b', "x": ' + b"[" * 30_000 + b"}",
    ],
)
def test_what_is_not_a_json_object_of_ours_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        read_request(body, "application/json")


@pytest.mark.parametrize(
    "tail",
    [
        b', "entity_id": "did:web:other.example"}',
        b', "x": 1, "x": 1}',
        b', "context": {"time": "2025-01-01T00:00:00Z", "time": "2024-01-01T00:00:00Z"}}',
        b', "ignored": {"deep": [{"a": 1, "\\u0061": 2}]}}',
    ],
)
def test_a_member_given_twice_is_refused_even_where_it_would_be_ignored(tail: bytes) -> None:
    with pytest.raises(MalformedBody, match="twice"):
        read_request(json.dumps(QUESTION).encode()[:-1] + tail, "application/json")


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/x-www-form-urlencoded"])
def test_another_content_type_is_refused(content_type: str | None) -> None:
    with pytest.raises(UnsupportedMediaType):
        read_request(json.dumps(QUESTION).encode(), content_type)


def test_a_charset_parameter_is_allowed() -> None:
    body = json.dumps(QUESTION).encode()

    assert read_request(body, "application/json; charset=utf-8") == read()


def test_a_body_over_64_kib_is_refused() -> None:
    with pytest.raises(PayloadTooLarge):
        read(padding="x" * 65_536)
