"""
Issuers. Store.
"""

import msgspec

from operators.model import Issuer
from storage import Row, Transaction, one_of


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


def issuers_after(tx: Transaction, after: str, limit: int, *, only: frozenset[str] | None) -> list[Issuer]:
    """Return at most `limit` issuers with an id beyond `after`, by id; of all, or of those with an id in `only`."""
    condition, values = one_of("id", only)
    rows = tx.all(
        f"SELECT * FROM issuers WHERE id > :after AND {condition} ORDER BY id LIMIT :limit",  # noqa: S608 (ours)
        {"after": after, "limit": limit, **values},
    )
    return [_issuer(row) for row in rows]


def find_issuer(tx: Transaction, issuer_id: str) -> Issuer | None:
    row = tx.one("SELECT * FROM issuers WHERE id = :id", {"id": issuer_id})
    return None if row is None else _issuer(row)


def _issuer(row: Row) -> Issuer:
    return Issuer(id=row["id"], did=row["did"], owner=row["owner"])
