"""
`/operator/observations`, `/operator/key-changes` and `/operator/cache/purge`, for authenticated principals. Routes.
"""

from typing import Any

from litestar import Controller, Request, get, post
from litestar.params import FromQuery

from observatory.key_alarms import MAX_PAGE, Acknowledge, Announce, KeyAlarms
from observatory.purges import AskedPurge, Purges
from operators import Permission
from operators.asking import Acting, answer_of, body_of, key_of, require_page
from operators.needs import everything
from wire import Answer, BadRequest
from wire.body import MAX_BODY_BYTES
from wire.openapi import reads
from wire.routing import over

OBSERVATIONS = "/operator/observations"
KEY_CHANGES = "/operator/key-changes"
PURGE = "/operator/cache/purge"
MAX_DID_CHARS = 8_192  # characters
_TAGS = ["operators: observations"]
_PURGE_EXAMPLE = {"did": "did:web:issuer.example"}
_ANNOUNCE_EXAMPLE = {"did": "did:web:issuer.example", "notAfter": "2027-01-31T12:00:00Z"}


def build_operator_routes(alarms: KeyAlarms, purges: Purges) -> type[Controller]:
    """Return the routes; the application's dependencies must have `principal`."""
    return over(_Routes, alarms=alarms, purges=purges)


class _Routes(Controller):
    request_max_body_size = MAX_BODY_BYTES
    alarms: KeyAlarms
    purges: Purges

    @get(
        OBSERVATIONS,
        name="list_observations",
        needs=everything(Permission.READ),
        summary="What was seen of registered DIDs, and the newest open alarms",
        description=f"In the order of their ids, up to {MAX_PAGE} beyond `after`; of one `did`, or of all.",
        tags=_TAGS,
    )
    async def list_observations(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read everything
        did: FromQuery[str] = "",
        after: FromQuery[int] = 0,
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        _check_page(did, after, limit)
        return answer_of(await self.alarms.page(did or None, after=after, limit=limit))

    @get(
        KEY_CHANGES,
        name="list_key_changes",
        needs=everything(Permission.READ),
        summary="Key changes that nobody announced or acknowledged",
        description=f"In the order of their numbers, up to {MAX_PAGE} beyond `after`; of one `did`, or of all.",
        tags=_TAGS,
    )
    async def list_key_changes(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read everything
        did: FromQuery[str] = "",
        after: FromQuery[int] = 0,
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        _check_page(did, after, limit)
        return answer_of(await self.alarms.open_alarms(did or None, after=after, limit=limit))

    @post(
        f"{OBSERVATIONS}/acknowledge",
        name="acknowledge_key_change",
        needs=everything(Permission.ADMINISTER),
        status_code=200,
        summary="Acknowledge an alarm",
        description="For administrators of everything. An alarm that is acknowledged already stays as it is.",
        tags=_TAGS,
        operation_class=reads({"alarm": 17}),
    )
    async def acknowledge(self, principal: Acting, request: Request[Any, Any, Any]) -> Answer:
        asked = await body_of(request, Acknowledge)
        return answer_of(await self.alarms.acknowledge(principal, asked, idempotency_key=key_of(request)))

    @post(
        f"{OBSERVATIONS}/announce",
        name="announce_key_change",
        needs=everything(Permission.ADMINISTER),
        status_code=200,
        summary="Announce a change of keys",
        description="For administrators of everything. Until then the keys of this DID change without an alarm.",
        tags=_TAGS,
        operation_class=reads(_ANNOUNCE_EXAMPLE),
    )
    async def announce(self, principal: Acting, request: Request[Any, Any, Any]) -> Answer:
        asked = await body_of(request, Announce)
        return answer_of(await self.alarms.announce(principal, asked, idempotency_key=key_of(request)))

    @post(
        PURGE,
        name="purge_cache",
        needs=everything(Permission.ADMINISTER),
        status_code=202,
        summary="Forget what is cached of a DID, a host, or everything",
        description="For administrators of everything. Every worker of every node has done it by `everywhereBy`.",
        tags=["operators: cache"],
        operation_class=reads(_PURGE_EXAMPLE),
    )
    async def purge(self, principal: Acting, request: Request[Any, Any, Any]) -> Answer:
        asked = await body_of(request, AskedPurge)
        return answer_of(await self.purges.ask(principal, asked, idempotency_key=key_of(request)), 202)


def _check_page(did: str, after: int, limit: int) -> None:
    require_page(limit, MAX_PAGE, after)
    if len(did) > MAX_DID_CHARS or not (did.isascii() and did.isprintable()):
        raise BadRequest(f"did: expected a DID, of at most {MAX_DID_CHARS} characters")
