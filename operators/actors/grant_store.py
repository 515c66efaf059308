"""
The grants of principals. Store.
"""

from collections.abc import Iterable

import msgspec

from operators.actors.actor_store import find_actor
from operators.grants import Grant, Kind, Principal, Role, Scope, ScopeKind
from storage import Row, Transaction, one_of

OPERATOR, CLAIMS = (
    "operator",
    "claims",
)  # sources of grants: somebody granted it; the identity provider said so
HELD = "ended_at IS NULL AND (ends_at IS NULL OR ends_at > :now)"
_ROLES = frozenset(Role)  # A newer release, beside us, may know of more.


class HeldGrant(msgspec.Struct, frozen=True, kw_only=True):
    """A grant as a row; times in microseconds since 1970."""

    grant: Grant
    source: str
    granted_by: str
    granted_at: int
    ends_at: int | None = None


def grants_of(tx: Transaction, principal_id: str, now: int) -> list[HeldGrant]:
    """Return the grants that a principal holds at `now`, in the order of their making."""
    rows = tx.all(
        f"SELECT * FROM grants WHERE principal_id = :id AND {HELD} ORDER BY id",  # noqa: S608 (ours)
        {"id": principal_id, "now": now},
    )
    return [_held(row) for row in rows if row["role"] in _ROLES]


def scopes_ever(tx: Transaction, principal_id: str) -> frozenset[Scope]:
    """Return every scope in which a principal has a grant, or had one."""
    rows = tx.all(
        "SELECT DISTINCT scope_kind, scope_id FROM grants WHERE principal_id = :id", {"id": principal_id}
    )
    return frozenset(Scope(ScopeKind(row["scope_kind"]), row["scope_id"]) for row in rows)


def claimed(tx: Transaction, principal_id: str) -> frozenset[Grant]:
    """Return what the identity provider said last, lapsed or not: whoever signs in again has it again."""
    rows = tx.all(
        "SELECT * FROM grants WHERE principal_id = :id AND source = :source AND ended_at IS NULL",
        {"id": principal_id, "source": CLAIMS},
    )
    return frozenset(_grant(row) for row in rows if row["role"] in _ROLES)


def add_grant(tx: Transaction, principal_id: str, held: HeldGrant) -> bool:
    """Insert a grant; False where the principal has it from that source. One whose time has passed makes room."""
    values = _values_of(principal_id, held.grant) | {
        "source": held.source,
        "by": held.granted_by,
        "at": held.granted_at,
        "ends_at": held.ends_at,
    }
    tx.execute(
        f"UPDATE grants SET ended_at = ends_at, ended_by = granted_by WHERE {_SAME} AND source = :source"  # noqa: S608 (ours)
        " AND ended_at IS NULL AND ends_at <= :at",
        values,
    )
    changed = tx.execute(
        "INSERT INTO grants"
        " (principal_id, scope_kind, scope_id, role, source, granted_by, granted_at, ends_at)"
        " VALUES (:principal_id, :scope_kind, :scope_id, :role, :source, :by, :at, :ends_at)"
        " ON CONFLICT DO NOTHING",
        values,
    )
    return changed == 1


_SAME = "principal_id = :principal_id AND scope_kind = :scope_kind AND scope_id = :scope_id AND role = :role"


def end_grant(tx: Transaction, principal_id: str, grant: Grant, *, by: str, at: int) -> bool:
    """End a grant, whatever its sources; False where the principal has it not."""
    values = _values_of(principal_id, grant) | {"by": by, "at": at, "now": at}
    changed = tx.execute(
        f"UPDATE grants SET ended_at = :at, ended_by = :by WHERE {_SAME} AND {HELD}",  # noqa: S608 (ours)
        values,
    )
    return changed > 0


def _values_of(principal_id: str, grant: Grant) -> dict[str, object]:
    return {
        "principal_id": principal_id,
        "scope_kind": grant.scope.kind.value,
        "scope_id": grant.scope.id,
        "role": grant.role.value,
    }


def load(tx: Transaction, principal_id: str, now: int) -> Principal | None:
    """Return a principal that may act, with the grants that it holds at `now`; None where there is none."""
    actor = find_actor(tx, principal_id)
    if actor is None or actor.deactivated_at is not None:
        return None
    held = frozenset(held.grant for held in grants_of(tx, principal_id, now))
    person = actor.id if actor.kind is Kind.PERSON else None
    return Principal(id=actor.id, kind=actor.kind, grants=held, person=person)


def _grant(row: Row) -> Grant:
    return Grant(Scope(ScopeKind(row["scope_kind"]), row["scope_id"]), Role(row["role"]))


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A grant, with its number and who holds it."""

    number: int
    principal_id: str
    kind: Kind
    held: HeldGrant


def holders_after(
    tx: Transaction, kinds: Iterable[ScopeKind], *, after: int, limit: int, now: int
) -> list[Holder]:
    """Return at most `limit` grants beyond a number, held at `now` by whoever may act, in scopes of these kinds."""
    condition, values = one_of("g.scope_kind", {kind.value for kind in kinds})
    rows = tx.all(
        "SELECT g.*, a.kind FROM grants g JOIN actors a ON a.principal_id = g.principal_id"  # noqa: S608 (ours)
        f" WHERE g.id > :after AND {condition} AND a.deactivated_at IS NULL"
        " AND g.ended_at IS NULL AND (g.ends_at IS NULL OR g.ends_at > :now) ORDER BY g.id LIMIT :limit",
        {"after": after, "now": now, "limit": limit, **values},
    )
    return [
        Holder(number=row["id"], principal_id=row["principal_id"], kind=Kind(row["kind"]), held=_held(row))
        for row in rows
        if row["role"] in _ROLES
    ]


def _held(row: Row) -> HeldGrant:
    return HeldGrant(
        grant=_grant(row),
        source=row["source"],
        granted_by=row["granted_by"],
        granted_at=row["granted_at"],
        ends_at=row["ends_at"],
    )
