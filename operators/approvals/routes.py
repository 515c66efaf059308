"""
`/operator/approvals`: what waits for another person, and what that person decides. Routes.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, QueryParameter

from operators.approvals.approvals import MAX_PAGE, Approvals
from operators.approvals.change import ApprovalView
from operators.approvals.rules import STATES
from operators.approvals.views import ApprovalPage, Decide, read_reason
from operators.asking import Acting, answer_of, body_of, key_of, require_no_body, require_page
from operators.grants import Permission, Principal
from operators.needs import OWN, anywhere, named
from wire import Answer, BadRequest
from wire.body import MAX_BODY_BYTES
from wire.openapi import reads
from wire.routing import over

APPROVALS = "/operator/approvals"
_APPROVAL = f"{APPROVALS}/{{number:int}}"
_REASON = {"reason": "seen the order of 12 November, and spoken to Ada"}


def approval_routes(approvals: Approvals) -> type[Controller]:
    """Return the routes; the application's dependencies must have `principal`."""
    return over(_Routes, approvals=approvals)


def _described(shape: type[msgspec.Struct], description: str) -> ResponseSpec:
    return ResponseSpec(shape, description=description, generate_examples=False)


_ANSWER = {200: _described(ApprovalView, "The request for approval, and what became of it.")}


class _Routes(Controller):
    tags = ("operators: approvals",)
    request_max_body_size = MAX_BODY_BYTES
    approvals: Approvals

    @get(
        APPROVALS,
        name="list_approvals",
        summary="List requests for approval",
        description=f"In the order of their numbers, up to {MAX_PAGE} beyond `after`; in one `state`, or in any:"
        " those of scopes that you may read, and your own. What is about principals is for those who may see them.",
        responses={200: _described(ApprovalPage, "A page of requests.")},
        needs=anywhere(Permission.READ),
    )
    async def list_approvals(
        self,
        principal: Acting,
        wanted: Annotated[str, QueryParameter(name="state")] = "",  # `state` is taken by the framework.
        after: FromQuery[int] = 0,
        limit: FromQuery[int] = MAX_PAGE,
    ) -> Answer:
        require_page(limit, MAX_PAGE, after)
        if wanted and wanted not in STATES:
            raise BadRequest(f"state: expected one of {', '.join(STATES)}")
        return answer_of(await self.approvals.page(principal, state=wanted or None, after=after, limit=limit))

    @get(
        _APPROVAL,
        name="get_approval",
        summary="Show a request for approval",
        responses=_ANSWER,
        needs=named("number", Permission.READ),
    )
    async def get_approval(self, principal: Acting, number: FromPath[int]) -> Answer:
        return answer_of(await self.approvals.show(principal, number))

    @post(
        f"{_APPROVAL}/approve",
        name="approve",
        status_code=200,
        summary="Approve a request, and do what it asks for",
        description="For people with the role approver in its scope who have no part in it. Where the change cannot"
        " be made any more nothing is decided, and the answer says why.",
        responses=_ANSWER,
        operation_class=reads(_REASON),
        needs=named("number", Permission.APPROVE),
    )
    async def approve(
        self, principal: Acting, number: FromPath[int], request: Request[Any, Any, Any]
    ) -> Answer:
        return await _decided(self.approvals.approve, principal, number, request)

    @post(
        f"{_APPROVAL}/reject",
        name="reject",
        status_code=200,
        summary="Reject a request",
        description="For those who could approve it.",
        responses=_ANSWER,
        operation_class=reads(_REASON),
        needs=named("number", Permission.APPROVE),
    )
    async def reject(
        self, principal: Acting, number: FromPath[int], request: Request[Any, Any, Any]
    ) -> Answer:
        return await _decided(self.approvals.reject, principal, number, request)

    @post(
        f"{_APPROVAL}/break-glass",
        name="break_glass",
        status_code=200,
        summary="Do what a request asks for, though nobody approved it",
        description="For the role break-glass. It is audited, and an alarm tells everybody.",
        responses=_ANSWER,
        operation_class=reads(_REASON),
        needs=named("number", Permission.BREAK_GLASS),
    )
    async def break_glass(
        self, principal: Acting, number: FromPath[int], request: Request[Any, Any, Any]
    ) -> Answer:
        return await _decided(self.approvals.break_glass, principal, number, request)

    @post(
        f"{_APPROVAL}/withdraw",
        name="withdraw",
        status_code=200,
        summary="Take your own request back",
        responses=_ANSWER,
        needs=OWN,
    )
    async def withdraw(
        self, principal: Acting, number: FromPath[int], request: Request[Any, Any, Any]
    ) -> Answer:
        await require_no_body(request)
        return answer_of(await self.approvals.withdraw(principal, number, idempotency_key=key_of(request)))


async def _decided(
    decide: Callable[..., Awaitable[ApprovalView]],
    principal: Principal,
    number: int,
    request: Request[Any, Any, Any],
) -> Answer:
    reason = read_reason(await body_of(request, Decide))
    return answer_of(await decide(principal, number, reason, idempotency_key=key_of(request)))
