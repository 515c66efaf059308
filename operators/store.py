"""
Issuers, principals and API keys. Store.
"""

import msgspec

from operators.model import Issuer, Principal, Role
from storage import Migration, Row, Transaction

PRINCIPAL_MIGRATIONS = (
    Migration(
        room="operators",
        number=1,
        name="issuers, principals and API keys",
        statements=(
            """
            CREATE TABLE issuers (
                id TEXT PRIMARY KEY,
                did TEXT NOT NULL UNIQUE,
                key_name TEXT,
                owner TEXT NOT NULL,
                created_at {bigint} NOT NULL
            )
            """,
            """
            CREATE TABLE principals (
                id TEXT PRIMARY KEY,
                name TEXT NOT NULL,
                issuer_id TEXT REFERENCES issuers (id),
                roles TEXT NOT NULL,
                created_at {bigint} NOT NULL
            )
            """,
            """
            CREATE TABLE api_keys (
                public_id TEXT PRIMARY KEY,
                principal_id TEXT NOT NULL REFERENCES principals (id),
                digest TEXT NOT NULL,
                created_at {bigint} NOT NULL,
                expires_at {bigint},
                revoked_at {bigint}
            )
            """,
        ),
    ),
)


class StoredKey(msgspec.Struct, frozen=True):
    """An API key at rest, with the principal it stands for; times in microseconds since 1970."""

    digest: str
    expires_at: int | None
    revoked_at: int | None
    principal: Principal


class KeyView(msgspec.Struct, frozen=True):
    """An API key as operators see it: nothing of its secret; times in microseconds since 1970."""

    public_id: str
    principal_id: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None


def insert_issuer(tx: Transaction, issuer: Issuer, at: int, *, first_key: str | None = None) -> bool:
    """
    Insert an issuer; False where its id or DID is taken.

    `first_key` is for nodes of a release before 0.3, which find the one key of an issuer beside it.
    """
    values = msgspec.to_builtins(issuer) | {"at": at, "first_key": first_key}
    changed = tx.execute(
        "INSERT INTO issuers (id, did, key_name, owner, created_at)"
        " VALUES (:id, :did, :first_key, :owner, :at) ON CONFLICT DO NOTHING",
        values,
    )
    return changed == 1


def all_issuers(tx: Transaction) -> list[Issuer]:
    """Return every issuer, by id."""
    return [_issuer(row) for row in tx.all("SELECT * FROM issuers ORDER BY id")]


def issuers_after(tx: Transaction, after: str, limit: int, *, only: str | None) -> list[Issuer]:
    """Return at most `limit` issuers with an id beyond `after`, by id; of all, or the one with the id `only`."""
    rows = tx.all(
        "SELECT * FROM issuers WHERE id > :after AND (:every = 1 OR id = :only) ORDER BY id LIMIT :limit",
        {"after": after, "every": int(only is None), "only": only or "", "limit": limit},
    )
    return [_issuer(row) for row in rows]


def find_issuer(tx: Transaction, issuer_id: str) -> Issuer | None:
    row = tx.one("SELECT * FROM issuers WHERE id = :id", {"id": issuer_id})
    return None if row is None else _issuer(row)


def insert_principal(tx: Transaction, principal: Principal, at: int) -> bool:
    """Insert a principal; False where its id is taken."""
    changed = tx.execute(
        "INSERT INTO principals (id, name, issuer_id, roles, created_at)"
        " VALUES (:id, :name, :issuer_id, :roles, :at) ON CONFLICT DO NOTHING",
        {
            "id": principal.id,
            "name": principal.name,
            "issuer_id": principal.issuer_id,
            "roles": " ".join(sorted(role.value for role in principal.roles)),
            "at": at,
        },
    )
    return changed == 1


def has_principal(tx: Transaction, principal_id: str) -> bool:
    return tx.one("SELECT id FROM principals WHERE id = :id", {"id": principal_id}) is not None


def all_principals(tx: Transaction) -> list[Principal]:
    """Return every principal, by id."""
    return [_principal(row) for row in tx.all("SELECT * FROM principals ORDER BY id")]


def all_keys(tx: Transaction, principal_id: str | None) -> list[KeyView]:
    """Return the keys of one principal (None: of all), the oldest first."""
    rows = tx.all(
        "SELECT public_id, principal_id, created_at, expires_at, revoked_at FROM api_keys"
        " WHERE :all = 1 OR principal_id = :principal_id ORDER BY created_at, public_id",
        {"all": int(principal_id is None), "principal_id": principal_id or ""},
    )
    return [KeyView(**{name: row[name] for name in KeyView.__struct_fields__}) for row in rows]


def insert_key(
    tx: Transaction, *, public_id: str, digest: str, principal_id: str, expires_at: int | None, at: int
) -> None:
    tx.execute(
        "INSERT INTO api_keys (public_id, principal_id, digest, created_at, expires_at)"
        " VALUES (:public_id, :principal_id, :digest, :at, :expires_at)",
        {
            "public_id": public_id,
            "principal_id": principal_id,
            "digest": digest,
            "expires_at": expires_at,
            "at": at,
        },
    )


def revoke_key(tx: Transaction, public_id: str, at: int) -> bool:
    """Revoke a key; False where there is none, or it is revoked already."""
    changed = tx.execute(
        "UPDATE api_keys SET revoked_at = :at WHERE public_id = :public_id AND revoked_at IS NULL",
        {"public_id": public_id, "at": at},
    )
    return changed == 1


def find_key(tx: Transaction, public_id: str) -> StoredKey | None:
    row = tx.one(
        "SELECT k.digest, k.expires_at, k.revoked_at, p.id, p.name, p.issuer_id, p.roles"
        " FROM api_keys k JOIN principals p ON p.id = k.principal_id WHERE k.public_id = :public_id",
        {"public_id": public_id},
    )
    if row is None:
        return None
    return StoredKey(row["digest"], row["expires_at"], row["revoked_at"], _principal(row))


def _issuer(row: Row) -> Issuer:
    return Issuer(id=row["id"], did=row["did"], owner=row["owner"])


def _principal(row: Row) -> Principal:
    roles = frozenset(Role(name) for name in row["roles"].split())
    return Principal(id=row["id"], name=row["name"], issuer_id=row["issuer_id"], roles=roles)
