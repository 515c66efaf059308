"""
Alarms at key changes that nobody announced, and the announcements. Store.

What a DID's own host says of a change to come does not count as an announcement: whoever took over the host would
say so as well. Only an operator announces.
"""

import msgspec

from observatory.document_store import Sighting, keys_by_digest
from observatory.key_changes import KeyChanges, changes_between
from observatory.observation_store import Interval
from operators.alarms.model import AlarmKind
from operators.alarms.store import Told, tell
from resolver.sources.source import Nothing
from storage import Row, Transaction

MAX_OPEN = (
    20  # alarms of one DID; each further change is told all the same, with the number of the last of them
)

REASON = "its keys changed, or it was deactivated, and nobody had announced it; see /operator/key-changes"


class KeyChange(msgspec.Struct, frozen=True, kw_only=True):
    """
    The keys of a DID changed at `at`; `alarm` is the number of the alarm, None where the change was announced.

    `is_new`: no alarm for the same change was open already; where `MAX_OPEN` are, `alarm` is the last of them.
    """

    did: str
    at: int
    before_digest: str
    after_digest: str
    changes: KeyChanges
    alarm: int | None = None
    is_new: bool = True


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `key_change_alarms`."""

    id: int
    did: str
    raised_at: int
    before_digest: str
    after_digest: str
    changes: KeyChanges
    acknowledged_at: int | None
    acknowledged_by: str | None


def key_change(tx: Transaction, before: Interval, sighting: Sighting, at: int) -> KeyChange | None:
    """
    Compare the keys of a document, seen `at` a time, with those of the one before; None where they are the same.

    A deactivation is a change whatever the keys were, and so is its end; that nothing was found is none.

    An alarm is raised unless the change was announced, or one for the same change is open, or `MAX_OPEN` are; in
    this last case the change is new nevertheless.
    """
    if sighting.digest in (Nothing.NOT_FOUND, Nothing.REFUSED):
        return None
    changes = changes_between(keys_by_digest(tx, before.digest), sighting.keys)
    is_deactivation = Nothing.DEACTIVATED in (before.digest, sighting.digest)
    if before.digest == sighting.digest or (changes.is_empty and not is_deactivation):
        return None
    change = KeyChange(
        did=sighting.did,
        at=at,
        before_digest=before.digest,
        after_digest=sighting.digest,
        changes=changes,
    )
    if _is_announced(tx, change):
        return change
    opened = _open_alarms(tx, change)
    if (same := opened.get((change.before_digest, change.after_digest))) is not None:
        return msgspec.structs.replace(change, alarm=same, is_new=False)
    alarm_id = _raise(tx, change) if len(opened) < MAX_OPEN else max(opened.values())
    return msgspec.structs.replace(change, alarm=alarm_id)


def open_alarms(tx: Transaction, did: str | None, *, after: int = 0, limit: int) -> list[Alarm]:
    """Return at most `limit` alarms that nobody has acknowledged, with an id beyond `after`, by id."""
    narrowed = "" if did is None else " AND did = :did"
    rows = tx.all(
        "SELECT * FROM key_change_alarms WHERE acknowledged_at IS NULL AND id > :after"  # noqa: S608 (ours)
        f"{narrowed} ORDER BY id LIMIT :limit",
        {"after": after, "limit": limit} | ({} if did is None else {"did": did}),
    )
    return [_alarm(row) for row in rows]


def newest_alarms(tx: Transaction, did: str | None, *, limit: int) -> list[Alarm]:
    """Return the newest alarms that nobody has acknowledged, at most `limit`, by id."""
    narrowed = "" if did is None else " AND did = :did"
    rows = tx.all(
        "SELECT * FROM key_change_alarms WHERE acknowledged_at IS NULL"  # noqa: S608 (ours)
        f"{narrowed} ORDER BY id DESC LIMIT :limit",
        {"limit": limit} | ({} if did is None else {"did": did}),
    )
    return [_alarm(row) for row in reversed(rows)]


def count_open(tx: Transaction) -> int:
    """Return how many alarms nobody has acknowledged."""
    row = tx.one("SELECT count(*) AS count FROM key_change_alarms WHERE acknowledged_at IS NULL")
    return 0 if row is None else int(row["count"])


def find_alarm(tx: Transaction, alarm_id: int) -> Alarm | None:
    """Return an alarm."""
    row = tx.one("SELECT * FROM key_change_alarms WHERE id = :id", {"id": alarm_id})
    return None if row is None else _alarm(row)


def acknowledge(tx: Transaction, alarm_id: int, *, by: str, at: int) -> bool:
    """Acknowledge an alarm; False where it is acknowledged already, or is none."""
    row = tx.one(
        "UPDATE key_change_alarms SET acknowledged_at = :at, acknowledged_by = :by"
        " WHERE id = :id AND acknowledged_at IS NULL RETURNING did",
        {"id": alarm_id, "by": by, "at": at},
    )
    if row is not None and not open_alarms(tx, row["did"], limit=1):
        tell(tx, [Told(AlarmKind.KEY_CHANGE, row["did"], None)], at)
    return row is not None


def acknowledge_all(tx: Transaction, did: str, by: str, at: int) -> None:
    """Acknowledge the open alarms of a DID, all at once."""
    tx.execute(
        "UPDATE key_change_alarms SET acknowledged_at = :at, acknowledged_by = :by"
        " WHERE did = :did AND acknowledged_at IS NULL",
        {"did": did, "by": by, "at": at},
    )


def announce(tx: Transaction, did: str, *, not_after: int, by: str) -> None:
    """Say that the keys of a DID may change until `not_after`; the newest word counts."""
    tx.execute(
        "INSERT INTO key_change_announcements (did, not_after, announced_by) VALUES (:did, :not_after, :by)"
        " ON CONFLICT (did) DO UPDATE SET not_after = excluded.not_after, announced_by = excluded.announced_by",
        {"did": did, "not_after": not_after, "by": by},
    )


def _is_announced(tx: Transaction, change: KeyChange) -> bool:
    found = tx.one(
        "SELECT 1 AS found FROM key_change_announcements WHERE did = :did AND not_after >= :at",
        {"did": change.did, "at": change.at},
    )
    return found is not None


def _open_alarms(tx: Transaction, change: KeyChange) -> dict[tuple[str, str], int]:
    """Return the numbers of the DID's open alarms by the digests before and after."""
    rows = tx.all(
        "SELECT id, before_digest, after_digest FROM key_change_alarms"
        " WHERE did = :did AND acknowledged_at IS NULL ORDER BY id",
        {"did": change.did},
    )
    return {(row["before_digest"], row["after_digest"]): int(row["id"]) for row in rows}


def _raise(tx: Transaction, change: KeyChange) -> int:
    row = tx.one(
        "INSERT INTO key_change_alarms (did, raised_at, before_digest, after_digest, changes)"
        " VALUES (:did, :at, :before, :after, :changes) RETURNING id",
        {
            "did": change.did,
            "at": change.at,
            "before": change.before_digest,
            "after": change.after_digest,
            "changes": msgspec.json.encode(change.changes).decode(),
        },
    )
    assert row is not None, "RETURNING gives the row"
    tell(tx, [Told(AlarmKind.KEY_CHANGE, change.did, REASON)], change.at)
    return int(row["id"])


def _alarm(row: Row) -> Alarm:
    return Alarm(
        id=row["id"],
        did=row["did"],
        raised_at=row["raised_at"],
        before_digest=row["before_digest"],
        after_digest=row["after_digest"],
        changes=_CHANGES.decode(row["changes"]),
        acknowledged_at=row["acknowledged_at"],
        acknowledged_by=row["acknowledged_by"],
    )


_CHANGES = msgspec.json.Decoder(KeyChanges)
