"""
What an API key may carry, and until when, by who makes it. Store.

Whoever makes a key may keep it. So it carries no grant that its principal gets later from somebody else, and does
not outlive the key with which it was made, unless its maker has as much to say without it.
"""

import msgspec

from operators.access.managing import Found
from operators.actors.key_store import find_key_row
from operators.grants import EVERYTHING, Grant, Permission, Principal
from storage import Transaction
from wire import Forbidden


def limits_of_new(
    principal: Principal, found: Found, asked: frozenset[Grant] | None
) -> frozenset[Grant] | None:
    """
    Return what a new key is narrowed to; None: to nothing.

    A key that the principal itself makes, or an administrator of everything, may carry what is granted later.

    Raises:
        Forbidden: it would carry more than the key that makes it, or than the principal holds now.
    """
    is_own = found.actor.id == principal.id
    most = principal.limits if is_own else _most(principal, found)
    for grant in asked or ():
        if most is not None and not _holds(most, grant):
            raise Forbidden(
                f"your own API key is narrowed, and not {grant}"
                if is_own
                else f"{found.actor.id} is not {grant}"
            )
    return most if asked is None else asked


def limits_of_next(
    principal: Principal, found: Found, limits: frozenset[Grant] | None
) -> frozenset[Grant] | None:
    """Return what the successor of a key with `limits` is narrowed to."""
    most = None if found.actor.id == principal.id else _most(principal, found)
    if most is None or limits is None:
        return most if limits is None else limits
    return frozenset(grant for grant in limits if _holds(most, grant))


def latest_end(tx: Transaction, principal: Principal, found: Found) -> int | None:
    """
    Return when a key must have ended, in microseconds since 1970; None: nobody's key sets that.

    A key makes none of its own principal that outlives it: a stolen one would never end. But who administers all
    scopes of itself, by grants that do not end either, could make a principal just like it.
    """
    if found.actor.id != principal.id or principal.key is None:
        return None
    lasting = frozenset(held.grant for held in found.held if held.ends_at is None)
    always = msgspec.structs.replace(principal, grants=lasting)
    if all(always.may(Permission.ADMINISTER, scope) for scope in found.scopes):
        return None
    used = find_key_row(tx, principal.key)
    return None if used is None else used.expires_at


def _most(principal: Principal, found: Found) -> frozenset[Grant] | None:
    """Return what a key of another principal may carry; None: whatever that one will hold."""
    return None if principal.may(Permission.ADMINISTER, EVERYTHING) else found.grants


def _holds(limits: frozenset[Grant], grant: Grant) -> bool:
    return all(any(one.gives(needed, grant.scope) for one in limits) for needed in grant.role.permissions)
