"""
The rows of what was seen of registered DIDs. Store.

An interval says: at `first_seen`, at `last_seen`, and whenever anybody looked between, the document had this
digest. Sightings come late and in any order (several processes, batches), so each finds its place by its time. One
that would stretch an interval across another document begins a new one. Where a sighting of another document is
told so late that the interval reaches across it already, the part between two sightings in which it lies says
nothing.

That there was no document is an interval as well: a `Nothing` stands in the place of the digest, as a document that
has no bytes and no keys.
"""

from collections.abc import Iterable
from itertools import islice

import msgspec

from observatory.document_store import Sighting, keep
from resolver.sources.source import Nothing
from storage import Row, Transaction
from storage.choices import one_of

DIDS_AT_A_TIME = 500  # in one statement
SOON = 60_000_000  # microseconds; a sighting so shortly before an interval of its document tells nothing more

_NOTHING = frozenset(Nothing)
_COMPARABLE = f"digest NOT IN ('{Nothing.NOT_FOUND}', '{Nothing.REFUSED}')"


class Interval(msgspec.Struct, frozen=True):
    """
    A document of a DID, and between which times (microseconds since 1970) it was seen.

    `seen_before`: the sighting before the last one that we know of; `first_seen` where there is none.
    """

    id: int
    did: str
    digest: str
    first_seen: int
    seen_before: int
    last_seen: int


class Noted(msgspec.Struct, frozen=True):
    """
    What became of a sighting.

    Attributes:
        before: the interval that the new one comes after; None: no interval began, or it is the first.
        begins_at: when the new one begins (microseconds since 1970).
        is_kept: whether the document is kept, beyond its digest and its keys.
    """

    before: Interval | None = None
    begins_at: int = 0
    is_kept: bool = True


def note(tx: Transaction, sighting: Sighting, *, spacing: int) -> Noted:
    """
    Put a sighting in its place, and keep its document where there is room. Idempotent.

    1. It lies in an interval of its document, or just before one, of which another process told first: nothing
       is new.
    2. It follows on one, and nobody saw another document between: that is prolonged, where that moves its end
       by `spacing` microseconds or more.
    3. Otherwise a new interval begins. One that lies before all others has the first of them as its `before`.
    """
    is_new = bool(sighting.document) or sighting.digest in _NOTHING
    is_kept = keep(tx, sighting) if is_new else sighting.is_kept
    own = own_interval(tx, sighting.did, sighting.digest, sighting.last_at)
    if own is not None and own.last_seen >= sighting.last_at:
        return Noted(is_kept=is_kept)
    if own is not None and not is_contested(tx, own, own.last_seen, sighting.last_at):
        if sighting.last_at - own.last_seen >= max(spacing, 1):
            _prolong(tx, own, sighting.last_at)
        return Noted(is_kept=is_kept)
    # What this process confirmed meanwhile it may have seen before another process saw something else.
    begins_at = sighting.last_at if own and own.last_seen >= sighting.first_at else sighting.first_at
    if _is_told_already(tx, sighting, begins_at):
        return Noted(is_kept=is_kept)  # Evidence is not moved back.
    before = _interval_before(tx, sighting.did, begins_at) or _first_interval(tx, sighting.did)
    _begin(tx, sighting, begins_at)
    return Noted(before, begins_at, is_kept)


def intervals_around(tx: Transaction, did: str, begin: int, end: int) -> list[Interval]:
    """
    Return the intervals of a DID that meet the time from `begin` to `end`.

    Of more than one digest: several documents were seen then.
    """
    rows = tx.all(
        "SELECT * FROM observations WHERE did = :did AND first_seen <= :end AND last_seen >= :begin"
        " ORDER BY first_seen DESC LIMIT 10",
        {"did": did, "begin": begin, "end": end},
    )
    return [_interval(row) for row in rows]


def own_interval(tx: Transaction, did: str, digest: str, at: int) -> Interval | None:
    """Return the interval of a document that began last, of those that had begun at a time."""
    row = tx.one(
        "SELECT * FROM observations WHERE did = :did AND digest = :digest AND first_seen <= :at"
        " ORDER BY first_seen DESC, id DESC LIMIT 1",
        {"did": did, "digest": digest, "at": at},
    )
    return None if row is None else _interval(row)


def is_contested(tx: Transaction, interval: Interval, begin: int, end: int) -> bool:
    """Tell whether another document than the interval's was seen of its DID from `begin` to `end`."""
    found = tx.one(
        "SELECT 1 AS found FROM observations WHERE did = :did AND digest <> :digest"
        " AND last_seen >= :begin AND first_seen <= :end LIMIT 1",
        {"did": interval.did, "digest": interval.digest, "begin": begin, "end": end},
    )
    return found is not None


def holds(tx: Transaction, interval: Interval, begin: int, end: int) -> bool:
    """
    Tell whether an interval, which meets the time from `begin` to `end`, says something of it.

    It does where one of its sightings lies in that time, or nobody saw another document between the two around it.
    """
    if any(begin <= at <= end for at in (interval.first_seen, interval.seen_before, interval.last_seen)):
        return True
    if end < interval.seen_before:
        return not is_contested(tx, interval, interval.first_seen, interval.seen_before)
    return not is_contested(tx, interval, interval.seen_before, interval.last_seen)


def last_seen(tx: Transaction, dids: Iterable[str]) -> dict[str, int]:
    """Return when each of some DIDs was seen last."""
    seen: dict[str, int] = {}
    waiting = iter(dids)
    while some := list(islice(waiting, DIDS_AT_A_TIME)):
        is_one, parameters = one_of("did", some)
        rows = tx.all(
            f"SELECT did, max(last_seen) AS last_seen FROM observations WHERE {is_one} GROUP BY did",  # noqa: S608 (ours)
            parameters,
        )
        seen.update((row["did"], row["last_seen"]) for row in rows)
    return seen


def list_intervals(tx: Transaction, did: str | None, *, after: int, limit: int) -> list[Interval]:
    """Return at most `limit` intervals with an id beyond `after`, of one DID or of all, by id."""
    narrowed = "" if did is None else " AND did = :did"
    rows = tx.all(
        f"SELECT * FROM observations WHERE id > :after{narrowed} ORDER BY id LIMIT :limit",  # noqa: S608 (ours)
        {"after": after, "limit": limit} | ({} if did is None else {"did": did}),
    )
    return [_interval(row) for row in rows]


def _is_told_already(tx: Transaction, sighting: Sighting, begins_at: int) -> bool:
    """Tell whether an interval of the same document begins soon after, with no other document between."""
    row = tx.one(
        "SELECT * FROM observations WHERE did = :did AND digest = :digest"
        " AND first_seen > :at AND first_seen <= :soon ORDER BY first_seen LIMIT 1",
        {
            "did": sighting.did,
            "digest": sighting.digest,
            "at": sighting.last_at,
            "soon": sighting.last_at + SOON,
        },
    )
    after = None if row is None else _interval(row)
    return after is not None and not is_contested(tx, after, begins_at, after.first_seen)


def _interval_before(tx: Transaction, did: str, at: int) -> Interval | None:
    """
    Return the interval whose document was seen last, of those that had begun at a time.

    Or the deactivation; what was not found or refused for a while has no keys to compare with.
    """
    row = tx.one(
        "SELECT * FROM observations WHERE did = :did AND first_seen <= :at"  # noqa: S608 (ours)
        f" AND {_COMPARABLE} ORDER BY last_seen DESC, id DESC LIMIT 1",
        {"did": did, "at": at},
    )
    return None if row is None else _interval(row)


def _first_interval(tx: Transaction, did: str) -> Interval | None:
    row = tx.one(
        "SELECT * FROM observations WHERE did = :did"  # noqa: S608 (ours)
        f" AND {_COMPARABLE} ORDER BY first_seen, id LIMIT 1",
        {"did": did},
    )
    return None if row is None else _interval(row)


def _prolong(tx: Transaction, interval: Interval, last_seen_at: int) -> None:
    tx.execute(
        "UPDATE observations SET seen_before = last_seen, last_seen = :at WHERE id = :id AND last_seen < :at",
        {"id": interval.id, "at": last_seen_at},
    )


def _begin(tx: Transaction, sighting: Sighting, begins_at: int) -> None:
    tx.execute(
        "INSERT INTO observations (did, digest, first_seen, seen_before, last_seen)"
        " VALUES (:did, :digest, :begins_at, :begins_at, :last_at)",
        {
            "did": sighting.did,
            "digest": sighting.digest,
            "begins_at": begins_at,
            "last_at": sighting.last_at,
        },
    )


def _interval(row: Row) -> Interval:
    return Interval(
        row["id"], row["did"], row["digest"], row["first_seen"], row["seen_before"], row["last_seen"]
    )
