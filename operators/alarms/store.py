"""
The rows of alarms: what is wrong, since when, and who has looked into it. Store.

Of one kind and subject one row is open at a time. A row is closed, never deleted while it is open; it is forgotten
some time after it was closed.
"""

from collections.abc import Iterable

import msgspec

from storage import Migration, Row, Transaction
from storage.migrations import forbid

ALARM_MIGRATIONS = (
    Migration(
        room="operators",
        number=2,
        name="alarms",
        statements=(
            """
            CREATE TABLE alarms (
                id {identity},
                kind TEXT NOT NULL,
                subject TEXT NOT NULL,
                reason TEXT NOT NULL,
                since {bigint} NOT NULL,
                last_seen {bigint} NOT NULL,
                acknowledged_at {bigint},
                acknowledged_by TEXT,
                closed_at {bigint},
                CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL))
            )
            """,
            "CREATE UNIQUE INDEX alarms_open ON alarms (kind, subject) WHERE closed_at IS NULL",
            "CREATE INDEX alarms_closed ON alarms (closed_at) WHERE closed_at IS NOT NULL",
            forbid(
                "alarms", "DELETE WHEN OLD.closed_at IS NULL", "an alarm is closed before it is forgotten"
            ),
        ),
    ),
)


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `alarms`; times in microseconds since 1970."""

    id: int
    kind: str
    subject: str
    reason: str
    since: int
    last_seen: int
    acknowledged_at: int | None
    acknowledged_by: str | None
    closed_at: int | None


class Told(msgspec.Struct, frozen=True):
    """What somebody says of one subject: why it is in alarm, or None where all is well."""

    kind: str
    subject: str
    reason: str | None


def tell(tx: Transaction, told: Iterable[Told], at: int) -> None:
    """
    Open, prolong or close the alarms of what was told, at `at`.

    An alarm that is open keeps its beginning and its acknowledgement; its reason is the newest. What is raised and
    over at once leaves a closed row.
    """
    rows = [
        {"kind": one.kind, "subject": one.subject, "reason": one.reason, "at": at}
        for one in sorted(told, key=lambda one: (one.kind, one.subject, one.reason is None))
    ]
    tx.execute_many(_RAISE, [row for row in rows if row["reason"] is not None])
    tx.execute_many(
        "UPDATE alarms SET closed_at = :at WHERE kind = :kind AND subject = :subject AND closed_at IS NULL",
        [{name: row[name] for name in ("kind", "subject", "at")} for row in rows if row["reason"] is None],
    )


_RAISE = (
    "INSERT INTO alarms (kind, subject, reason, since, last_seen)"
    " VALUES (:kind, :subject, :reason, :at, :at)"
    " ON CONFLICT (kind, subject) WHERE closed_at IS NULL"
    " DO UPDATE SET last_seen = excluded.last_seen, reason = excluded.reason"
)


def open_alarms(
    tx: Transaction, *, kind: str | None = None, after: int = 0, limit: int | None = None
) -> list[Alarm]:
    """Return the open alarms of a kind (None: of all) with an id beyond `after`, by id."""
    narrowed = "" if kind is None else " AND kind = :kind"
    bounded = "" if limit is None else " LIMIT :limit"
    given = {"after": after, "kind": kind, "limit": limit}
    rows = tx.all(
        "SELECT * FROM alarms WHERE closed_at IS NULL AND id > :after"  # noqa: S608 (ours)
        f"{narrowed} ORDER BY id{bounded}",
        {name: value for name, value in given.items() if value is not None},
    )
    return [_alarm(row) for row in rows]


def find_alarm(tx: Transaction, alarm_id: int) -> Alarm | None:
    """Return an alarm, open or closed."""
    row = tx.one("SELECT * FROM alarms WHERE id = :id", {"id": alarm_id})
    return None if row is None else _alarm(row)


def acknowledge(tx: Transaction, alarm_id: int, *, by: str, at: int) -> bool:
    """Note who has looked into an open alarm; False where somebody has already, or it is not open."""
    changed = tx.execute(
        "UPDATE alarms SET acknowledged_at = :at, acknowledged_by = :by"
        " WHERE id = :id AND acknowledged_at IS NULL AND closed_at IS NULL",
        {"id": alarm_id, "by": by, "at": at},
    )
    return changed > 0


def close_silent(tx: Transaction, kinds: Iterable[str], *, before: int, at: int) -> None:
    """Close the alarms of `kinds` that nobody has seen since `before`: who told of them is gone."""
    tx.execute_many(
        "UPDATE alarms SET closed_at = :at WHERE kind = :kind AND last_seen < :before AND closed_at IS NULL",
        [{"kind": kind, "before": before, "at": at} for kind in kinds],
    )


def forget_closed(tx: Transaction, before: int) -> None:
    """Delete the alarms that were closed before `before`."""
    tx.execute("DELETE FROM alarms WHERE closed_at < :before", {"before": before})


def _alarm(row: Row) -> Alarm:
    return Alarm(**{name: row[name] for name in Alarm.__struct_fields__})
