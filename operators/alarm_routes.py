"""
`/operator/alarms`: what is wrong, for operators of all issuers. Routes.
"""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from operators.alarms import MAX_PAGE, AcknowledgeAlarm, AlarmKind, Alarms
from operators.model import Principal
from wire import Answer, BadRequest, encode, read_body
from wire.body import MAX_BODY_BYTES
from wire.openapi import reads

ALARMS = "/operator/alarms"
_TAGS = ["operators: alarms"]


def alarm_routes(alarms: Alarms) -> list[HTTPRouteHandler]:
    """Return the route handlers; the application's dependencies must have `principal`."""
    return [_list_alarms(alarms), _acknowledge_alarm(alarms)]


def _list_alarms(alarms: Alarms) -> HTTPRouteHandler:
    @get(
        ALARMS,
        name="list_alarms",
        summary="What is wrong, and nobody has ended",
        description=f"In the order of their numbers, up to {MAX_PAGE} beyond `after`; of one `kind`, or of all.",
        tags=_TAGS,
    )
    async def list_alarms(
        principal: NamedDependency[Principal],
        kind: FromQuery[str] = "",
        after: FromQuery[int] = 0,
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        if not 1 <= limit <= MAX_PAGE:
            raise BadRequest(f"limit: expected 1 to {MAX_PAGE}")
        if not 0 <= after <= 2**53:
            raise BadRequest("after: expected an id of the list, such as `next` of the page before")
        found = await alarms.page(principal, kind=_kind_of(kind), after=after, limit=limit)
        return Answer(body=encode(found))

    return list_alarms


def _acknowledge_alarm(alarms: Alarms) -> HTTPRouteHandler:
    @post(
        f"{ALARMS}/acknowledge",
        name="acknowledge_alarm",
        status_code=200,
        summary="Note that somebody has looked into an alarm",
        description="For admins of all issuers. An event, such as a change of keys, is over with that; a condition"
        " stays in the list until it ends, and no longer counts in the metrics.",
        tags=_TAGS,
        operation_class=reads({"alarm": 17}),
        request_max_body_size=MAX_BODY_BYTES,
    )
    async def acknowledge_alarm(
        principal: NamedDependency[Principal], request: Request[Any, Any, Any]
    ) -> Answer:
        asked = read_body(await request.body(), request.headers.get("content-type"), AcknowledgeAlarm)
        key = request.headers.get("idempotency-key")
        return Answer(body=encode(await alarms.acknowledge(principal, asked, idempotency_key=key)))

    return acknowledge_alarm


def _kind_of(text: str) -> AlarmKind | None:
    if not text:
        return None
    try:
        return AlarmKind(text)
    except ValueError:
        raise BadRequest(f"kind: expected one of {', '.join(AlarmKind)}") from None
