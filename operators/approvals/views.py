"""
How requests for approval are decided on the wire, and seen. Pure.
"""

from typing import Annotated

import msgspec

from operators.approvals.change import ApprovalView
from operators.approvals.rules import MAX_REASON_CHARS, is_of_nobody
from operators.approvals.store import Approval
from wire import BadRequest, format_utc


class Decide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a request is approved, rejected or let past."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_REASON_CHARS)]


class ApprovalPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Some requests for approval in the order of their numbers.

    `next`, where there may be more: the `after` of the next page.
    """

    approvals: tuple[ApprovalView, ...]
    next: int | None = None


def read_reason(asked: Decide) -> str:
    """
    Return the reason.

    Raises:
        BadRequest: it says nothing, or has control characters.
    """
    if not asked.reason.strip() or not asked.reason.isprintable():
        raise BadRequest(f"expected 1 to {MAX_REASON_CHARS} characters on one line", pointer="/reason")
    return asked.reason


def hint_of(approval: Approval) -> str:
    """Return what to do about a request that nobody can approve as things are."""
    return (
        f"nobody can approve this now: {_waits_for(approval)}, or let somebody with the role break-glass go ahead;"
        " if there is nobody, `touchstone break-glass` on the server's machine gives that role for an hour"
    )


def _waits_for(approval: Approval) -> str:
    if is_of_nobody(approval.action, approval.author_person):
        return f"let a person ask, since it is not known which one stands behind {approval.author}"
    given = f"give another person the role approver for {approval.scope}"
    return f"{given}, set TOUCHSTONE_APPROVALS_ALONE=true so that a person goes ahead alone"


def approval_view(approval: Approval, now: int, hint: str | None) -> ApprovalView:
    return ApprovalView(
        approval=approval.id,
        action=approval.action,
        scope=str(approval.scope),
        subject=approval.subject,
        request=approval.request,
        digest=approval.digest,
        author=approval.author,
        asked_at=format_utc(approval.asked_at),
        expires_at=format_utc(approval.expires_at),
        state=approval.state_at(now),
        reason=approval.reason,
        person=None if approval.author_person == approval.author else approval.author_person,
        decided_by=approval.decided_by,
        decided_at=None if approval.decided_at is None else format_utc(approval.decided_at),
        decision_reason=approval.decision_reason,
        hint=hint,
    )
