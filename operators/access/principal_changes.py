"""
How principals are made, deactivated and erased. Service.

Each change is one transaction with its audit row. A person is made by one person and vouched for by another, as
soon as there are two who can approve: whoever could make persons alone could approve what he asked for himself.
"""

import msgspec

from operators.access.asking_for import (
    change_of,
    change_of_acting,
    checked,
    one_scope,
    with_authority,
)
from operators.access.managing import (
    Found,
    administered,
    managed,
    require_scopes,
    require_to_grant,
    scopes_of,
    seen,
)
from operators.access.principal_writes import Answered, PrincipalWrites, shown
from operators.access.views import (
    CreatePrincipal,
    PrincipalPage,
    PrincipalView,
)
from operators.actors import actor_store
from operators.actors.actor_store import Actor
from operators.actors.grant_store import add_grant, claimed, grants_of
from operators.approvals.change import Decided, Doer
from operators.approvals.rules import is_trusted_more
from operators.approvals.store import expire_asked, forget_person
from operators.grants import (
    EVERYTHING,
    Grant,
    Kind,
    Permission,
    Principal,
    Role,
    require_anywhere,
)
from operators.needs import Need
from storage import Transaction
from wire import Conflict

MAX_PAGE = 100  # principals


class PrincipalChanges(PrincipalWrites):
    """Every method raises as `PrincipalWrites` says."""

    def doers(self) -> dict[str, Doer]:
        """Return what makes each change that can be approved."""
        return {
            "principal.create": lambda author, asked, decided: self.create(
                author, msgspec.convert(asked, CreatePrincipal), decided=decided
            ),
            "principal.deactivate": lambda author, asked, decided: self.set_active(
                author, asked["principal"], False, decided=decided
            ),
            "principal.reactivate": lambda author, asked, decided: self.set_active(
                author, asked["principal"], True, decided=decided
            ),
        }

    async def let_in(self, principal: Principal, principal_id: str, need: Need) -> None:
        """
        Let `principal` ask for what `need` says of another; decided again in the transaction of a change.

        Nothing is written for whoever is refused.
        """
        await self._principals.adopt()
        is_itself = need.or_itself and principal_id == principal.id
        find = seen if is_itself or need.permission is Permission.SEE_PRINCIPALS else administered
        await self._database.read(lambda tx: find(tx, principal, principal_id, self._now()))

    async def page(self, principal: Principal, *, after: str = "", limit: int = MAX_PAGE) -> PrincipalPage:
        """Return at most `limit` principals with an id beyond `after`, of those that `principal` may know of."""
        require_anywhere(principal, Permission.SEE_PRINCIPALS)

        scopes = principal.scopes(Permission.SEE_PRINCIPALS)

        def read(tx: Transaction) -> PrincipalPage:
            only = None if EVERYTHING in scopes else scopes
            actors = actor_store.actors_after(tx, after, limit, only, self._now())
            views = [shown(principal, actor, grants_of(tx, actor.id, self._now())) for actor in actors]
            return PrincipalPage(
                principals=tuple(views), next=actors[-1].id if len(actors) == limit else None
            )

        return await self._database.read(read)

    async def show(self, principal: Principal, principal_id: str) -> PrincipalView:
        """Return a principal, and the grants that it holds where `principal` may know of principals."""

        def read(tx: Transaction) -> PrincipalView:
            found = seen(tx, principal, principal_id, self._now())
            return shown(principal, found.actor, found.held)

        return await self._database.read(read)

    async def create(
        self,
        principal: Principal,
        wanted: CreatePrincipal,
        *,
        idempotency_key: str | None = None,
        decided: Decided | None = None,
    ) -> Answered:
        """
        Add a principal with grants; of a person, another person may have to agree.

        Raises:
            BadRequest: its id is not an LDH label, or a text is none for people; or a service is to approve.
            ResourceNotFound: a scope is of an authority that the registry does not have.
            Conflict: its id is taken, or the account is another principal's.
        """
        request = ("create-principal", wanted)
        checked(wanted)
        named = (
            with_authority(each, self.authority_of, pointer=f"/grants/{index}")
            for index, each in enumerate(wanted.grants)
        )
        # What is approved says the ids: by then the identifiers may be somebody else's.
        wanted = msgspec.structs.replace(wanted, grants=tuple(named))
        grants = checked(wanted)
        require_to_grant(principal, grants)
        change = change_of(
            "principal.create", one_scope(scopes_of(grants)), wanted.id, msgspec.to_builtins(wanted)
        )
        needs = change if is_trusted_more(wanted.kind, (grant.role for grant in grants)) else None
        if decided is None and (answered := await self._answered(principal, idempotency_key, request, needs)):
            return answered
        actor = Actor(
            id=wanted.id,
            kind=wanted.kind,
            name=wanted.name,
            address=wanted.address,
            issuer=wanted.issuer,
            subject=wanted.subject,
            made_by=principal.id,
            made_at=self._now(),
        )

        def create(tx: Transaction) -> PrincipalView:
            if decided is not None:
                decided(tx, change)
            require_scopes(tx, grants)
            if not actor_store.insert_actor(tx, actor):
                raise Conflict(f"the principal {actor.id}, or its account, is there already")
            for grant in sorted(grants):
                add_grant(tx, actor.id, self._held(principal, grant))
            return self._noted(tx, principal, "principal.create", actor.id)

        return await self._once(principal, idempotency_key, request, create)

    async def set_active(
        self,
        principal: Principal,
        principal_id: str,
        is_active: bool,
        *,
        idempotency_key: str | None = None,
        decided: Decided | None = None,
    ) -> Answered:
        """
        Deactivate a principal, or let it act again. An approver goes, and a person comes back, as one is made.

        Raises:
            Conflict: it is so already, or is the caller itself.
        """
        action = "principal.reactivate" if is_active else "principal.deactivate"
        if principal_id == principal.id:
            raise Conflict("somebody else must do that")
        found, grants = await self._database.write(lambda tx: self._with_claimed(tx, principal, principal_id))
        roles = {grant.role for grant in grants}
        is_grave = is_trusted_more(found.actor.kind, roles) if is_active else Role.APPROVER in roles
        request = (action, principal_id)
        needs = change_of_acting(action, principal_id, grants) if is_grave else None
        if decided is None and (answered := await self._answered(principal, idempotency_key, request, needs)):
            return answered

        def change_it(tx: Transaction) -> PrincipalView:
            before, held = self._with_claimed(tx, principal, principal_id)
            if decided is not None:
                decided(tx, change_of_acting(action, principal_id, held))
            if not actor_store.set_active(tx, principal_id, is_active, by=principal.id, at=self._now()):
                raise Conflict(f"{principal_id} is {'active' if is_active else 'deactivated'} already")
            if not is_active:
                expire_asked(tx, self._now(), author=principal_id)
            return self._noted(tx, principal, action, before)

        return await self._once(principal, idempotency_key, request, change_it)

    async def erase(
        self, principal: Principal, principal_id: str, *, idempotency_key: str | None = None
    ) -> PrincipalView:
        """
        Forget what a person is called, and how others know it. What it did stays known, under its id.

        Raises:
            Conflict: it is no person, or may still act.
        """

        def erase(tx: Transaction) -> PrincipalView:
            found = managed(tx, principal, principal_id, self._now())
            if found.actor.kind is not Kind.PERSON or found.actor.deactivated_at is None:
                raise Conflict("expected a person that was deactivated before")
            actor_store.erase(tx, principal_id)
            forget_person(tx, principal_id, self._now())
            return self._noted(tx, principal, "principal.erase", found)

        return await self._once(principal, idempotency_key, ("erase", principal_id), erase)

    def _with_claimed(
        self, tx: Transaction, principal: Principal, principal_id: str
    ) -> tuple[Found, frozenset[Grant]]:
        """Return a principal for a change, and what it holds now or will hold when it signs in again."""
        found = managed(tx, principal, principal_id, self._now())
        return found, found.grants | claimed(tx, principal_id)
