"""
`GET /operator/explain`: how a DID was resolved, with what only an operator may see. Routes.
"""

from typing import Any

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from operators import Permission, Principal
from operators.needs import everything
from resolver import Dereferenced, JsonObject, ResolutionError, Resolved, Resolver, options_of
from resolver.binding.representation import explained
from resolver.did import parse_parameters
from wire import Answer, BadRequest, encode


class Explanation(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """
    How a DID or DID URL was resolved; `error` and `detail` where it could not be.

    The document is what anyone is told, its metadata too.
    """

    steps: list[JsonObject]
    did: str = ""
    deactivated: bool = False
    stale: bool = False
    did_document: JsonObject | None = None
    did_document_metadata: JsonObject = {}
    error: str = ""
    detail: str = ""
    cause: str = ""


def explain_route(resolver: Resolver) -> HTTPRouteHandler:
    """
    Return the route; the application's dependencies have `principal`.

    For administrators of everything: the steps tell where drivers are and which addresses were dialled, which
    belongs to no issuer, and `noCache` makes this node ask anew.
    """

    @get(
        "/operator/explain",
        name="explain_resolution",
        summary="Explain a resolution",
        description="Resolves `did`, a DID or DID URL, with the other query parameters as options, and tells "
        "the steps, confidential ones included. Goes through the cache as any other request does. For "
        "administrators of everything.",
        tags=["operators: resolver"],
        needs=everything(Permission.ADMINISTER),
    )
    async def explain(
        principal: NamedDependency[Principal],  # noqa: ARG001 - whoever was let in
        request: Request[Any, Any, Any],
    ) -> Answer:
        return await _explained(resolver, request.scope["query_string"].decode("latin-1"))

    return explain


async def _explained(resolver: Resolver, query: str) -> Answer:
    given: dict[str, object] = dict(parse_parameters(query))
    did_url = str(given.pop("did", ""))
    if not did_url:
        raise BadRequest("expected ?did=<DID or DID URL, percent-encoded>, and options after it")
    try:
        result = await _resolve(resolver, did_url, given | {"explain": "true"})
    except ResolutionError as error:
        return Answer(body=encode(_of_error(error)))
    return Answer(body=encode(_of(result.resolved if isinstance(result, Dereferenced) else result)))


def _of_error(error: ResolutionError) -> Explanation:
    return Explanation(
        steps=explained(error.steps, reveal=True),
        error=error.type,
        detail=error.detail,
        cause=str(error.members.get("cause", "")),
    )


def _of(resolved: Resolved) -> Explanation:
    return Explanation(
        steps=explained(resolved.steps, reveal=True),
        did=resolved.did,
        deactivated=resolved.deactivated,
        stale=resolved.stale,
        did_document=resolved.document,
        did_document_metadata=resolved.metadata,
    )


async def _resolve(resolver: Resolver, did_url: str, given: dict[str, object]) -> Resolved | Dereferenced:
    if set("/?#").isdisjoint(did_url):
        return await resolver.resolve(did_url, options_of(given))
    return await resolver.dereference(did_url, options_of(given))
