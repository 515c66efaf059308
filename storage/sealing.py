"""
The chained audit log: each audit row gets a position and a digest after its commit. Store.

A row's id is given before its transaction commits, so on PostgreSQL a row with a lower id can appear after one
with a higher id was read: whoever pages by id loses it. Hence one sealer (under a lease) gives positions to the
rows that are visible, 1, 2, 3 ... without a gap; a position once given is final, and readers page by it.

    digest(0) = 32 zero bytes
    digest(n) = SHA-256(digest(n - 1) || the row as JSON with its position, members sorted)

`audit_unsealed` names the rows that wait; a row is put there in its own transaction (`record`).
"""

import hashlib

import msgspec

from storage.audit import AuditRow, audit_row
from storage.database import Transaction
from storage.migrations import Migration, forbid

MIGRATIONS = (
    Migration(
        room="storage",
        number=3,
        name="positions and digests of audit rows",
        statements=(
            "CREATE TABLE audit_unsealed (audit_id {bigint} PRIMARY KEY REFERENCES audit (id))",
            """
            CREATE TABLE audit_seals (
                position {bigint} PRIMARY KEY,
                audit_id {bigint} NOT NULL UNIQUE REFERENCES audit (id),
                digest {blob} NOT NULL
            )
            """,
            "INSERT INTO audit_unsealed (audit_id) SELECT id FROM audit",
            forbid("audit_seals", "UPDATE", "a seal is final"),
            forbid("audit_seals", "DELETE", "a seal is final"),
        ),
    ),
)

FIRST_DIGEST = bytes(32)


class SealedRow(msgspec.Struct, frozen=True):
    """An audit row at its position; `digest` covers it and all rows before it."""

    position: int
    digest: bytes
    row: AuditRow


class ChainBroken(Exception):
    """A sealed row is not what was sealed; somebody changed the database past its rules."""


def seal(tx: Transaction, *, limit: int) -> int:
    """Seal at most `limit` of the rows that wait, in the order of their ids; return how many."""
    waiting = tx.all(
        "SELECT a.* FROM audit_unsealed u JOIN audit a ON a.id = u.audit_id ORDER BY a.id LIMIT :limit",
        {"limit": limit},
    )
    last = tx.one("SELECT position, digest FROM audit_seals ORDER BY position DESC LIMIT 1")
    before, digest = (last["position"], bytes(last["digest"])) if last else (0, FIRST_DIGEST)
    seals = []
    for position, row in enumerate(map(audit_row, waiting), before + 1):
        digest = next_digest(digest, position, row)
        seals.append({"position": position, "audit_id": row.id, "digest": digest})
    if seals:
        tx.execute_many(
            "INSERT INTO audit_seals (position, audit_id, digest) VALUES (:position, :audit_id, :digest)",
            seals,
        )
        tx.execute_many("DELETE FROM audit_unsealed WHERE audit_id = :audit_id", seals)
    return len(seals)


def read_sealed(tx: Transaction, *, after: int = 0, limit: int = 100) -> list[SealedRow]:
    """Return at most `limit` sealed rows beyond the position `after`; nothing ever appears before what was read."""
    rows = tx.all(
        "SELECT s.position, s.digest, a.* FROM audit_seals s JOIN audit a ON a.id = s.audit_id"
        " WHERE s.position > :after ORDER BY s.position LIMIT :limit",
        {"after": after, "limit": limit},
    )
    return [SealedRow(row["position"], bytes(row["digest"]), audit_row(row)) for row in rows]


def verify_chain(sealed: list[SealedRow], digest: bytes = FIRST_DIGEST, after: int = 0) -> bytes:
    """
    Check that `sealed` follows on `digest`, the digest at position `after`; return the last digest.

    Raises:
        ChainBroken: a position is missing, or a row does not have its digest.
    """
    for position, entry in enumerate(sealed, after + 1):
        digest = next_digest(digest, position, entry.row)
        if entry.position != position or entry.digest != digest:
            raise ChainBroken(f"the audit log is not what was sealed, at position {position}")
    return digest


def next_digest(previous: bytes, position: int, row: AuditRow) -> bytes:
    """Return the digest of a row that follows on `previous`."""
    body = msgspec.json.encode({"position": position, **msgspec.structs.asdict(row)}, order="sorted")
    return hashlib.sha256(previous + body).digest()
