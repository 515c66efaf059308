"""
Who may change a principal, and what somebody may hand on. Store.
"""

from collections.abc import Iterable

from operators.actors.actor_store import Actor, find_actor
from operators.actors.grant_store import HeldGrant, claimed, grants_of
from operators.actors.schema import adopt_older
from operators.grants import EVERYTHING, Grant, NotSeen, Permission, Principal, Scope, ScopeKind, require
from operators.model import is_id
from operators.store import find_issuer
from storage import Transaction
from wire import Forbidden, ResourceNotFound


class Found:
    """A principal as its rows have it, with the scopes of its grants; without any it is a matter of everything."""

    def __init__(self, actor: Actor, held: list[HeldGrant]) -> None:
        self.actor = actor
        self.held = held
        self.grants = frozenset(one.grant for one in held)
        self.scopes = scopes_of(self.grants)


def scopes_of(grants: frozenset[Grant]) -> frozenset[Scope]:
    """Return the scopes of `grants`, or everything where there are none."""
    return frozenset(grant.scope for grant in grants) or frozenset({EVERYTHING})


def is_seen(principal: Principal, found: Found) -> bool:
    """Tell whether `principal` may know of another: itself, or one with a grant in a scope that it looks after."""
    seeing = Permission.SEE_PRINCIPALS
    return found.actor.id == principal.id or any(principal.may(seeing, scope) for scope in found.scopes)


def told(principal: Principal, principal_id: str, grants: Iterable[Grant]) -> list[Grant]:
    """Return those of a principal's `grants`, or of its key's limits, that `principal` may know of."""
    seeing = Permission.SEE_PRINCIPALS
    return [grant for grant in grants if principal.id == principal_id or principal.may(seeing, grant.scope)]


def seen(tx: Transaction, principal: Principal, principal_id: str, now: int) -> Found:
    """
    Return the principal with that id; `now` is in microseconds since 1970.

    Raises:
        ResourceNotFound: there is none that `principal` may know of.
    """
    if not is_id(principal_id) or (actor := find_actor(tx, principal_id)) is None:
        raise ResourceNotFound(_absent(principal_id))
    found = Found(actor, grants_of(tx, principal_id, now))
    if not is_seen(principal, found):
        raise NotSeen(_absent(principal_id))
    return found


def managed(tx: Transaction, principal: Principal, principal_id: str, now: int) -> Found:
    """
    Return the principal with that id for a change, as `administered`; what a node of 0.2 made since is adopted.
    """
    adopt_older(tx)
    return administered(tx, principal, principal_id, now)


def administered(tx: Transaction, principal: Principal, principal_id: str, now: int) -> Found:
    """
    Return the principal with that id, where `principal` administers every scope in which it has a grant.

    Who administers less could otherwise act for more than itself, by a key of the other's. What a person had by
    claims counts as long as the provider did not take it back, though their token has ended for the night.

    Raises:
        ResourceNotFound: as `seen`.
        Forbidden: it has a grant in a scope that `principal` does not administer.
    """
    found = seen(tx, principal, principal_id, now)
    scopes = found.scopes | {grant.scope for grant in claimed(tx, principal_id)}
    if not all(principal.may(Permission.ADMINISTER, scope) for scope in scopes):
        raise Forbidden(
            f"{principal_id} has grants that you do not administer; this needs an administrator of all its scopes"
        )
    return found


def require_to_grant(principal: Principal, grants: frozenset[Grant]) -> None:
    """
    Let `principal` hand out `grants`: it administers their scopes; with none, everything.

    Raises:
        Forbidden, ResourceNotFound: as `grants.require`.
    """
    for scope in sorted(scopes_of(grants)):
        require(principal, Permission.ADMINISTER, scope, absent=_no_scope(scope))


def require_scopes(tx: Transaction, grants: frozenset[Grant]) -> None:
    """
    Let grants be of issuers that are there; an authority may come later.

    Raises:
        ResourceNotFound: there is no such issuer; in the words in which `require_to_grant` refuses a foreign one.
    """
    for scope in {grant.scope for grant in grants}:
        if scope.kind is ScopeKind.ISSUER and find_issuer(tx, scope.id) is None:
            raise ResourceNotFound(_no_scope(scope))


def _no_scope(scope: Scope) -> str:
    return f"there is no scope {scope}"[:300]


def _absent(principal_id: str) -> str:
    return f"there is no principal {principal_id[:63]!r}"
