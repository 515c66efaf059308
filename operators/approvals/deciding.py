"""
Who has a part in a request, who can approve it, and whether somebody may. Store.

Whoever made an API key may have kept it. So he is taken for the principal whose key it is, as long as it works; of
a service also whoever made the service. The other way round, nobody approves whose own key the author could have.
The key with which somebody asks or decides counts in any case, though it may be over this very moment.
"""

from collections.abc import Set as AbstractSet

from operators.actors.actor_store import find_actor
from operators.actors.grant_store import HELD, load
from operators.actors.key_store import KeyRow, find_key_row, keys_of
from operators.approvals.rules import Approver, is_of_nobody, others
from operators.approvals.store import ABSENT, Approval, parties_of
from operators.grants import Kind, Permission, Principal, Role, Scope, ScopeKind, require
from storage import Transaction
from wire import Conflict, Forbidden


def approvers(tx: Transaction, now: int) -> list[Approver]:
    """
    Return every person who may approve at `now`, once for each scope; whoever granted that.

    One who never had an API key and never signed in cannot decide yet. Who could once counts for good: otherwise
    whoever revokes keys would be rid of the others.
    """
    rows = tx.all(
        "SELECT g.principal_id, g.scope_kind, g.scope_id, h.address FROM grants g"  # noqa: S608 (ours)
        " JOIN actors a ON a.principal_id = g.principal_id LEFT JOIN people h ON h.principal_id = g.principal_id"
        f" WHERE g.role = :role AND {HELD} AND a.kind = :kind AND a.deactivated_at IS NULL"
        " AND (h.claims_at IS NOT NULL"
        " OR EXISTS (SELECT 1 FROM api_keys k WHERE k.principal_id = g.principal_id)) ORDER BY g.id",
        {"role": Role.APPROVER.value, "kind": Kind.PERSON.value, "now": now},
    )
    return [
        Approver(row["principal_id"], Scope(ScopeKind(row["scope_kind"]), row["scope_id"]), row["address"])
        for row in rows
    ]


def parties(
    tx: Transaction, principal_id: str, now: int, *, key: str | None, person: str | None
) -> frozenset[str]:
    """
    Return the principal, and all who may act as it: those who made it, or one of its API keys; and so on.

    Args:
        key, person: the API key with which it came, and who is behind that.
    """
    found: set[str] = set()
    waiting = {principal_id} | ({person} if person else set())
    while waiting:
        one = waiting.pop()
        found.add(one)
        waiting |= _behind(tx, one, now, key) - found
    return frozenset(found)


def author_side(tx: Transaction, approval: Approval, now: int) -> set[str]:
    """Return all who may act as the author of a request: those of when it was asked, and those of now."""
    of_now = parties(tx, approval.author, now, key=approval.author_key, person=approval.author_person)
    return parties_of(tx, approval.id) | of_now


def others_of(tx: Transaction, approval: Approval, now: int) -> set[str]:
    """Return who can approve a request as things are."""
    if is_of_nobody(approval.action, approval.author_person):
        return set()
    known = [_known(tx, one, approval.scope) for one in sorted(author_side(tx, approval, now))]
    return others(approvers(tx, now), approval.scope, known)


def is_any_other(tx: Transaction, approval: Approval, now: int) -> bool:
    """
    Tell whether somebody else is an approver of the scope.

    Another account of the same address counts: an address only ever forbids, so that nobody gets past the others
    by taking theirs.
    """
    there = {one.id for one in approvers(tx, now) if one.scope.covers(approval.scope)}
    return bool(there - author_side(tx, approval, now))


def require_decider(tx: Transaction, principal: Principal, approval: Approval, now: int) -> Principal:
    """
    Let `principal` approve or reject a request; return it as it is now.

    Raises:
        Forbidden: it is no person, or no approver there any more; or it has a part in the request, by itself or
            by another account.
        NotSeen: it may not even read there any more.
    """
    return require_other(
        tx, principal, approval.author, author_side(tx, approval, now), now, scope=approval.scope
    )


def require_other(
    tx: Transaction, principal: Principal, author: str, side: AbstractSet[str], now: int, *, scope: Scope
) -> Principal:
    """
    Let `principal` decide in `scope` what `author` wants; return it as it is now.

    Args:
        side: all who may act as the author.

    Raises:
        Forbidden, NotSeen: as `require_decider`.
    """
    current = reloaded(tx, principal, now)
    if current.kind is not Kind.PERSON:
        raise Forbidden(f"only people approve, and {current.id} is a service")
    require(current, Permission.APPROVE, scope, absent=ABSENT)
    mine = {current.id, _known(tx, current.id, scope).subject}
    for one in sorted(side):
        if mine & {one, _known(tx, one, scope).subject}:
            raise Forbidden(
                "somebody else must decide: you asked for this yourself, with this account or another one, or you"
                f" made {author} or one of its API keys"
            )
    for key in _working(tx, current.id, now, principal.key):
        if key.made_by == author or key.person in side:
            raise Forbidden(
                f"somebody else must decide: your API key {key.public_id} was made by one who asks for this; while"
                " it works, it could be anybody's decision"
            )
    return current


def reloaded(tx: Transaction, principal: Principal, now: int) -> Principal:
    """
    Return who acts with the grants that it has now, and not half a second ago.

    Raises:
        Forbidden: it was deactivated, or the API key with which it came is revoked or over.
    """
    current = load(tx, principal.id, now)
    key = None if principal.key is None else find_key_row(tx, principal.key)
    if current is None or (principal.key is not None and (key is None or not _works(key, now))):
        raise Forbidden(f"{principal.id} may do nothing any more, or not with this API key")
    return _as(current, principal)


def author_of(tx: Transaction, approval: Approval, now: int) -> Principal:
    """
    Return who asked, with the grants that it has now, as it asked: its API key, and the person behind.

    Raises:
        Conflict: it was deactivated, or its key revoked.
    """
    current = load(tx, approval.author, now)
    if current is None:
        raise Conflict(f"{approval.author}, who asked for this, may do nothing any more")
    key = None if approval.author_key is None else find_key_row(tx, approval.author_key)
    if approval.author_key is not None and (key is None or key.revoked_at is not None):
        raise Conflict(f"the API key {approval.author_key}, which asked for this, was revoked")
    asked = Principal(
        id=approval.author,
        key=approval.author_key,
        person=approval.author_person,
        limits=None if key is None else key.limits,
        reason=approval.reason,
        approval=approval.id,
    )
    return _as(current, asked)


def is_still_asked(tx: Transaction, approval: Approval, now: int) -> bool:
    """Tell whether a request could be done for its author as things are, or never will."""
    try:
        author_of(tx, approval, now)
    except Conflict:
        return False
    return True


def _as(current: Principal, asked: Principal) -> Principal:
    return Principal(
        id=current.id,
        kind=current.kind,
        grants=current.grants,
        limits=asked.limits,
        key=asked.key,
        person=asked.person,
        reason=asked.reason,
        approval=asked.approval,
    )


def _behind(tx: Transaction, principal_id: str, now: int, presented: str | None) -> set[str]:
    actor = find_actor(tx, principal_id)
    if actor is None:
        return set()
    keys = _working(tx, principal_id, now, presented)
    persons = {key.person for key in keys if key.person is not None}
    if actor.kind is Kind.PERSON:
        return persons
    return persons | {actor.made_by} | {key.made_by for key in keys}


def _working(tx: Transaction, principal_id: str, now: int, presented: str | None) -> list[KeyRow]:
    """Return a principal's keys that work, and the one that was presented."""
    return [key for key in keys_of(tx, principal_id) if key.public_id == presented or _works(key, now)]


def _works(key: KeyRow, now: int) -> bool:
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def _known(tx: Transaction, principal_id: str, scope: Scope) -> Approver:
    actor = find_actor(tx, principal_id)
    return Approver(principal_id, scope, None if actor is None else actor.address)
