"""
`/operator/observations`, `/operator/key-changes` and `/operator/cache/purge`, for authenticated principals. Routes.
"""

from typing import Any, TypeVar

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from observatory.key_alarms import MAX_PAGE, Acknowledge, Announce, KeyAlarms
from observatory.purges import AskedPurge, Purges
from operators import Principal
from wire import Answer, BadRequest, encode, read_body
from wire.body import MAX_BODY_BYTES
from wire.openapi import reads

T = TypeVar("T")

OBSERVATIONS = "/operator/observations"
KEY_CHANGES = "/operator/key-changes"
PURGE = "/operator/cache/purge"
MAX_DID_CHARS = 8_192  # characters
_PURGE_EXAMPLE = {"did": "did:web:issuer.example"}
_ANNOUNCE_EXAMPLE = {"did": "did:web:issuer.example", "notAfter": "2027-01-31T12:00:00Z"}


def build_operator_routes(alarms: KeyAlarms, purges: Purges) -> list[HTTPRouteHandler]:
    """Return the route handlers; the application's dependencies must have `principal`."""

    @get(
        OBSERVATIONS,
        name="list_observations",
        summary="What was seen of registered DIDs, and the newest open alarms",
        description=f"In the order of their ids, up to {MAX_PAGE} beyond `after`; of one `did`, or of all.",
        tags=["operators: observations"],
    )
    async def list_observations(
        principal: NamedDependency[Principal],  # noqa: ARG001 - whoever may read at all
        did: FromQuery[str] = "",
        after: FromQuery[int] = 0,
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        _check_page(did, after, limit)
        return _answer(await alarms.page(did or None, after=after, limit=limit))

    @get(
        KEY_CHANGES,
        name="list_key_changes",
        summary="Key changes that nobody announced or acknowledged",
        description=f"In the order of their numbers, up to {MAX_PAGE} beyond `after`; of one `did`, or of all.",
        tags=["operators: observations"],
    )
    async def list_key_changes(
        principal: NamedDependency[Principal],  # noqa: ARG001 - whoever may read at all
        did: FromQuery[str] = "",
        after: FromQuery[int] = 0,
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        _check_page(did, after, limit)
        return _answer(await alarms.open_alarms(did or None, after=after, limit=limit))

    @post(
        f"{OBSERVATIONS}/acknowledge",
        name="acknowledge_key_change",
        status_code=200,
        summary="Acknowledge an alarm",
        description="For admins of all issuers. An alarm that is acknowledged already stays as it is.",
        tags=["operators: observations"],
        operation_class=reads({"alarm": 17}),
        request_max_body_size=MAX_BODY_BYTES,
    )
    async def acknowledge(principal: NamedDependency[Principal], request: Request[Any, Any, Any]) -> Answer:
        asked = await _body(request, Acknowledge)
        return _answer(await alarms.acknowledge(principal, asked, idempotency_key=_key(request)))

    @post(
        f"{OBSERVATIONS}/announce",
        name="announce_key_change",
        status_code=200,
        summary="Announce a change of keys",
        description="For admins of all issuers. Until then the keys of this DID change without an alarm.",
        tags=["operators: observations"],
        operation_class=reads(_ANNOUNCE_EXAMPLE),
        request_max_body_size=MAX_BODY_BYTES,
    )
    async def announce(principal: NamedDependency[Principal], request: Request[Any, Any, Any]) -> Answer:
        asked = await _body(request, Announce)
        return _answer(await alarms.announce(principal, asked, idempotency_key=_key(request)))

    @post(
        PURGE,
        name="purge_cache",
        status_code=202,
        summary="Forget what is cached of a DID, a host, or everything",
        description="For admins of all issuers. Every worker of every node has done it by `everywhereBy`.",
        tags=["operators: cache"],
        operation_class=reads(_PURGE_EXAMPLE),
        request_max_body_size=MAX_BODY_BYTES,
    )
    async def purge(principal: NamedDependency[Principal], request: Request[Any, Any, Any]) -> Answer:
        asked = await _body(request, AskedPurge)
        return _answer(await purges.ask(principal, asked, idempotency_key=_key(request)), 202)

    return [list_observations, list_key_changes, acknowledge, announce, purge]


async def _body(request: Request[Any, Any, Any], shape: type[T]) -> T:
    return read_body(await request.body(), request.headers.get("content-type"), shape)


def _key(request: Request[Any, Any, Any]) -> str | None:
    key: str | None = request.headers.get("idempotency-key")
    return key


def _answer(value: msgspec.Struct, status: int = 200) -> Answer:
    return Answer(status=status, body=encode(value))


def _check_page(did: str, after: int, limit: int) -> None:
    if not 1 <= limit <= MAX_PAGE:
        raise BadRequest(f"limit: expected 1 to {MAX_PAGE}")
    if not 0 <= after <= 2**53:
        raise BadRequest("after: expected an id of the list, such as `next` of the page before")
    if len(did) > MAX_DID_CHARS or not (did.isascii() and did.isprintable()):
        raise BadRequest(f"did: expected a DID, of at most {MAX_DID_CHARS} characters")
