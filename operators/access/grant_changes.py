"""
How grants are given and taken away. Service.

Who is an approver, and who may break glass, is decided by two people, as soon as two can approve.
"""

from operators.access.asking_for import (
    change_of_grant,
    grant_of,
    require_decider,
    with_authority,
)
from operators.access.managing import (
    require_scopes,
    require_to_grant,
)
from operators.access.principal_writes import Answered, PrincipalWrites
from operators.access.views import (
    MAX_GRANTS,
    AskedGrant,
    PrincipalView,
)
from operators.actors.actor_store import Actor
from operators.actors.grant_store import add_grant, end_grant
from operators.approvals.change import Decided, Doer
from operators.approvals.rules import GUARDED
from operators.grants import (
    Principal,
    Role,
)
from storage import Transaction
from wire import Conflict


class GrantChanges(PrincipalWrites):
    """Every method raises as `PrincipalWrites` says."""

    def doers(self) -> dict[str, Doer]:
        """Return what makes each change that can be approved."""
        return {
            "grant.add": lambda author, asked, decided: self.grant(
                author, asked["principal"], AskedGrant(asked["scope"], Role(asked["role"])), decided=decided
            ),
            "grant.end": lambda author, asked, decided: self.end_grant(
                author, asked["principal"], AskedGrant(asked["scope"], Role(asked["role"])), decided=decided
            ),
        }

    async def grant(
        self,
        principal: Principal,
        principal_id: str,
        asked: AskedGrant,
        *,
        idempotency_key: str | None = None,
        decided: Decided | None = None,
    ) -> Answered:
        """
        Give a principal a role in a scope.

        Raises:
            BadRequest: the scope is none, or a service is to approve.
            ResourceNotFound: the scope is of an authority that the registry does not have.
            Conflict: it has that already, or as many as one may have.
        """
        grant_of(asked)
        grant = grant_of(with_authority(asked, self.authority_of))
        require_to_grant(principal, frozenset({grant}))
        require_decider((await self._found(principal, principal_id)).kind, grant)
        request = ("grant", principal_id, asked)
        change = change_of_grant("grant.add", principal_id, grant)
        needs = change if grant.role in GUARDED else None
        if decided is None and (answered := await self._answered(principal, idempotency_key, request, needs)):
            return answered

        def give(tx: Transaction) -> PrincipalView:
            if decided is not None:
                decided(tx, change)
            require_scopes(tx, frozenset({grant}))
            before = self._seen(tx, principal, principal_id)
            if len(before.held) >= MAX_GRANTS:
                raise Conflict(f"{principal_id} has {MAX_GRANTS} grants; take one away first")
            if not add_grant(tx, principal_id, self._held(principal, grant)):
                raise Conflict(f"{principal_id} is {grant} already")
            return self._noted(tx, principal, "grant.add", before, grant=str(grant))

        return await self._once(principal, idempotency_key, request, give)

    async def end_grant(
        self,
        principal: Principal,
        principal_id: str,
        asked: AskedGrant,
        *,
        idempotency_key: str | None = None,
        decided: Decided | None = None,
    ) -> Answered:
        """
        Take a role in a scope away. Whoever could take approvers away alone could go ahead without them.

        The scope is as `principal show` tells it: older grants may name an authority by what is no id.

        Raises:
            Conflict: it has not that role there.
        """
        grant = grant_of(asked)
        require_to_grant(principal, frozenset({grant}))
        await self._found(principal, principal_id)
        request = ("end-grant", principal_id, asked)
        change = change_of_grant("grant.end", principal_id, grant)
        needs = change if grant.role is Role.APPROVER else None
        if decided is None and (answered := await self._answered(principal, idempotency_key, request, needs)):
            return answered

        def end(tx: Transaction) -> PrincipalView:
            if decided is not None:
                decided(tx, change)
            before = self._seen(tx, principal, principal_id)
            if not end_grant(tx, principal_id, grant, by=principal.id, at=self._now()):
                raise Conflict(f"{principal_id} is not {grant}")
            return self._noted(tx, principal, "grant.end", before, grant=str(grant))

        return await self._once(principal, idempotency_key, request, end)

    async def _found(self, principal: Principal, principal_id: str) -> Actor:
        return (await self._database.write(lambda tx: self._seen(tx, principal, principal_id))).actor
