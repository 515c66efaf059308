"""
`/operator/audit`: who did what, for auditors of everything. Routes.
"""

from typing import Any

from litestar import Controller, Request, get, post
from litestar.params import FromQuery

from operators.asking import Acting, answer_of, key_of, require_known, require_no_body, require_page
from operators.audit.reading import MAX_PAGE, AuditTrail
from operators.grants import Permission
from operators.needs import everything
from storage.sealing import PAGE_ROWS_LOOKED_AT, Wanted
from wire import Answer, BadRequest, parse_utc
from wire.body import MAX_BODY_BYTES
from wire.routing import over

AUDIT = "/operator/audit"
_PARAMETERS = ("after", "limit", "actor", "action", "subject", "since", "until")
AUDITS = everything(Permission.AUDIT)


def audit_routes(trail: AuditTrail) -> type[Controller]:
    """Return the routes; the application's dependencies must have `principal`."""
    return over(_Routes, trail=trail)


class _Routes(Controller):
    tags = ("operators: audit",)
    request_max_body_size = MAX_BODY_BYTES
    trail: AuditTrail

    @get(
        AUDIT,
        name="list_audit_rows",
        needs=AUDITS,
        summary="Who did what, and when",
        description=f"In the order of their positions, up to {MAX_PAGE} beyond `after`; of one `actor`, `action` or"
        " `subject` where asked, and from `since` up to `until` (UTC). Rows are there a second after the act, and"
        " never change; without a filter they are a chain that can be verified. A page looks at"
        f" {PAGE_ROWS_LOOKED_AT:,} rows at most, so it may have none, and a `next`.",
    )
    async def list_audit_rows(
        self,
        principal: Acting,
        request: Request[Any, Any, Any],
        after: FromQuery[int] = 0,
        limit: FromQuery[int] = 100,
        actor: FromQuery[str] = "",
        action: FromQuery[str] = "",
        subject: FromQuery[str] = "",
        since: FromQuery[str] = "",
        until: FromQuery[str] = "",
    ) -> Answer:
        require_known(request, _PARAMETERS)
        require_page(limit, MAX_PAGE, after)
        wanted = Wanted(
            actor=_text(actor, "actor"),
            action=_text(action, "action"),
            subject=_text(subject, "subject"),
            since=_time(since, "since", Wanted().since),
            until=_time(until, "until", Wanted().until),
        )
        return answer_of(await self.trail.page(principal, wanted, after=after, limit=limit))

    @get(
        f"{AUDIT}/anchor",
        name="read_audit_anchor",
        needs=AUDITS,
        summary="The newest signed head of the audit log",
        description="A signed note (c2sp.org/signed-note), and the key that verifies it. The head is signed every"
        " hour in which a row came.",
    )
    async def read_audit_anchor(self, principal: Acting) -> Answer:
        return answer_of(await self.trail.anchor(principal))

    @post(
        f"{AUDIT}/anchor",
        name="sign_audit_anchor",
        status_code=200,
        needs=AUDITS,
        summary="Have the head of the audit log signed now",
        description="As it is read then. 503 where the key is away; the head is signed later.",
    )
    async def sign_audit_anchor(self, principal: Acting, request: Request[Any, Any, Any]) -> Answer:
        await require_no_body(request)
        return answer_of(await self.trail.sign_now(principal, idempotency_key=key_of(request)))


def _text(text: str, name: str) -> str:
    if len(text) > 8_192 or "\x00" in text:  # A subject may be a DID; PostgreSQL has no U+0000.
        raise BadRequest(f"{name}: expected up to 8192 characters, without U+0000")
    return text


def _time(text: str, name: str, default: int) -> int:
    if not text:
        return default
    try:
        return parse_utc(text)
    except ValueError as error:
        raise BadRequest(f"{name}: {error}") from None
