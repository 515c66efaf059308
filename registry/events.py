"""
The events of the registry. Store.

`registry_events` is what the registry was ever told, append only: each row is one revision of one fact, its whole
value as JSON in `body` (NULL: it was never so). `registry_versions` has a row for each transaction that told it
something: who, why, when. `registry_head` is the one row that every change locks, so that positions and versions
are in the order of the commits. Losing them is losing the registry; all else can be made of them again.

Recorded times strictly increase with the versions, whatever the clock: later than the last one, and later than
`closed_at`, up to which it was promised that nothing more will be recorded (`close`).
"""

import hashlib
from collections.abc import Iterable, Sequence

import msgspec

from registry.known import FactChange
from storage import Row, Transaction

GAP = "gap"  # kind of the event that a restore leaves: what was recorded then is lost


class Head(msgspec.Struct, frozen=True):
    """
    How far the registry has come.

    Attributes:
        version, position: of the last event; 0: there is none.
        recorded_at, closed_at: microseconds since 1970.
        digest: hex SHA-256 over the last version and the digest before it.
    """

    version: int
    position: int
    recorded_at: int
    closed_at: int
    digest: str

    def next_time(self, now: int) -> int:
        """Return when something is recorded that is told now."""
        return max(now, self.recorded_at + 1, self.closed_at + 1)


class Cause(msgspec.Struct, frozen=True):
    """
    Who tells the registry something, and on what occasion.

    Attributes:
        occasion: "import", "change-set", "emergency", "source", "upgrade", "restore".
        change_set: its number, where there is one.
    """

    actor: str
    occasion: str
    change_set: int | None = None


class Event(msgspec.Struct, frozen=True, gc=False):
    """
    One revision of one fact, as a row; times are microseconds since 1970.

    Attributes:
        is_last: whether its version ends with it.
    """

    position: int
    version: int
    recorded_at: int
    kind: str
    fact_id: str
    revision: int
    what: str
    effective_at: int
    body: str | None
    is_last: bool
    digest: str


class NewEvent(msgspec.Struct, frozen=True):
    """What is to be an event: a change, and the number of the revision that it makes."""

    kind: str
    fact_id: str
    revision: int
    what: str
    effective_at: int
    body: str | None


def new_event(change: FactChange, revision: int) -> NewEvent:
    """Return the event of a change."""
    body = None if change.fact is None else body_of(change.fact)
    return NewEvent(change.kind, change.id, revision, change.what, change.effective_at, body)


def body_of(fact: object) -> str:
    """Return a fact as JSON, one text for each fact."""
    return msgspec.json.encode(fact, order="deterministic").decode()


def read_head(tx: Transaction) -> Head:
    """Return the head."""
    return _head(tx.one("SELECT version, position, recorded_at, closed_at, digest FROM registry_head"))


def lock_head(tx: Transaction) -> Head:
    """Return the head, and keep others from changing it until this transaction ends."""
    return _head(
        tx.one(
            "UPDATE registry_head SET version = version WHERE id = 1"
            " RETURNING version, position, recorded_at, closed_at, digest"
        )
    )


def append(tx: Transaction, head: Head, events: Sequence[NewEvent], cause: Cause, now: int) -> Head:
    """
    Append the events of one version, whose `head` is locked; return the head after them.

    Args:
        now: microseconds since 1970; what is recorded may be later, see `Head.next_time`.
    """
    at, version = head.next_time(now), head.version + 1
    position = head.position + len(events)
    rows = [
        {"position": head.position + index, "version": version} | msgspec.structs.asdict(event)
        for index, event in enumerate(events, start=1)
    ]
    digest = _digest(head.digest, version, at, cause, events)
    after = Head(version, position, at, head.closed_at, digest)
    tx.execute(
        "INSERT INTO registry_versions (version, recorded_at, last_position, actor, occasion, change_set, digest)"
        " VALUES (:version, :recorded_at, :position, :actor, :occasion, :change_set, :digest)",
        msgspec.structs.asdict(after) | msgspec.structs.asdict(cause),
    )
    tx.execute_many(
        "INSERT INTO registry_events (position, version, kind, fact_id, revision, what, effective_at, body)"
        " VALUES (:position, :version, :kind, :fact_id, :revision, :what, :effective_at, :body)",
        rows,
    )
    tx.execute(
        "UPDATE registry_head SET version = :version, position = :position, recorded_at = :recorded_at,"
        " digest = :digest WHERE id = 1",
        msgspec.structs.asdict(after),
    )
    return after


def close(tx: Transaction, now: int) -> Head:
    """Promise that nothing more is recorded at or before `now`; return the head."""
    return _head(
        tx.one(
            "UPDATE registry_head SET closed_at = CASE WHEN closed_at < :now THEN :now ELSE closed_at END"
            " WHERE id = 1 RETURNING version, position, recorded_at, closed_at, digest",
            {"now": now},
        )
    )


def record_gap(tx: Transaction, now: int, actor: str) -> Head:
    """
    Record that the database was restored from a backup: what it had recorded since is lost.

    What was known at a time since the backup cannot be told any more. When that was, nobody knows here: at the
    earliest when something was recorded, or promised, last.
    """
    head = lock_head(tx)
    lost_from, lost_until = max(head.recorded_at, head.closed_at), head.next_time(now)
    row = tx.one("SELECT COUNT(*) AS gaps FROM registry_events WHERE kind = :kind", {"kind": GAP})
    body = body_of({"from": lost_from, "until": lost_until})
    event = NewEvent(GAP, "restore", int(row["gaps"] if row else 0) + 1, GAP, lost_from, body)
    return append(tx, head, [event], Cause(actor, "restore"), lost_until)


def events_after(tx: Transaction, position: int, limit: int, *, until: int | None = None) -> list[Event]:
    """Return at most `limit` events beyond a position, in order; of those up to another one, where it is given."""
    last = 2**62 if until is None else until
    rows = tx.all(
        "SELECT e.position, e.version, v.recorded_at, e.kind, e.fact_id, e.revision, e.what,"
        " e.effective_at, e.body, v.last_position, v.digest"
        " FROM registry_events e JOIN registry_versions v ON v.version = e.version"
        " WHERE e.position > :after AND e.position <= :until ORDER BY e.position LIMIT :limit",
        {"after": position, "until": last, "limit": limit},
    )
    return [_event(row) for row in rows]


class Told(msgspec.Struct, frozen=True):
    """An event, and who told the registry so."""

    event: Event
    cause: Cause


def told_after(tx: Transaction, position: int, limit: int) -> list[Told]:
    """Return at most `limit` events beyond a position, in order."""
    rows = tx.all(
        f"{_TOLD} WHERE e.position > :position ORDER BY e.position LIMIT :limit",
        {"position": position, "limit": limit},
    )
    return [_told(row) for row in rows]


def told_between(tx: Transaction, since: int, until: int, *, position: int, limit: int) -> list[Told]:
    """Return at most `limit` events beyond a position that were recorded in [since, until), in order."""
    rows = tx.all(
        f"{_TOLD} WHERE e.position > {_LAST_BEFORE.format('since')} AND e.position > :position"
        f" AND e.position <= {_LAST_BEFORE.format('until')} ORDER BY e.position LIMIT :limit",
        {"since": since, "until": until, "position": position, "limit": limit},
    )
    return [_told(row) for row in rows]


def told_of(tx: Transaction, kind: str, fact_id: str, *, position: int, limit: int) -> list[Told]:
    """Return at most `limit` events of one fact beyond a position, in order."""
    rows = tx.all(
        f"{_TOLD} WHERE e.kind = :kind AND e.fact_id = :fact_id AND e.position > :position"
        " ORDER BY e.revision LIMIT :limit",
        {"kind": kind, "fact_id": fact_id, "position": position, "limit": limit},
    )
    return [_told(row) for row in rows]


_LAST_BEFORE = "(SELECT COALESCE(MAX(last_position), 0) FROM registry_versions WHERE recorded_at < :{})"
_TOLD = (
    "SELECT e.position, e.version, v.recorded_at, e.kind, e.fact_id, e.revision, e.what, e.effective_at, e.body,"
    " v.last_position, v.digest, v.actor, v.occasion, v.change_set"
    " FROM registry_events e JOIN registry_versions v ON v.version = e.version"
)


def _told(row: Row) -> Told:
    return Told(_event(row), Cause(row["actor"], row["occasion"], row["change_set"]))


def digest_of_version(tx: Transaction, version: int) -> str | None:
    """Return the digest of a version; None: there is no such version."""
    if version == 0:
        return ""
    row = tx.one("SELECT digest FROM registry_versions WHERE version = :version", {"version": version})
    return None if row is None else str(row["digest"])


class Verifier:
    """
    Looks, event by event, whether all that was told is there as it was told.

    Attributes:
        position: of the last event that was looked at.
    """

    def __init__(self) -> None:
        self.position = 0
        self._version = 0
        self._digest = ""
        self._events: list[NewEvent] = []

    def take(self, told: Told) -> str | None:
        """Look at the next event; return what is wrong with it, or with the version that it ends."""
        event = told.event
        expected, self.position = self.position + 1, event.position
        self._events.append(msgspec.convert(event, NewEvent, from_attributes=True))
        if event.position != expected:
            return f"there is no event {expected}"
        if not event.is_last:
            return None
        self._digest = _digest(self._digest, event.version, event.recorded_at, told.cause, self._events)
        self._version, self._events = event.version, []
        return None if event.digest == self._digest else f"the events of version {event.version} were changed"

    def end(self, head: Head) -> str | None:
        """Return what is missing at the end."""
        at = (self._version, self.position, self._digest)
        is_all = at == (head.version, head.position, head.digest)
        return None if is_all else f"events beyond {self.position} are missing, up to {head.position}"


def _event(row: Row) -> Event:
    return Event(
        position=row["position"],
        version=row["version"],
        recorded_at=row["recorded_at"],
        kind=row["kind"],
        fact_id=row["fact_id"],
        revision=row["revision"],
        what=row["what"],
        effective_at=row["effective_at"],
        body=row["body"],
        is_last=row["position"] == row["last_position"],
        digest=row["digest"],
    )


def _head(row: Row | None) -> Head:
    assert row is not None, "the migration made the row, and a trigger keeps it"
    return Head(row["version"], row["position"], row["recorded_at"], row["closed_at"], row["digest"])


def _digest(before: str, version: int, recorded_at: int, cause: Cause, events: Iterable[NewEvent]) -> str:
    who = msgspec.structs.astuple(cause)
    found = hashlib.sha256(msgspec.json.encode((before, version, recorded_at, who)))
    for event in events:
        found.update(b"\n" + msgspec.json.encode(msgspec.structs.astuple(event)))
    return found.hexdigest()
