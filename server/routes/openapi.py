"""
The OpenAPI 3.1 documents of the two listeners: every body, answer and problem of each route. Pure.

Routes read their own bodies and return an `Answer`, so that the framework knows neither: what it generates (paths,
parameters, summaries, the examples of the registry) is kept, and bodies, answers and schemas come from the table
below. `tests/server/routes/test_openapi.py` holds the table against what the server answers.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from observatory.key_alarms import (
    Acknowledge,
    Announce,
    Announced,
    KeyChangePage,
    KeyChangeView,
    ObservationPage,
)
from observatory.operator_routes import KEY_CHANGES, OBSERVATIONS, PURGE
from observatory.purges import AskedPurge, PurgeView
from operators.alarm_routes import ALARMS
from operators.alarms import AcknowledgeAlarm, AlarmPage, AlarmView
from registry.trqp import AuthorizationAnswer, RecognitionAnswer
from resolver.binding.batch import BatchRequest, BatchResult
from server.routes.explain import Explanation
from statuslist.checking.requests import EntryCheck, StatusCheck
from statuslist.entries.requests import (
    Allocate,
    Allocated,
    Changed,
    ChangeStatuses,
    CreateSet,
    EntryView,
    SetPage,
    SetView,
)
from wire.problem import PROBLEM_JSON

JSON = "application/json"
HTML = "text/html; charset=utf-8"
JWT = "application/vc+jwt"
REF = "#/components/schemas/{name}"
MAX_IDEMPOTENCY_KEY = 255  # characters; `storage/idempotency.py`

OBJECT: dict[str, Any] = {"type": "object"}
TEXT: dict[str, Any] = {"type": "string"}
Shape = type[msgspec.Struct] | dict[str, Any]
Content = Mapping[str, Shape]

REASONS = {
    304: "What the client has is still what is here (If-None-Match).",
    400: "The request is not of the shape that this route asks for.",
    401: "No API key, or not one that is valid.",
    403: "The principal may only read.",
    404: "There is no such resource, or none that the caller may see.",
    406: "None of the media types in Accept can be produced.",
    409: "The change contradicts what is there.",
    413: "The body is over its limit.",
    415: "The body's Content-Type is not one that this route reads.",
    422: "Understood, and refused: the type and the pointer say why.",
    429: "The client asks faster than it may; Retry-After says when to ask again.",
    500: "Something failed on our side, or the issuer's DID document is not valid.",
    501: "The DID method, or a feature, is not supported.",
    502: "A list of somebody else could not be fetched, verified or read.",
    503: "Not now; Retry-After says when to ask again.",
}
DEFAULT = "Refused before it reached a route: malformed, too slow, too large, too many; or a failure of ours."


class ProblemDocument(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A problem document (RFC 9457); `errors` names the members at fault by JSON pointer."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""
    errors: list[dict[str, str]] = []


class DidResolutionResult(msgspec.Struct, kw_only=True, rename="camel"):
    """The full result of a resolution; a dereferencing has the members that its specification names."""

    did_resolution_metadata: dict[str, Any]
    did_document: dict[str, Any] | None
    did_document_metadata: dict[str, Any]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """
    What the framework cannot know of a route.

    Attributes:
        body: what it reads, by media type; empty: nothing, or what the framework's document says already.
        answers: what it answers, by status.
        problems: further statuses whose answer is a problem document.
        is_conditional: whether it answers 304.
    """

    answers: Mapping[int, Content]
    body: Content = {}
    problems: tuple[int, ...] = ()
    is_conditional: bool = False


_RESULTS: Content = {
    "application/did-resolution": DidResolutionResult,
    "application/did-url-dereferencing": OBJECT,
    'application/ld+json;profile="https://w3id.org/did-resolution"': DidResolutionResult,
}
_DOCUMENTS: Content = dict.fromkeys(
    ("application/did", "application/did+json", "application/did+ld+json"), OBJECT
)
_RESOLVED: Mapping[int, Content] = {
    200: {**_RESULTS, **_DOCUMENTS},
    **{status: {**_RESULTS, PROBLEM_JSON: ProblemDocument} for status in (400, 404, 406, 410, 500, 501, 503)},
}
_LIST_JSON = ("application/vc", JSON, "application/ld+json")
_ASKED = (400, 404, 413, 415, 429)
_DID_DOCUMENT: Mapping[int, Content] = {200: {"application/did+json": OBJECT}}
_HEALTH: Mapping[int, Content] = {200: {JSON: OBJECT}, 503: {JSON: OBJECT}}
_READ = (400, 401, 404, 503)
_WRITE = (400, 401, 403, 404, 409, 413, 415, 422, 503)
_SETS = "/operator/status-lists"

ROUTES: dict[tuple[str, str], Route] = {
    ("get", "/1.0/identifiers/{identifier}"): Route(answers=_RESOLVED, problems=(429,), is_conditional=True),
    ("post", "/1.0/identifiers/{identifier}"): Route(
        answers=_RESOLVED, body={JSON: OBJECT}, problems=(413, 415, 429)
    ),
    ("post", "/1.0/identifiers"): Route(
        answers={200: {JSON: BatchResult}}, body={JSON: BatchRequest}, problems=(400, 413, 415, 429)
    ),
    **{
        ("get", f"/1.0/{name}"): Route(answers={200: {JSON: shape}}, problems=(429,), is_conditional=True)
        for name, shape in {
            "methods": {"type": "array", "items": TEXT},
            "properties": OBJECT,
            "testIdentifiers": OBJECT,
            "traits": OBJECT,
        }.items()
    },
    ("post", "/trqp/authorization"): Route(answers={200: {JSON: AuthorizationAnswer}}, problems=_ASKED),
    ("post", "/trqp/recognition"): Route(answers={200: {JSON: RecognitionAnswer}}, problems=_ASKED),
    ("get", "/status-lists/{list_id}"): Route(
        answers={200: {**dict.fromkeys(_LIST_JSON, OBJECT), JWT: TEXT}},
        problems=(400, 404, 406, 429, 503),
        is_conditional=True,
    ),
    ("get", "/status-lists/{list_id}/credential.json"): Route(
        answers={200: dict.fromkeys(_LIST_JSON, OBJECT)}, problems=(400, 404, 429, 503), is_conditional=True
    ),
    ("get", "/status-lists/{list_id}/credential.jwt"): Route(
        answers={200: {JWT: TEXT}}, problems=(400, 404, 429, 503), is_conditional=True
    ),
    ("post", "/status/check"): Route(
        answers={200: {JSON: StatusCheck}},
        body={JSON: EntryCheck, JWT: TEXT},
        problems=(400, 404, 413, 415, 422, 429, 500, 501, 502, 503),
    ),
    ("get", "/.well-known/did.json"): Route(answers=_DID_DOCUMENT, problems=(429,), is_conditional=True),
    ("get", "/issuers/{issuer_id}/did.json"): Route(
        answers=_DID_DOCUMENT, problems=(404, 429), is_conditional=True
    ),
    ("get", "/livez"): Route(answers={200: {JSON: OBJECT}}, problems=(429,)),
    ("get", "/readyz"): Route(answers=_HEALTH, problems=(429,)),
    ("get", "/metrics"): Route(answers={200: {"text/plain; version=0.0.4; charset=utf-8": TEXT}}),
    ("get", "/problems/{slug}"): Route(answers={200: {HTML: TEXT}}, problems=(404, 429), is_conditional=True),
    ("get", "/openapi.json"): Route(answers={200: {JSON: OBJECT}}, problems=(429,), is_conditional=True),
    ("get", "/docs"): Route(answers={200: {HTML: TEXT}}, problems=(429,), is_conditional=True),
    ("get", "/"): Route(answers={200: {JSON: OBJECT}}, problems=(429,)),
    ("get", "/operator/explain"): Route(answers={200: {JSON: Explanation}}, problems=(400, 401, 503)),
    ("get", _SETS): Route(answers={200: {JSON: SetPage}}, problems=_READ),
    ("post", _SETS): Route(answers={201: {JSON: SetView}}, body={JSON: CreateSet}, problems=_WRITE),
    ("get", f"{_SETS}/{{set_id}}"): Route(answers={200: {JSON: SetView}}, problems=_READ),
    ("post", f"{_SETS}/{{set_id}}/allocations"): Route(
        answers={201: {JSON: Allocated}}, body={JSON: Allocate}, problems=_WRITE
    ),
    ("post", f"{_SETS}/{{set_id}}/statuses"): Route(
        answers={200: {JSON: Changed}}, body={JSON: ChangeStatuses}, problems=_WRITE
    ),
    ("get", f"{_SETS}/{{set_id}}/statuses/{{index}}"): Route(
        answers={200: {JSON: EntryView}}, problems=(*_READ, 422)
    ),
    ("get", OBSERVATIONS): Route(answers={200: {JSON: ObservationPage}}, problems=_READ),
    ("get", KEY_CHANGES): Route(answers={200: {JSON: KeyChangePage}}, problems=_READ),
    ("get", ALARMS): Route(answers={200: {JSON: AlarmPage}}, problems=(400, 401, 403, 503)),
    ("post", f"{ALARMS}/acknowledge"): Route(
        answers={200: {JSON: AlarmView}}, body={JSON: AcknowledgeAlarm}, problems=_WRITE
    ),
    ("post", f"{OBSERVATIONS}/acknowledge"): Route(
        answers={200: {JSON: KeyChangeView}}, body={JSON: Acknowledge}, problems=_WRITE
    ),
    ("post", f"{OBSERVATIONS}/announce"): Route(
        answers={200: {JSON: Announced}}, body={JSON: Announce}, problems=_WRITE
    ),
    ("post", PURGE): Route(answers={202: {JSON: PurgeView}}, body={JSON: AskedPurge}, problems=_WRITE),
}

_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "tsk_<public id>_<secret>",
    "description": "An API key, as `touchstone key create` makes it.",
}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A retry with the same key and body returns the first answer; kept for a day.",
    "schema": {**TEXT, "pattern": "^[\\x21-\\x7e]+$", "maxLength": MAX_IDEMPOTENCY_KEY},
}


def complete(generated: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the framework's document with what `ROUTES` says of each operation, and the schemas it names.

    Raises:
        KeyError: a route is not in the table.
    """
    paths = {
        path: {method: _operation(method, path, operation) for method, operation in item.items()}
        for path, item in generated["paths"].items()
    }
    routes = [ROUTES[method, path] for path, item in paths.items() for method in item]
    components: dict[str, Any] = {"schemas": _schemas(routes)}
    if any("security" in operation for item in paths.values() for operation in item.values()):
        components["securitySchemes"] = {"apiKey": _BEARER}
    return {**generated, "paths": paths, "components": components}


def _operation(method: str, path: str, generated: Mapping[str, Any]) -> dict[str, Any]:
    route = ROUTES[method, path]
    operation = {**generated, "responses": _responses(route, generated.get("responses", {}))}
    if route.body:
        operation["requestBody"] = _body(route.body, generated.get("requestBody", {}))
    if path.startswith("/operator/"):
        operation["security"] = [{"apiKey": []}]
        if method == "post":
            operation["parameters"] = [*generated.get("parameters", []), _IDEMPOTENCY_KEY]
    return operation


def _responses(route: Route, generated: Mapping[str, Any]) -> dict[str, Any]:
    problem = {PROBLEM_JSON: ProblemDocument}
    answers = {**route.answers, **dict.fromkeys(route.problems, problem)}
    if route.is_conditional:
        answers[304] = {}
    responses = {
        str(status): _response(status, answers[status], generated.get(str(status), {}))
        for status in sorted(answers)
    }
    return responses | {"default": {"description": DEFAULT, "content": _content(problem, {})}}


def _response(status: int, content: Content, generated: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the route's own description and examples, where it has some."""
    is_own = not generated.get("description", "").startswith(
        ("Bad request", "Request fulfilled", "Validation")
    )
    described = generated.get("description") if is_own else None
    response: dict[str, Any] = {"description": described or REASONS.get(status, "The answer.")}
    if content:
        response["content"] = _content(content, generated.get("content", {}))
    return response


def _body(content: Content, generated: Mapping[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": _content(content, generated.get("content", {}))}


def _content(content: Content, generated: Mapping[str, Any]) -> dict[str, Any]:
    return {
        media_type: {
            **{name: value for name, value in generated.get(media_type, {}).items() if name != "schema"},
            "schema": shape if isinstance(shape, dict) else {"$ref": REF.format(name=shape.__name__)},
        }
        for media_type, shape in content.items()
    }


def _schemas(routes: list[Route]) -> dict[str, Any]:
    contents = [content for route in routes for content in (route.body, *route.answers.values())]
    shapes = {shape for content in contents for shape in content.values() if not isinstance(shape, dict)}
    named = sorted(shapes | {ProblemDocument}, key=lambda shape: shape.__name__)
    _, components = msgspec.json.schema_components(named, ref_template=REF)
    return {name: _portable(schema) for name, schema in sorted(components.items())}


def _portable(value: Any) -> Any:
    r"""Return a schema whose patterns end in `$`: JSON Schema's regular expressions have no `\Z`."""
    if isinstance(value, dict):
        return {
            name: inner.replace("\\Z", "$") if name == "pattern" else _portable(inner)
            for name, inner in value.items()
        }
    return [_portable(inner) for inner in value] if isinstance(value, list) else value


def declared(document: Mapping[str, Any]) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """Yield (method, path, status, media types) of every response in a document, for tests."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            for status, response in operation["responses"].items():
                yield method, path, status, tuple(response.get("content", {}))
