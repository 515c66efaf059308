"""
How principals are made, given grants, deactivated and erased. Service.

Each change is one transaction with its audit row. A person is made by one person and vouched for by another, as
soon as there are two who can approve: whoever could make persons alone could approve what he asked for himself.
"""

from collections.abc import Callable

import msgspec

from operators.access.asking_for import (
    change_of,
    change_of_acting,
    change_of_grant,
    checked,
    grant_of,
    one_scope,
    require_decider,
)
from operators.access.managing import (
    Found,
    administered,
    managed,
    require_scopes,
    require_to_grant,
    scopes_of,
    seen,
    told,
)
from operators.access.views import (
    MAX_GRANTS,
    AskedGrant,
    CreatePrincipal,
    PrincipalPage,
    PrincipalView,
    principal_view,
)
from operators.acting import act_once, done_before
from operators.actors import actor_store
from operators.actors.actor_store import Actor
from operators.actors.grant_store import OPERATOR, HeldGrant, add_grant, claimed, end_grant, grants_of
from operators.actors.key_store import hide_keys
from operators.actors.principals import Principals
from operators.actors.schema import adopt_older
from operators.approvals.change import ApprovalView, Asks, Change, Decided, Doer
from operators.approvals.rules import GUARDED, is_trusted_more
from operators.approvals.store import expire_asked, forget_person
from operators.grants import (
    EVERYTHING,
    Grant,
    Kind,
    Permission,
    Principal,
    Role,
    parse_scope,
    require_anywhere,
)
from operators.needs import Need
from operators.noting import note
from storage import Database, Transaction
from wire import Conflict

MAX_PAGE = 100  # principals
Answered = PrincipalView | ApprovalView


class PrincipalChanges:
    """
    Every method raises ResourceNotFound where there is no such principal that the caller may know of, and
    Forbidden where the caller does not administer all scopes concerned.

    Args:
        principals: what believes keys, and forgets them after a change.
        approvals: who knows whether another person must agree.
        clock: seconds since 1970.
    """

    def __init__(
        self, database: Database, principals: Principals, approvals: Asks, *, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._principals = principals
        self._approvals = approvals
        self._clock = clock

    def doers(self) -> dict[str, Doer]:
        """Return what makes each change that can be approved."""
        return {
            "principal.create": lambda author, asked, decided: self.create(
                author, msgspec.convert(asked, CreatePrincipal), decided=decided
            ),
            "grant.add": lambda author, asked, decided: self.grant(
                author, asked["principal"], AskedGrant(asked["scope"], Role(asked["role"])), decided=decided
            ),
            "grant.end": lambda author, asked, decided: self.end_grant(
                author, asked["principal"], AskedGrant(asked["scope"], Role(asked["role"])), decided=decided
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
            views = [_shown(principal, actor, grants_of(tx, actor.id, self._now())) for actor in actors]
            return PrincipalPage(
                principals=tuple(views), next=actors[-1].id if len(actors) == limit else None
            )

        return await self._database.read(read)

    async def show(self, principal: Principal, principal_id: str) -> PrincipalView:
        """Return a principal, and the grants that it holds where `principal` may know of principals."""

        def read(tx: Transaction) -> PrincipalView:
            found = seen(tx, principal, principal_id, self._now())
            return _shown(principal, found.actor, found.held)

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
            Conflict: its id is taken, or the account is another principal's.
        """
        grants = checked(wanted)
        require_to_grant(principal, grants)
        request = ("create-principal", wanted)
        change = change_of(
            "principal.create", one_scope(scopes_of(grants)), wanted.id, msgspec.to_builtins(wanted)
        )
        is_grave = is_trusted_more(wanted.kind, (grant.role for grant in grants))
        if decided is None and (
            answered := await self._answered(
                principal, idempotency_key, request, change if is_grave else None
            )
        ):
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
            Conflict: it has that already, or as many as one may have.
        """
        grant = grant_of(asked)
        require_to_grant(principal, frozenset({grant}))
        require_decider((await self._found(principal, principal_id)).kind, grant)
        request = ("grant", principal_id, asked)
        change = change_of_grant("grant.add", principal_id, grant)
        is_grave = grant.role in GUARDED
        if decided is None and (
            answered := await self._answered(
                principal, idempotency_key, request, change if is_grave else None
            )
        ):
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

        Raises:
            Conflict: it has not that role there.
        """
        grant = grant_of(asked)
        require_to_grant(principal, frozenset({grant}))
        await self._found(principal, principal_id)
        request = ("end-grant", principal_id, asked)
        change = change_of_grant("grant.end", principal_id, grant)
        is_grave = grant.role is Role.APPROVER
        if decided is None and (
            answered := await self._answered(
                principal, idempotency_key, request, change if is_grave else None
            )
        ):
            return answered

        def end(tx: Transaction) -> PrincipalView:
            if decided is not None:
                decided(tx, change)
            before = self._seen(tx, principal, principal_id)
            if not end_grant(tx, principal_id, grant, by=principal.id, at=self._now()):
                raise Conflict(f"{principal_id} is not {grant}")
            return self._noted(tx, principal, "grant.end", before, grant=str(grant))

        return await self._once(principal, idempotency_key, request, end)

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
        change = change_of_acting(action, principal_id, grants)
        if decided is None and (
            answered := await self._answered(
                principal, idempotency_key, request, change if is_grave else None
            )
        ):
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

    async def _found(self, principal: Principal, principal_id: str) -> Actor:
        return (await self._database.write(lambda tx: self._seen(tx, principal, principal_id))).actor

    def _with_claimed(
        self, tx: Transaction, principal: Principal, principal_id: str
    ) -> tuple[Found, frozenset[Grant]]:
        """Return a principal for a change, and what it holds now or will hold when it signs in again."""
        found = managed(tx, principal, principal_id, self._now())
        return found, found.grants | claimed(tx, principal_id)

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
            before=None if isinstance(before, str) else principal_view(_nameless(before.actor), before.held),
            after=principal_view(_nameless(actor), held),
            **(detail | ({"kind": actor.kind, "grants": [str(one.grant) for one in held]} if is_new else {})),
        )
        return _shown(principal, _nameless(actor), held)

    def _held(self, principal: Principal, grant: Grant) -> HeldGrant:
        return HeldGrant(grant=grant, source=OPERATOR, granted_by=principal.id, granted_at=self._now())

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _nameless(actor: Actor) -> Actor:
    """Return what an audit row has the digest of, and what is remembered of a request: nothing to be erased."""
    return msgspec.structs.replace(actor, name=None, address=None, issuer=None, subject=None)


def _shown(principal: Principal, actor: Actor, held: list[HeldGrant]) -> PrincipalView:
    """Return a principal as `principal` may see it."""
    grants = told(principal, actor.id, (one.grant for one in held))
    return principal_view(actor, [one for one in held if one.grant in grants])
