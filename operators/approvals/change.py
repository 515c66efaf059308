"""
What can be asked of another person: a change, bound by its digest, and how others see the request for it. Pure.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from operators.grants import Principal, Scope
from operators.noting import digest_of
from storage import Transaction


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """
    What somebody wants to do.

    Attributes:
        action: the name that its audit row has, such as "grant.add".
        scope: where an approver must have that role.
        subject: what is changed.
        request: all that the change depends on, as JSON; no secret.
    """

    action: str
    scope: Scope
    subject: str
    request: dict[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of all of it as JSON with sorted members."""
        return digest_of([self.action, str(self.scope), self.subject, self.request])


# Called first in the transaction of the change, with the change as it would be made now: marks the approval as
# given; raises Conflict, also where that is not what was asked for.
Decided = Callable[[Transaction, Change], None]
# Makes the change as its author; handed in for each action.
Doer = Callable[[Principal, dict[str, Any], Decided], Awaitable[object]]


class ApprovalView(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """
    A request for approval.

    `state` is "pending", "approved", "rejected", "withdrawn", "expired", "alone" (nobody else could approve) or
    "break-glass". `person` is who stands behind a service that asks. `hint` says what to do where nobody can
    approve it as things are.
    """

    approval: int
    action: str
    scope: str
    subject: str
    request: dict[str, Any]
    digest: str
    author: str
    asked_at: str
    expires_at: str
    state: str
    reason: str | None = None
    person: str | None = None
    decided_by: str | None = None
    decided_at: str | None = None
    decision_reason: str | None = None
    hint: str | None = None


class Asks(Protocol):
    """Who knows whether a change needs another person."""

    async def ask(
        self,
        principal: Principal,
        change: Change,
        idempotency_key: str | None = None,
        asked: tuple[object, ...] = (),
    ) -> ApprovalView | None:
        """
        Return the request for approval that now waits, or that nobody else could approve, so that it is done; None:
        the change may go ahead.

        The same change, asked for again by the same principal while it waits, is the same request; with the same
        Idempotency-Key what was `asked` is so for a day, whatever became of it.
        """
        ...

    async def asked_before(
        self, principal: Principal, idempotency_key: str | None, asked: tuple[object, ...]
    ) -> ApprovalView | None:
        """Return the request for approval that `ask` returned for this key, whatever became of it; or None."""
        ...
