"""
`/operator/alarms`: what is wrong, for operators of everything. Routes.
"""

from typing import Any

from litestar import Controller, Request, get, post
from litestar.params import FromQuery

from operators.alarms.alarms import MAX_PAGE, Alarms
from operators.alarms.model import AcknowledgeAlarm, AlarmKind
from operators.asking import Acting, answer_of, body_of, key_of, require_page
from operators.grants import Permission
from operators.needs import everything
from wire import Answer, BadRequest
from wire.body import MAX_BODY_BYTES
from wire.openapi import reads
from wire.routing import over

ALARMS = "/operator/alarms"


def alarm_routes(alarms: Alarms) -> type[Controller]:
    """Return the routes; the application's dependencies must have `principal`."""
    return over(_Routes, alarms=alarms)


class _Routes(Controller):
    tags = ("operators: alarms",)
    request_max_body_size = MAX_BODY_BYTES
    alarms: Alarms

    @get(
        ALARMS,
        name="list_alarms",
        needs=everything(Permission.READ),
        summary="What is wrong, and nobody has ended",
        description=f"In the order of their numbers, up to {MAX_PAGE} beyond `after`; of one `kind`, or of all.",
    )
    async def list_alarms(
        self,
        principal: Acting,
        kind: FromQuery[str] = "",
        after: FromQuery[int] = 0,
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        require_page(limit, MAX_PAGE, after)
        return answer_of(await self.alarms.page(principal, kind=_kind_of(kind), after=after, limit=limit))

    @post(
        f"{ALARMS}/acknowledge",
        name="acknowledge_alarm",
        needs=everything(Permission.ADMINISTER),
        status_code=200,
        summary="Note that somebody has looked into an alarm",
        description="For administrators of everything. An event, such as a change of keys, is over with that; a"
        " condition stays in the list until it ends, and no longer counts in the metrics.",
        operation_class=reads({"alarm": 17}),
    )
    async def acknowledge_alarm(self, principal: Acting, request: Request[Any, Any, Any]) -> Answer:
        asked = await body_of(request, AcknowledgeAlarm)
        return answer_of(await self.alarms.acknowledge(principal, asked, idempotency_key=key_of(request)))


def _kind_of(text: str) -> AlarmKind | None:
    if not text:
        return None
    try:
        return AlarmKind(text)
    except ValueError:
        raise BadRequest(f"kind: expected one of {', '.join(AlarmKind)}") from None
