"""
`GET` and `POST /1.0/identifiers/<DID or DID URL>`; what they do is in `answering.py`. Routes.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec

from resolver.binding.answering import answer
from resolver.binding.forms import Preferred
from resolver.binding.options import read_options_body
from resolver.binding.request import STATE_KEY, DidRequest, read_request, with_options
from resolver.binding.target import BASE_PATH
from resolver.options import WIRE_NAMES
from resolver.resolution import Resolver
from resolver.results import JsonObject
from wire import Answer, asks_for_no_cache
from wire.body import MAX_BODY_BYTES

Handler = Callable[[Request[Any, Any, Any]], Awaitable[Answer]]


class DidResolutionResult(msgspec.Struct, rename="camel"):
    """The full result of a resolution, for the OpenAPI document."""

    did_resolution_metadata: JsonObject
    did_document: JsonObject | None
    did_document_metadata: JsonObject


def _described(description: str) -> ResponseSpec:
    return ResponseSpec(
        DidResolutionResult,
        description=description,
        media_type="application/did-resolution",
        generate_examples=False,
    )


RESPONSES = {
    200: _described(
        "The resolution result. By `Accept`: `application/did-resolution` (default) or "
        "`application/did-url-dereferencing` for a full result; `application/did`, `application/did+json` or "
        "`application/did+ld+json` for the bare document; "
        '`application/ld+json;profile="https://w3id.org/did-resolution"` for the result of the CCG drafts; '
        "`text/uri-list` for a redirection to a service endpoint."
    ),
    303: ResponseSpec(
        None,
        description="The DID URL names a URL at a service endpoint (`relativeRef`, or `Accept: text/uri-list`), "
        "which is in `Location`. No body.",
        generate_examples=False,
    ),
    400: _described("INVALID_DID, INVALID_DID_URL or INVALID_OPTIONS."),
    404: _described("NOT_FOUND: no such DID, or nothing at this DID URL."),
    406: _described("REPRESENTATION_NOT_SUPPORTED."),
    410: _described("The DID is deactivated: the document is null, `deactivated` is true."),
    500: _described("INVALID_DID_DOCUMENT, or INTERNAL_ERROR: `cause` tells what failed at the origin."),
    501: _described("METHOD_NOT_SUPPORTED or FEATURE_NOT_SUPPORTED."),
    503: _described("INTERNAL_ERROR: too many requests to origins; try again after `Retry-After`."),
}

_DESCRIPTION = (
    "DID Resolution v1, HTTP(S) binding. Percent-encode the DID or DID URL as a whole to send options: "
    + ", ".join(f"`{name}`" for name in sorted(WIRE_NAMES))
    + "."
)


def build_routes(
    resolver: Resolver,
    wait_to_renew: Callable[[str], float] = lambda _: 0.0,
    *,
    preferred: Preferred = "result",
) -> list[HTTPRouteHandler]:
    """
    Return the route handlers of the resolver, for a Litestar application.

    The application's response class must render an `Answer`.

    Args:
        wait_to_renew: takes a client's token for going around the cache; 0, or the seconds until it has one. The
            client is the request's state `client`, where the server put it; so is the request, where the server
            has read it (`STATE_KEY`).
        preferred: what who has no preference gets.
    """

    def read(request: Request[Any, Any, Any]) -> DidRequest:
        found: DidRequest | None = _state(request).get(STATE_KEY)
        return found or read_request(
            resolver.planner,
            request.scope["raw_path"],
            request.scope["query_string"],
            _accept(request),
            no_cache=_no_cache(request),
            preferred=preferred,
        )

    async def answered(request: Request[Any, Any, Any], asked: DidRequest) -> Answer:
        client = _state(request).get("client", "")
        return await answer(resolver, asked, lambda: wait_to_renew(client))

    async def resolve(request: Request[Any, Any, Any]) -> Answer:
        return await answered(request, read(request))

    async def resolve_with_options(request: Request[Any, Any, Any]) -> Answer:
        given = read_options_body(await request.body(), request.headers.get("content-type"))
        return await answered(request, with_options(resolver.planner, read(request), given))

    return [
        _documented_get(resolve),
        _documented_post(resolve_with_options),
        # Without an identifier the answer is INVALID_DID, not the 404 of a path that does not exist.
        get(BASE_PATH, include_in_schema=False)(resolve),
    ]


def _documented_get(handler: Handler) -> HTTPRouteHandler:
    return get(
        BASE_PATH + "/{identifier:path}",
        operation_id="resolve",
        summary="Resolve a DID, or dereference a DID URL",
        description=_DESCRIPTION,
        tags=["resolver"],
        responses=RESPONSES,
    )(handler)


def _documented_post(handler: Handler) -> HTTPRouteHandler:
    return post(
        BASE_PATH + "/{identifier:path}",
        operation_id="resolveWithOptions",
        status_code=200,
        summary="Resolve a DID, or dereference a DID URL, with options in the body",
        description=_DESCRIPTION + " Here they may also be the members of a JSON object in the body.",
        tags=["resolver"],
        responses=RESPONSES,
        request_max_body_size=MAX_BODY_BYTES,
    )(handler)


def _state(request: Request[Any, Any, Any]) -> dict[str, Any]:
    state: dict[str, Any] = request.scope.get("state", {})
    return state


def _accept(request: Request[Any, Any, Any]) -> str | None:
    """Return all Accept headers as one (RFC 9110, section 5.3)."""
    return ", ".join(request.headers.getall("accept", [])) or None


def _no_cache(request: Request[Any, Any, Any]) -> bool:
    return any(asks_for_no_cache(value) for value in request.headers.getall("cache-control", []))
