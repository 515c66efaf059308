"""
Principals, and what is known of people. Store.
"""

import hashlib

import msgspec

from operators.grants import Kind, Scope
from storage import Row, Transaction, one_of


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """
    A principal as it is kept; times in microseconds since 1970.

    Attributes:
        name, address: of a person they can be erased, and then are None.
        issuer, subject: who knows the person, and as whom (OpenID Connect); None: nobody does.
    """

    id: str
    kind: Kind
    name: str | None
    address: str | None = None
    issuer: str | None = None
    subject: str | None = None
    made_by: str
    made_at: int
    deactivated_at: int | None = None
    deactivated_by: str | None = None


def insert_actor(tx: Transaction, actor: Actor) -> bool:
    """
    Insert a principal; False where its id is taken, or somebody else is that person.

    The name of a person stands beside, where it can be erased. Nodes of a release before 0.3 see no role.
    """
    shown = "" if actor.kind is Kind.PERSON else actor.name
    values = {**msgspec.to_builtins(actor), "shown": shown, "account": account_of(actor)}
    if actor.kind is Kind.PERSON and _is_known(tx, values):
        return False
    changed = tx.execute(
        "INSERT INTO principals (id, name, issuer_id, roles, created_at)"
        " VALUES (:id, :shown, NULL, '', :made_at) ON CONFLICT DO NOTHING",
        values,
    )
    if changed == 1:
        tx.execute(
            "INSERT INTO actors (principal_id, kind, made_by, made_at) VALUES (:id, :kind, :made_by, :made_at)",
            values,
        )
    if changed == 1 and actor.kind is Kind.PERSON:
        tx.execute(
            "INSERT INTO people (principal_id, account, issuer, subject, name, address)"
            " VALUES (:id, :account, :issuer, :subject, :name, :address)",
            values,
        )
    return changed == 1


def account_of(actor: Actor) -> str | None:
    """Return what tells one account of an identity provider from another, and outlives its erasure."""
    return None if actor.subject is None else account(str(actor.issuer), actor.subject)


def account(issuer: str, subject: str) -> str:
    """Return the digest that names (`issuer`, `subject`), as hex of SHA-256."""
    return hashlib.sha256(msgspec.json.encode([issuer, subject])).hexdigest()


def _is_known(tx: Transaction, values: dict[str, object]) -> bool:
    if values["account"] is None:
        return False
    return tx.one("SELECT 1 AS found FROM people WHERE account = :account", values) is not None


_ACTORS = (
    "SELECT p.id, p.name AS shown, a.kind, a.made_by, a.made_at, a.deactivated_at, a.deactivated_by,"
    " h.name, h.address, h.issuer, h.subject FROM principals p JOIN actors a ON a.principal_id = p.id"
    " LEFT JOIN people h ON h.principal_id = p.id"
)


def find_actor(tx: Transaction, principal_id: str) -> Actor | None:
    row = tx.one(f"{_ACTORS} WHERE p.id = :id", {"id": principal_id})
    return None if row is None else _actor(row)


def actors_after(
    tx: Transaction, after: str, limit: int, scopes: frozenset[Scope] | None, now: int
) -> list[Actor]:
    """
    Return at most `limit` principals with an id beyond `after`, by id; with a grant in one of `scopes`, or all.

    Args:
        now: in microseconds since 1970; grants that have ended by then are none.
    """
    wanted = None if scopes is None else [f"{scope.kind}:{scope.id}" for scope in scopes]
    condition, values = one_of("g.scope_kind || ':' || g.scope_id", wanted)
    granted = (
        "SELECT 1 FROM grants g WHERE g.principal_id = p.id AND g.ended_at IS NULL"  # noqa: S608 (ours)
        f" AND (g.ends_at IS NULL OR g.ends_at > :now) AND {condition}"
    )
    rows = tx.all(
        f"{_ACTORS} WHERE p.id > :after AND (:every = 1 OR EXISTS ({granted})) ORDER BY p.id LIMIT :limit",
        {"after": after, "limit": limit, "every": int(scopes is None), "now": now, **values},
    )
    return [_actor(row) for row in rows]


def set_active(tx: Transaction, principal_id: str, is_active: bool, *, by: str, at: int) -> bool:
    """Deactivate a principal, or let it act again; False where it is so already."""
    values = {"id": principal_id, "by": by, "at": at}
    if is_active:
        changed = tx.execute(
            "UPDATE actors SET deactivated_at = NULL, deactivated_by = NULL"
            " WHERE principal_id = :id AND deactivated_at IS NOT NULL",
            values,
        )
    else:
        changed = tx.execute(
            "UPDATE actors SET deactivated_at = :at, deactivated_by = :by"
            " WHERE principal_id = :id AND deactivated_at IS NULL",
            values,
        )
    return changed == 1


def erase(tx: Transaction, principal_id: str) -> None:
    """Forget what a person is called and where it is reached; that the account is the same stays known."""
    tx.execute(
        "UPDATE people SET name = NULL, address = NULL, issuer = NULL, subject = NULL WHERE principal_id = :id",
        {"id": principal_id},
    )


def _actor(row: Row) -> Actor:
    kind = Kind(row["kind"])
    return Actor(
        id=row["id"],
        kind=kind,
        name=row["name"] if kind is Kind.PERSON else row["shown"],
        address=row["address"],
        issuer=row["issuer"],
        subject=row["subject"],
        made_by=row["made_by"],
        made_at=row["made_at"],
        deactivated_at=row["deactivated_at"],
        deactivated_by=row["deactivated_by"],
    )
