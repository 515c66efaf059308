"""
`/operator/registry/reports`: what an auditor asks; the history of a fact; and what was answered when. Routes.
"""

from collections.abc import Callable
from typing import Annotated, Any, cast

import msgspec
from litestar import Controller, Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery, QueryParameter

from operators.asking import Acting, answer_of, require_known, require_page
from operators.grants import Permission
from operators.needs import anywhere, everything
from registry.asking.standing import Asked
from registry.identifiers import canonical_identifier
from registry.model import FACT_KINDS, Kind
from registry.reports.reports import MAX_PAGE, Reports
from registry.reports.shapes import AccessPage, ApprovedPage, ChangesPage, Checked, DuePage, History
from wire import Answer, BadRequest, parse_utc
from wire.routing import over

REPORTS = "/operator/registry/reports"
HISTORY = "/operator/registry/history"
CHECK = "/operator/registry/check"
MAX_DAYS = 3_660
FOREVER = 2**62  # microseconds
_PERIOD = " that was recorded from `since` on and before `until` (RFC 3339); without them, ever."


def report_routes(reports: Reports, now: Callable[[], int]) -> type[Controller]:
    """Return the routes; the application's dependencies must have `principal`. `now`: microseconds since 1970."""
    return over(_Routes, reports=reports, now=now)


def _described(shape: type[msgspec.Struct], description: str) -> dict[int, ResponseSpec]:
    return {200: ResponseSpec(shape, description=description, generate_examples=False)}


class _Routes(Controller):
    tags = ("operators: registry",)
    reports: Reports
    now: Callable[[], int]

    @get(
        f"{REPORTS}/access",
        needs=everything(Permission.SEE_PRINCIPALS),
        name="report_access",
        summary="Who has which role, for everything or for an authority",
        responses=_described(AccessPage, "A page of roles that are held now."),
    )
    async def access(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may see all principals
        request: Request[Any, Any, Any],
        after: FromQuery[int] = 0,
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        require_known(request, ("after", "limit"))
        require_page(limit, MAX_PAGE, after)
        return answer_of(await self.reports.access(after=after, limit=limit))

    @get(
        f"{REPORTS}/approvals",
        needs=everything(Permission.AUDIT),
        name="report_approvals",
        summary="Who approved or rejected what about the registry",
        description="All that was decided from `since` on and before `until` (RFC 3339); without them, ever.",
        responses=_described(ApprovedPage, "A page of decisions, by the number of the request."),
    )
    async def approvals(
        self,
        principal: Acting,  # noqa: ARG002 - an auditor of everything
        request: Request[Any, Any, Any],
        since: FromQuery[str] = "",
        until: FromQuery[str] = "",
        after: FromQuery[int] = 0,
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        require_known(request, ("since", "until", "after", "limit"))
        require_page(limit, MAX_PAGE, after)
        return answer_of(await self.reports.approvals(*_period(since, until), after=after, limit=limit))

    @get(
        f"{REPORTS}/reviews",
        needs=everything(Permission.READ),
        name="report_reviews",
        summary="What was to be looked at again, or is within `days`",
        responses=_described(DuePage, "A page of facts, the one that was due first first."),
    )
    async def reviews(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read everything
        request: Request[Any, Any, Any],
        days: FromQuery[int] = 0,
        after: FromQuery[str] = "",
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        until = self._until(request, days, limit)
        return answer_of(await self.reports.reviews(until, after=after, limit=limit))

    @get(
        f"{REPORTS}/ends",
        needs=everything(Permission.READ),
        name="report_ends",
        summary="What ends within `days`: grants, entities, and their keys and certificates",
        responses=_described(DuePage, "A page of facts, the one that ends first first."),
    )
    async def ends(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read everything
        request: Request[Any, Any, Any],
        days: FromQuery[int] = 30,
        after: FromQuery[str] = "",
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        until = self._until(request, days, limit)
        return answer_of(await self.reports.ends(until, after=after, limit=limit))

    @get(
        f"{REPORTS}/changes",
        needs=everything(Permission.READ),
        name="report_changes",
        summary="What the registry was told in a period, and by whom",
        description=f"All{_PERIOD}",
        responses=_described(ChangesPage, "A page of revisions, in the order in which they were recorded."),
    )
    async def changes(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read everything
        request: Request[Any, Any, Any],
        since: FromQuery[str] = "",
        until: FromQuery[str] = "",
        after: FromQuery[int] = 0,
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        require_known(request, ("since", "until", "after", "limit"))
        require_page(limit, MAX_PAGE, after)
        return answer_of(await self.reports.changes(*_period(since, until), after=after, limit=limit))

    @get(
        HISTORY,
        needs=anywhere(Permission.READ),
        name="show_fact_history",
        summary="How a fact came to be what it is",
        description="All revisions of a fact, by its id, or by an identifier of an entity or an authority."
        " Whoever reads for one authority sees that one, and what it granted.",
        responses=_described(History, "A page of revisions, the first first."),
    )
    async def history(
        self,
        principal: Acting,
        request: Request[Any, Any, Any],
        fact: Annotated[str, QueryParameter(name="id")],
        kind: FromQuery[str] = "",
        after: FromQuery[int] = 0,
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        require_known(request, ("id", "kind", "after", "limit"))
        require_page(limit, MAX_PAGE, after)
        if kind and kind not in FACT_KINDS:
            raise BadRequest(f"kind: expected one of {', '.join(FACT_KINDS)}")
        if "\x00" in fact:  # PostgreSQL has no U+0000.
            raise BadRequest("id: expected no U+0000")
        wanted = kind if kind else None
        return answer_of(await self.reports.history(principal, wanted, fact, after=after, limit=limit))

    @get(
        CHECK,
        needs=everything(Permission.READ),
        name="check_registry",
        summary="What is answered about a time, with what was known at another",
        description="`at` is the time that the question is about, `known_at` the time whose knowledge answers"
        " (RFC 3339); without them, now.",
        responses=_described(Checked, "The answer, and on what it rests."),
    )
    async def check(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read everything
        request: Request[Any, Any, Any],
        authority: FromQuery[str],
        entity: FromQuery[str],
        action: FromQuery[str],
        resource: FromQuery[str],
        kind: FromQuery[str] = "authorization",
        at: FromQuery[str] = "",
        known_at: FromQuery[str] = "",
    ) -> Answer:
        require_known(request, ("authority", "entity", "action", "resource", "kind", "at", "known_at"))
        if kind not in ("authorization", "recognition"):
            raise BadRequest("kind: expected authorization or recognition")
        asked = Asked(
            kind=cast(Kind, kind),
            authority=_canonical(authority),
            entity=_canonical(entity),
            action=action,
            resource=resource,
            at=_time("at", at, self.now()),
        )
        return answer_of(await self.reports.check(asked, self._known_at(known_at)))

    def _until(self, request: Request[Any, Any, Any], days: int, limit: int) -> int:
        require_known(request, ("days", "after", "limit"))
        require_page(limit, MAX_PAGE)
        if not 0 <= days <= MAX_DAYS:
            raise BadRequest(f"days: expected 0 to {MAX_DAYS}")
        return self.now() + days * 86_400_000_000

    def _known_at(self, text: str) -> int | None:
        if not text:
            return None
        if (known_at := _time("known_at", text, 0)) > self.now():
            raise BadRequest("known_at: nobody knows yet what will be known then")
        return known_at


def _period(since: str, until: str) -> tuple[int, int]:
    return _time("since", since, 0), _time("until", until, FOREVER)


def _time(name: str, text: str, absent: int) -> int:
    try:
        return parse_utc(text) if text else absent
    except ValueError as error:
        raise BadRequest(f"{name}: {error}") from None


def _canonical(identifier: str) -> str:
    try:
        return canonical_identifier(identifier)
    except ValueError:
        return identifier
