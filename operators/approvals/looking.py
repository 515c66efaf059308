"""
Which requests for approval somebody may know of, and what is shown of them. Store.
"""

from operators.approvals.change import ApprovalView
from operators.approvals.deciding import others_of
from operators.approvals.rules import ALWAYS, PENDING, seeing
from operators.approvals.store import ABSENT, Approval, Seen, find_approval
from operators.approvals.views import approval_view, hint_of
from operators.grants import NotSeen, Principal, Scope
from storage import Transaction
from wire import ResourceNotFound

MAX_NUMBER = 2**53  # beyond it JSON has no exact numbers, and the database none at some point


def known(tx: Transaction, number: int) -> Approval:
    """Return the request of a number that is known to be one."""
    approval = find_approval(tx, number)
    assert approval is not None
    return approval


def seen(tx: Transaction, principal: Principal, number: int) -> Approval:
    """
    Return the request of a number.

    Raises:
        ResourceNotFound: there is none that `principal` may know of.
    """
    approval = find_approval(tx, number) if 0 < number <= MAX_NUMBER else None
    if approval is None:
        raise ResourceNotFound(ABSENT)
    permissions = seeing(is_of_people=approval.action in ALWAYS)
    may = any(principal.may(permission, approval.scope) for permission in permissions)
    if approval.author != principal.id and not may:
        raise NotSeen(ABSENT)
    return approval


def scopes_seen(principal: Principal) -> Seen:
    """Return where `principal` may know of requests, as `seen` lets it."""
    return Seen(principal.id, _scopes(principal, is_of_people=False), _scopes(principal, is_of_people=True))


def _scopes(principal: Principal, *, is_of_people: bool) -> frozenset[Scope]:
    permissions = seeing(is_of_people=is_of_people)
    return frozenset(scope for permission in permissions for scope in principal.scopes(permission))


def shown(tx: Transaction, approval: Approval, now: int) -> ApprovalView:
    """Return a request as it is shown at `now` (microseconds since 1970), with what to do if it is stuck."""
    waits = approval.state_at(now) == PENDING
    hint = hint_of(approval) if waits and not others_of(tx, approval, now) else None
    return approval_view(approval, now, hint)
