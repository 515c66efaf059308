"""
Audit rows: who did what to which subject, written in the transaction of the change itself. Store.

Rows are never changed or deleted. `storage.sealing` chains them after commit; who pages does it by the position
given there, for an engine may show ids out of order.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from storage.database import Row, Transaction
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


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An audit row to write; `at` is microseconds since 1970. `detail` holds no secret and no personal data."""

    at: int
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


def record(
    tx: Transaction, *, actor: str, action: str, subject: str, detail: dict[str, Any], at: int
) -> None:
    """Write one audit row, to be sealed; `detail` holds no secret and no personal data."""
    tx.send(
        _INSERT, _parameters(AuditEntry(at=at, actor=actor, action=action, subject=subject, detail=detail))
    )
    # Writes are serial, so the highest id that is seen here is that of the row above.
    tx.send("INSERT INTO audit_unsealed (audit_id) SELECT max(id) FROM audit")


def record_all(tx: Transaction, entries: Sequence[AuditEntry]) -> None:
    """Write audit rows, as `record` does each, in their order."""
    tx.execute_many(_INSERT, [_parameters(entry) for entry in entries])
    tx.send(
        "INSERT INTO audit_unsealed (audit_id) SELECT id FROM audit ORDER BY id DESC LIMIT :count",
        {"count": len(entries)},
    )


_INSERT = (
    "INSERT INTO audit (at, actor, action, subject, detail) VALUES (:at, :actor, :action, :subject, :detail)"
)


def _parameters(entry: AuditEntry) -> dict[str, Any]:
    return msgspec.structs.asdict(entry) | {"detail": msgspec.json.encode(entry.detail).decode()}


def read_audit(tx: Transaction, *, after: int = 0, limit: int = 100) -> list[AuditRow]:
    """Return at most `limit` rows with an id beyond `after`, in the order of their ids."""
    rows = tx.all(
        "SELECT * FROM audit WHERE id > :after ORDER BY id LIMIT :limit", {"after": after, "limit": limit}
    )
    return [audit_row(row) for row in rows]


def audit_row(row: Row) -> AuditRow:
    """Read a row of the table `audit`; a detail that is no JSON object is kept as the text that it is."""
    try:
        detail = msgspec.json.decode(row["detail"], type=dict[str, Any])
    except (
        ValueError,
        RecursionError,
    ):  # Put there past `record`: it must not stop those who read or seal others.
        detail = {"unreadable": row["detail"]}
    return AuditRow(row["id"], row["at"], row["actor"], row["action"], row["subject"], detail)
