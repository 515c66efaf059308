"""
The OpenAPI 3.1 documents of the two listeners: every body, answer and problem of each route. Pure.

What the framework generates (paths, parameters, summaries, the examples of the registry) is kept; bodies, answers
and schemas come from the table of `operations.py`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from server.routes.operations import TEXT, Content, EitherOf, Listed, ProblemDocument, Route, Shape
from server.routes.operator_operations import ROUTES
from wire.problem import PROBLEM_JSON

REF = "#/components/schemas/{name}"
MAX_IDEMPOTENCY_KEY = 255  # characters; `storage/idempotency.py`

REASONS = {
    304: "What the client has is still what is here (If-None-Match).",
    400: "The request is not of the shape that this route asks for.",
    401: "No API key or token, or not one that is valid.",
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

_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "tsk_<public id>_<secret>",
    "description": "An API key, as `touchstone key create` makes it; or a token of the identity provider, a JWT.",
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
        if method in ("post", "put") and route.takes_idempotency_key:
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
            "schema": _schema(shape),
        }
        for media_type, shape in content.items()
    }


def _schema(shape: Shape) -> dict[str, Any]:
    match shape:
        case dict():
            return shape
        case Listed(of):
            return {"type": "array", "items": _schema(of)}
        case EitherOf(one, listed):
            return {"anyOf": [_schema(one), _schema(listed)]}
    return {"$ref": REF.format(name=shape.__name__)}


def _named_in(shape: Shape) -> set[type[msgspec.Struct]]:
    """Return what a shape refers to."""
    match shape:
        case dict():
            return set()
        case Listed(of):
            return {of}
        case EitherOf(one, listed):
            return {one, *_named_in(listed)}
    return {shape}


def _schemas(routes: list[Route]) -> dict[str, Any]:
    contents = [content for route in routes for content in (route.body, *route.answers.values())]
    shapes = set().union(*(_named_in(shape) for content in contents for shape in content.values()))
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
