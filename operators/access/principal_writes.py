"""
What each change of a principal has: what was done or asked before, the audit row, and what is told of it. Service.
"""

from collections.abc import Callable

import msgspec

from operators.access.managing import (
    Found,
    seen,
    told,
)
from operators.access.views import (
    PrincipalView,
    principal_view,
)
from operators.acting import act_once, done_before
from operators.actors import actor_store
from operators.actors.actor_store import Actor
from operators.actors.grant_store import OPERATOR, HeldGrant, grants_of
from operators.actors.key_store import hide_keys
from operators.actors.principals import Principals
from operators.actors.schema import adopt_older
from operators.approvals.change import ApprovalView, Asks, Change
from operators.grants import (
    AuthorityOf,
    Grant,
    Principal,
    Role,
    parse_scope,
)
from operators.noting import note
from storage import Database, Transaction

Answered = PrincipalView | ApprovalView


class PrincipalWrites:
    """
    Every change raises ResourceNotFound where there is no such principal that the caller may know of, and
    Forbidden where the caller does not administer all scopes concerned.

    Args:
        principals: what believes keys, and forgets them after a change.
        approvals: who knows whether another person must agree.
        clock: seconds since 1970.

    Attributes:
        authority_of: which authority a scope means; the composition root fills it in where there is a registry.
    """

    def __init__(
        self, database: Database, principals: Principals, approvals: Asks, *, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._principals = principals
        self._approvals = approvals
        self._clock = clock
        self.authority_of: AuthorityOf = str

    async def _answered(
        self, principal: Principal, key: str | None, request: tuple[object, ...], change: Change | None
    ) -> Answered | None:
        """Return what was done or asked for this key and request before, or the approval that `change` needs."""
        if done := await done_before(self._database, principal, key, request, PrincipalView):
            return await self._named(principal, done)
        if asked := await self._approvals.asked_before(principal, key, request):
            return asked
        return None if change is None else await self._approvals.ask(principal, change, key, request)

    async def _once(
        self,
        principal: Principal,
        idempotency_key: str | None,
        request: tuple[object, ...],
        make: Callable[[Transaction], PrincipalView],
    ) -> PrincipalView:
        done = await act_once(
            self._database, principal, idempotency_key, request, make, PrincipalView, at=self._now()
        )
        self._principals.forget()
        return await self._named(principal, done)

    async def _named(self, principal: Principal, view: PrincipalView) -> PrincipalView:
        """
        Return `view` with what the principal is called now, without grants that `principal` may not know of.

        A name is kept in one place, where it is erased. What was done before may have been by a wider API key.
        """
        actor = await self._database.read(lambda tx: actor_store.find_actor(tx, view.id))
        assert actor is not None
        held = {one: Grant(parse_scope(one.scope), Role(one.role)) for one in view.grants}
        return msgspec.structs.replace(
            view,
            name=actor.name,
            address=actor.address,
            issuer=actor.issuer,
            subject=actor.subject,
            grants=tuple(one for one, grant in held.items() if told(principal, view.id, (grant,))),
        )

    def _seen(self, tx: Transaction, principal: Principal, principal_id: str) -> Found:
        adopt_older(tx)
        return seen(tx, principal, principal_id, self._now())

    def _noted(
        self, tx: Transaction, principal: Principal, action: str, before: Found | str, **detail: object
    ) -> PrincipalView:
        """Write the audit row of what was done to a principal, and return it as it is now, without its name."""
        is_new = isinstance(before, str)
        principal_id = before if isinstance(before, str) else before.actor.id
        hide_keys(tx, principal_id)
        actor = actor_store.find_actor(tx, principal_id)
        assert actor is not None
        held = grants_of(tx, principal_id, self._now())
        note(
            tx,
            principal,
            action,
            principal_id,
            at=self._now(),
            before=None if isinstance(before, str) else principal_view(nameless(before.actor), before.held),
            after=principal_view(nameless(actor), held),
            **(detail | ({"kind": actor.kind, "grants": [str(one.grant) for one in held]} if is_new else {})),
        )
        return shown(principal, nameless(actor), held)

    def _held(self, principal: Principal, grant: Grant) -> HeldGrant:
        return HeldGrant(grant=grant, source=OPERATOR, granted_by=principal.id, granted_at=self._now())

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def nameless(actor: Actor) -> Actor:
    """Return what an audit row has the digest of, and what is remembered of a request: nothing to be erased."""
    return msgspec.structs.replace(actor, name=None, address=None, issuer=None, subject=None)


def shown(principal: Principal, actor: Actor, held: list[HeldGrant]) -> PrincipalView:
    """Return a principal as `principal` may see it."""
    grants = told(principal, actor.id, (one.grant for one in held))
    return principal_view(actor, [one for one in held if one.grant in grants])
