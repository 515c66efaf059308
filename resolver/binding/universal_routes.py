"""
`POST /1.0/identifiers`, and what a resolver tells of itself below `/1.0/`. Routes.
"""

from collections.abc import Callable, Sequence
from typing import Any

from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler

from resolver.binding.batch import MAX_BATCH, MAX_BATCH_BODY_BYTES, answer_batch, read_batch
from resolver.binding.target import BASE_PATH
from resolver.binding.universal import identifiers_to_test, methods_of, properties_of, traits_of
from resolver.resolution import Resolver
from wire import Answer, asks_for_no_cache, encode, etag_of

FRESH_SECONDS = 300.0  # what changes with a restart is told within five minutes
JSON = "application/json"

SpendOf = Callable[
    [str, bool], float
]  # a client's token, true: for an origin; 0, or the seconds until it has one


def batch_route(
    resolver: Resolver,
    spend: SpendOf = lambda *_: 0.0,
    wait_to_renew: Callable[[str], float] = lambda _: 0.0,
) -> HTTPRouteHandler:
    """Return the route of batches; the client is the request's state `client`, where the server put it."""

    @post(
        BASE_PATH,
        operation_id="resolveMany",
        status_code=200,
        summary=f"Resolve or dereference up to {MAX_BATCH} DIDs and DID URLs",
        description=f"In a body of {MAX_BATCH_BODY_BYTES // 1_024} KiB. "
        "Each has its own status and result, in the order given; one that fails spoils nothing. "
        "Options are those of a single resolution, the same for all.",
        tags=["resolver"],
        request_max_body_size=MAX_BATCH_BODY_BYTES,
    )
    async def resolve_many(request: Request[Any, Any, Any]) -> Answer:
        batch = read_batch(await request.body(), request.headers.get("content-type"))
        client = request.scope.get("state", {}).get("client", "")
        return await answer_batch(
            resolver,
            batch,
            no_cache=any(asks_for_no_cache(value) for value in request.headers.getall("cache-control", [])),
            spend=lambda may_fetch: spend(client, may_fetch),
            wait_to_renew=lambda: wait_to_renew(client),
        )

    return resolve_many


def universal_routes(
    resolver: Resolver, own_dids: Sequence[str], clock: Callable[[], float]
) -> list[HTTPRouteHandler]:
    """
    Return what clients of the Universal Resolver ask for.

    Args:
        own_dids: DIDs that this server publishes, for `testIdentifiers`.
        clock: seconds since 1970.
    """
    native, drivers = resolver.planner.native_methods, resolver.drivers
    told = (
        ("methods", "the DID methods that are resolved", methods_of(native, drivers)),
        (
            "properties",
            "what is to be known of each method and driver, by pattern",
            properties_of(native, drivers),
        ),
        (
            "testIdentifiers",
            "DIDs that resolve here, by method",
            identifiers_to_test(native, drivers, own_dids),
        ),
        ("traits", "the traits of each method, by pattern", traits_of(native, drivers)),
    )
    return [_route(name, summary, encode(value), clock) for name, summary, value in told]


def _route(name: str, summary: str, body: bytes, clock: Callable[[], float]) -> HTTPRouteHandler:
    etag = etag_of(body, JSON)

    async def tell() -> Answer:
        now = clock()
        return Answer(body=body, media_type=JSON, etag=etag, made_at=now, fresh_until=now + FRESH_SECONDS)

    return get(
        f"/1.0/{name}",
        operation_id=f"universalResolverGet{name[0].upper()}{name[1:]}",
        summary=f"Return {summary}",
        tags=["resolver"],
    )(tell)
