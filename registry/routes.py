"""
`POST /trqp/authorization` and `POST /trqp/recognition` (TRQP v2.0, HTTPS binding). Routes.

The first half is what the OpenAPI document says beyond the handlers, which read raw bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Controller, Request, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from registry.answering import Answering
from registry.trqp import LIFECYCLE_PROFILE, AuthorizationAnswer, RecognitionAnswer
from registry.trqp_batch import MAX_BATCH_BODY_BYTES, MAX_QUERIES
from wire import Answer
from wire.body import MAX_BODY_BYTES
from wire.problem import PROBLEM_JSON
from wire.routing import over

AUTHORIZATION_PATH = "/trqp/authorization"
BATCH_PATH = f"{AUTHORIZATION_PATH}/batch"
RECOGNITION_PATH = "/trqp/recognition"

QUERIES_PER_TOKEN = 10  # of a batch, which is that much cheaper than requests of their own

Charge = Callable[[str, float], None]  # takes so many of a client's tokens, or raises what it is refused with

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

_PROFILE = {"lifecycleProfile": LIFECYCLE_PROFILE, "recorded_at": "2024-07-01T00:00:00Z"}
_META = {"meta": {"time_evaluated": _EVALUATED, "expires_at": "2026-11-24T12:15:00Z"}}

AUTHORIZED = DEGREES | {
    "authorized": True,
    "time_evaluated": _EVALUATED,
    "time_requested": _AS_OF["time"],
    "message": "active since 2024-01-01T00:00:00Z until 2029-01-01T00:00:00Z",
    "context": _AS_OF,
    "decision": {"authorized": "true"},
    "status": "active",
    "validFrom": "2024-01-01T00:00:00Z",
    "validUntil": "2029-01-01T00:00:00Z",
    **_PROFILE,
    **_META,
}
RECOGNIZED = LICENCES | {
    "recognized": True,
    "time_evaluated": _EVALUATED,
    "message": "active since 2024-07-01T00:00:00Z until 2029-07-01T00:00:00Z",
    "decision": {"recognized": "true"},
    "status": "active",
    "validFrom": "2024-07-01T00:00:00Z",
    "validUntil": "2029-07-01T00:00:00Z",
    **_PROFILE,
    **_META,
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
                ),
                "known_at": Schema(
                    type=OpenAPIType.STRING,
                    format=OpenAPIFormat.DATE_TIME,
                    description="Answer by what the registry had been told by this time; absent: by all.",
                ),
            },
            description="Other members have no effect; those that are strings are echoed.",
        ),
    },
)


@dataclass
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


def _answer(data: type, example: dict[str, Any]) -> ResponseSpec:
    description = "Whether it is so; a missing grant is `false`."
    return ResponseSpec(
        data, generate_examples=False, description=description, examples=[Example(value=example)]
    )


def _problem(description: str) -> ResponseSpec:
    return ResponseSpec(
        ProblemDocument, generate_examples=False, description=description, media_type=PROBLEM_JSON
    )


_PROBLEMS = {
    400: _problem("The body is not the JSON asked for, or a time is none in UTC, or lies ahead."),
    404: _problem("The authority is unknown here, or does not define the action on the resource."),
    410: _problem("What was known at `known_at` was lost with a restore."),
    413: _problem("The body is over 64 KiB."),
    415: _problem("The body is not application/json."),
}


def build_routes(answering: Answering, charge: Charge = lambda *_: None) -> type[Controller]:
    """
    Return the routes of TRQP, for a Litestar application.

    The application's response class must render an `Answer`, its exception handler a `wire.Refusal`. The client is
    the request's state `client`, where the server put it.
    """
    return over(_Routes, answering=answering, charge=charge)


class _Routes(Controller):
    tags = ("registry",)
    request_max_body_size = MAX_BODY_BYTES
    answering: Answering
    charge: Charge

    @post(
        AUTHORIZATION_PATH,
        name="authorization",
        status_code=200,
        summary="May this entity do that, says this authority?",
        description="TRQP v2.0 authorization query. `context.time` asks for the answer as of that time.",
        responses={200: _answer(AuthorizationAnswer, AUTHORIZED), **_PROBLEMS},
        operation_class=TrqpOperation,
    )
    async def authorization(self, request: Request[Any, Any, Any]) -> Answer:
        return await self.answering.authorization(*await self._read(request))

    @post(
        BATCH_PATH,
        name="authorization_batch",
        status_code=200,
        summary=f"Up to {MAX_QUERIES} authorization queries at once",
        description=f"In a body of {MAX_BATCH_BODY_BYTES // 1_024} KiB. Each query has a status and an answer, or a"
        " problem, in the order given; one that fails spoils nothing. All are evaluated at the same time.",
        request_max_body_size=MAX_BATCH_BODY_BYTES,
    )
    async def batch(self, request: Request[Any, Any, Any]) -> Answer:
        client = request.scope.get("state", {}).get("client", "")

        def spend(queries: int) -> None:
            self.charge(client, max(0.0, queries / QUERIES_PER_TOKEN - 1))  # One has been paid.

        return await self.answering.batch(*await self._read(request), spend)

    @post(
        RECOGNITION_PATH,
        name="recognition",
        status_code=200,
        summary="Does this authority recognise that one for this?",
        description="TRQP v2.0 recognition query: `entity_id` is the other authority.",
        responses={200: _answer(RecognitionAnswer, RECOGNIZED), **_PROBLEMS},
        operation_class=TrqpOperation,
    )
    async def recognition(self, request: Request[Any, Any, Any]) -> Answer:
        return await self.answering.recognition(*await self._read(request))

    async def _read(self, request: Request[Any, Any, Any]) -> tuple[bytes, str | None]:
        return await request.body(), request.headers.get("content-type")
