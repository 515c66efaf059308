"""
Audit rows: who did what to which subject, written in the transaction of the change itself. Store.

Rows are never changed or deleted. A sealer will chain them after commit (house decision 11); until then `id`
is an order of insertion on SQLite, and nothing may page by it on an engine that shows ids out of order.
"""

from typing import Any

import msgspec

from storage.database import Transaction
from storage.migrations import Migration, forbid

MIGRATIONS = (
    Migration(
        room="storage",
        number=1,
        name="audit rows",
        statements=(
            """
            CREATE TABLE audit (
                id {identity},
                at {bigint} NOT NULL,
                actor TEXT NOT NULL,
                action TEXT NOT NULL,
                subject TEXT NOT NULL,
                detail TEXT NOT NULL
            )
            """,
            forbid("audit", "UPDATE", "audit rows are append only"),
            forbid("audit", "DELETE", "audit rows are append only"),
        ),
    ),
)


class AuditRow(msgspec.Struct, frozen=True):
    """One audit row; `at` is microseconds since 1970, `detail` JSON."""

    id: int
    at: int
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


def record(
    tx: Transaction, *, actor: str, action: str, subject: str, detail: dict[str, Any], at: int
) -> None:
    """Write one audit row; `detail` holds no secret and no personal data."""
    tx.execute(
        "INSERT INTO audit (at, actor, action, subject, detail)"
        " VALUES (:at, :actor, :action, :subject, :detail)",
        {
            "at": at,
            "actor": actor,
            "action": action,
            "subject": subject,
            "detail": msgspec.json.encode(detail).decode(),
        },
    )


def read_audit(tx: Transaction, *, after: int = 0, limit: int = 100) -> list[AuditRow]:
    """Return at most `limit` rows with an id beyond `after`, in the order of their ids."""
    rows = tx.all(
        "SELECT * FROM audit WHERE id > :after ORDER BY id LIMIT :limit", {"after": after, "limit": limit}
    )
    return [
        AuditRow(
            row["id"],
            row["at"],
            row["actor"],
            row["action"],
            row["subject"],
            msgspec.json.decode(row["detail"]),
        )
        for row in rows
    ]
