"""
API keys at rest. Store.
"""

from typing import Any

import msgspec

from operators.actors.api_keys import is_public_id
from operators.actors.grant_store import grants_of
from operators.actors.schema import HIDDEN
from operators.grants import Grant, Kind, Principal, Role, ScopeKind
from storage import Row, Transaction

_ROLES, _SCOPE_KINDS = frozenset(Role), frozenset(ScopeKind)


class StoredKey(msgspec.Struct, frozen=True):
    """An API key at rest, and whom it stands for; times in microseconds since 1970."""

    digest: str
    expires_at: int | None
    revoked_at: int | None
    is_active: bool
    principal: Principal


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """An API key as operators see it: nothing of its secret; times in microseconds since 1970."""

    public_id: str
    principal_id: str
    made_by: str
    created_at: int
    made_with: str | None = None
    person: str | None = None
    limits: frozenset[Grant] | None = None
    expires_at: int | None = None
    revoked_at: int | None = None
    used_at: int | None = None
    replaced_by: str | None = None


def find_key(tx: Transaction, public_id: str, now: int) -> StoredKey | None:
    """Return an API key with its principal; None where there is none, or it is not adopted yet."""
    row = tx.one(
        "SELECT k.digest, k.principal_id, k.revoked_at, f.expires_at, f.limits, f.person, a.kind,"
        " a.deactivated_at FROM api_keys k JOIN api_key_facts f ON f.public_id = k.public_id"
        " JOIN actors a ON a.principal_id = k.principal_id WHERE k.public_id = :public_id",
        {"public_id": public_id},
    )
    if row is None:
        return None
    principal = Principal(
        id=row["principal_id"],
        kind=Kind(row["kind"]),
        grants=frozenset(held.grant for held in grants_of(tx, row["principal_id"], now)),
        limits=_limits(row["limits"]),
        key=public_id,
        person=row["principal_id"] if row["kind"] == Kind.PERSON else row["person"],
    )
    return StoredKey(
        row["digest"], row["expires_at"], row["revoked_at"], row["deactivated_at"] is None, principal
    )


def is_waiting(tx: Transaction, public_id: str) -> bool:
    """Tell whether a node of a release before 0.3 made that key, or its principal, and it is not adopted yet."""
    row = tx.one(
        "SELECT k.public_id FROM api_keys k LEFT JOIN api_key_facts f ON f.public_id = k.public_id"
        " LEFT JOIN actors a ON a.principal_id = k.principal_id"
        " WHERE k.public_id = :public_id AND (f.public_id IS NULL OR a.principal_id IS NULL)",
        {"public_id": public_id},
    )
    return row is not None


def insert_key(tx: Transaction, key: KeyRow, digest: str) -> None:
    """Insert an API key, which nodes of a release before 0.3 take for one that has ended."""
    values = {
        "public_id": key.public_id,
        "principal_id": key.principal_id,
        "digest": digest,
        "at": key.created_at,
        "hidden": HIDDEN,
        "by": key.made_by,
        "with": key.made_with,
        "person": key.person,
        "limits": None if key.limits is None else msgspec.json.encode(sorted(key.limits)).decode(),
        "expires_at": key.expires_at,
    }
    tx.execute(
        "INSERT INTO api_keys (public_id, principal_id, digest, created_at, expires_at)"
        " VALUES (:public_id, :principal_id, :digest, :at, :hidden)",
        values,
    )
    tx.execute(
        "INSERT INTO api_key_facts (public_id, made_by, made_with, person, limits, expires_at)"
        " VALUES (:public_id, :by, :with, :person, :limits, :expires_at)",
        values,
    )


def hide_keys(tx: Transaction, principal_id: str) -> None:
    """Let nodes of a release before 0.3 refuse a principal, whose changed grants they do not know."""
    tx.execute(
        "UPDATE api_keys SET expires_at = :hidden WHERE principal_id = :id",
        {"hidden": HIDDEN, "id": principal_id},
    )


_KEYS = (
    "SELECT k.public_id, k.principal_id, k.created_at, k.revoked_at, f.made_by, f.made_with, f.person, f.limits,"
    " f.expires_at, f.used_at, f.replaced_by FROM api_keys k JOIN api_key_facts f ON f.public_id = k.public_id"
)


def find_key_row(tx: Transaction, public_id: str) -> KeyRow | None:
    if not is_public_id(public_id):
        return None
    row = tx.one(f"{_KEYS} WHERE k.public_id = :public_id", {"public_id": public_id})
    return None if row is None else _key(row)


def keys_of(tx: Transaction, principal_id: str) -> list[KeyRow]:
    """Return the keys of a principal, the oldest first; revoked ones too."""
    rows = tx.all(
        f"{_KEYS} WHERE k.principal_id = :id ORDER BY k.created_at, k.public_id", {"id": principal_id}
    )
    return [_key(row) for row in rows]


def keys_near_end(tx: Transaction, now: int, *, until: int, used_since: int, made_for: int) -> list[KeyRow]:
    """
    Return keys that end after `now` and up to `until`, with nothing in their place, of principals that may act.

    Args:
        used_since: only those that were used since then.
        made_for: only those that were to work for longer, in microseconds, or that took another one's place.
    """
    rows = tx.all(
        f"{_KEYS} JOIN actors a ON a.principal_id = k.principal_id"  # noqa: S608 (ours)
        " WHERE f.expires_at > :now AND f.expires_at <= :until AND f.used_at >= :used_since"
        " AND (f.expires_at - k.created_at > :made_for"
        " OR EXISTS (SELECT 1 FROM api_key_facts o WHERE o.replaced_by = f.public_id))"
        " AND f.replaced_by IS NULL AND k.revoked_at IS NULL AND a.deactivated_at IS NULL ORDER BY k.public_id",
        {"now": now, "until": until, "used_since": used_since, "made_for": made_for},
    )
    return [_key(row) for row in rows]


def replace_key(tx: Transaction, public_id: str, *, by: str, ends_at: int) -> None:
    """Let a key end at `ends_at`, since the key with the public id `by` has taken its place."""
    values = {"public_id": public_id, "by": by, "ends_at": ends_at}
    tx.execute(
        "UPDATE api_key_facts SET replaced_by = :by, expires_at = :ends_at WHERE public_id = :public_id",
        values,
    )
    # For nodes of a release before 0.3.
    tx.execute(
        "UPDATE api_keys SET expires_at = :ends_at"
        " WHERE public_id = :public_id AND (expires_at IS NULL OR expires_at > :ends_at)",
        values,
    )


def revoke_key(tx: Transaction, public_id: str, at: int) -> bool:
    """Revoke a key; False where there is none, or it is revoked already."""
    changed = tx.execute(
        "UPDATE api_keys SET revoked_at = :at WHERE public_id = :public_id AND revoked_at IS NULL",
        {"public_id": public_id, "at": at},
    )
    return changed == 1


def note_use(tx: Transaction, used: dict[str, int]) -> None:
    """Keep when keys were last used: public id to microseconds since 1970. What is kept is never earlier."""
    tx.execute_many(
        "UPDATE api_key_facts SET used_at = :at"
        " WHERE public_id = :public_id AND (used_at IS NULL OR used_at < :at)",
        [{"public_id": public_id, "at": at} for public_id, at in used.items()],
    )


def _limits(text: str | None) -> frozenset[Grant] | None:
    """Read what a key is narrowed to; what only a newer release knows, beside us, is no grant here."""
    if text is None:
        return None
    stored: list[dict[str, Any]] = msgspec.json.decode(text)
    known = (one for one in stored if one["role"] in _ROLES and one["scope"]["kind"] in _SCOPE_KINDS)
    return frozenset(msgspec.convert(one, Grant) for one in known)


def _key(row: Row) -> KeyRow:
    values = {name: row[name] for name in KeyRow.__struct_fields__} | {"limits": _limits(row["limits"])}
    return KeyRow(**values)
