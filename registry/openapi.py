"""
What the OpenAPI document says of the TRQP routes beyond their handlers: bodies, answers, examples. Routes.
"""

from typing import Any

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from registry.trqp import AuthorizationAnswer, RecognitionAnswer
from wire.problem import PROBLEM_JSON

DEGREES = {
    "entity_id": "did:web:rheintal.example",
    "authority_id": "did:web:education.example",
    "action": "issue",
    "resource": "UniversityDegreeCredential",
}
LICENCES = {
    "entity_id": "did:web:licensing.example",
    "authority_id": "did:web:education.example",
    "action": "issue",
    "resource": "ProfessionalLicenceCredential",
}
_AS_OF = {"time": "2025-03-01T00:00:00Z"}
_EVALUATED = "2026-11-24T12:00:00Z"

AUTHORIZED = DEGREES | {
    "authorized": True,
    "time_evaluated": _EVALUATED,
    "time_requested": _AS_OF["time"],
    "message": "active since 2024-01-01T00:00:00Z until 2029-01-01T00:00:00Z",
    "context": _AS_OF,
}
RECOGNIZED = LICENCES | {
    "recognized": True,
    "time_evaluated": _EVALUATED,
    "message": "active since 2024-07-01T00:00:00Z until 2029-07-01T00:00:00Z",
}


class ProblemDocument(msgspec.Struct, omit_defaults=True):
    """A problem document (RFC 9457); `errors` names the members at fault by JSON pointer."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""
    errors: list[dict[str, Any]] = []


def _text(description: str) -> Schema:
    return Schema(type=OpenAPIType.STRING, min_length=1, description=description)


_REQUEST_SCHEMA = Schema(
    type=OpenAPIType.OBJECT,
    required=list(DEGREES),
    properties={
        "entity_id": _text("The entity asked about."),
        "authority_id": _text("The authority asked."),
        "action": _text("The action, as the authority defines it."),
        "resource": _text("The resource, as the authority defines it."),
        "context": Schema(
            type=OpenAPIType.OBJECT,
            properties={
                "time": Schema(
                    type=OpenAPIType.STRING,
                    format=OpenAPIFormat.DATE_TIME,
                    description="Answer as of this time (RFC 3339 in UTC, ending in Z); absent: now.",
                )
            },
            additional_properties=Schema(type=OpenAPIType.STRING),
        ),
    },
)


class TrqpOperation(Operation):
    """An operation with the body of a TRQP query; handlers read the raw bytes, so Litestar cannot tell."""

    def __post_init__(self) -> None:
        examples: dict[str, Any] = {
            "now": Example(summary="Now", value=DEGREES),
            "then": Example(summary="As of a time", value=DEGREES | {"context": _AS_OF}),
            "authorities": Example(summary="Two authorities", value=LICENCES),
        }
        media_type = OpenAPIMediaType(schema=_REQUEST_SCHEMA, examples=examples)
        self.request_body = RequestBody(content={"application/json": media_type}, required=True)


def _answer(data: type, description: str, example: dict[str, Any]) -> ResponseSpec:
    return ResponseSpec(
        data, generate_examples=False, description=description, examples=[Example(value=example)]
    )


def _problem(description: str) -> ResponseSpec:
    return ResponseSpec(
        ProblemDocument, generate_examples=False, description=description, media_type=PROBLEM_JSON
    )


PROBLEMS = {
    400: _problem("The body is not the JSON asked for, or `context.time` is not a time in UTC."),
    404: _problem("The authority is unknown here, or does not define the action on the resource."),
    413: _problem("The body is over 64 KiB."),
    415: _problem("The body is not application/json."),
}
AUTHORIZATION_RESPONSES = {
    200: _answer(AuthorizationAnswer, "Whether it is so; a missing grant is `false`.", AUTHORIZED),
    **PROBLEMS,
}
RECOGNITION_RESPONSES = {
    200: _answer(RecognitionAnswer, "Whether it is so; a missing grant is `false`.", RECOGNIZED),
    **PROBLEMS,
}
