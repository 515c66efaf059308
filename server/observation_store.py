"""
The rows of what was seen of registered DIDs. Store.

An interval says: at `first_seen`, at `last_seen`, and whenever anybody looked between, the document had this
digest. Sightings come late and in any order (several processes, batches), so each finds its place by its time. Two
intervals overlap only where two documents were seen at the same time; then nobody can tell which one held.
"""

import hashlib

import msgspec

from server.key_changes import Keys
from storage import Row, Transaction

# Bytes of documents kept of one DID within a day; of further ones the digest and the keys are kept. A document that
# is another at every look must not fill the disk.
MAX_BYTES_PER_DAY = 4_194_304
DAY = 86_400_000_000  # microseconds


class Sighting(msgspec.Struct, kw_only=True, eq=False):
    """
    A document seen from `first_at` to `last_at` by one process (microseconds since 1970).

    Attributes:
        document: empty once it is stored.
        keys: those of the document; they stay.
    """

    did: str
    digest: str
    document: bytes
    keys: Keys
    first_at: int
    last_at: int


class Interval(msgspec.Struct, frozen=True):
    """A document of a DID, and between which times (microseconds since 1970) it was seen."""

    id: int
    did: str
    digest: str
    first_seen: int
    last_seen: int


class Noted(msgspec.Struct, frozen=True):
    """
    What became of a sighting.

    Attributes:
        before: the interval of the other document that it comes after; None: nothing changed.
        is_kept: whether the document is kept, beyond its digest and its keys.
    """

    before: Interval | None = None
    is_kept: bool = True


def note(tx: Transaction, sighting: Sighting, *, spacing: int) -> Noted:
    """
    Put a sighting in its place. Idempotent.

    1. It follows on an interval of the same document: that is prolonged, where that moves its end by `spacing`
       microseconds or more.
    2. Otherwise a new interval begins. One that lies before all others has the first of them as its `before`.
    """
    before = _interval_at(tx, sighting.did, sighting.first_at)
    if before is not None and before.digest == sighting.digest:
        if sighting.last_at - before.last_seen >= max(spacing, 1):
            _prolong(tx, before, sighting.last_at)
        return Noted()
    if before is None:
        before = _first_interval(tx, sighting.did)
        if before is not None and before.digest == sighting.digest:
            return Noted()  # Another process told of a later look first; evidence is not moved back.
    is_kept = _has_room(tx, sighting)
    _begin(tx, sighting, is_kept=is_kept)
    return Noted(before, is_kept)


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


def newest_interval(tx: Transaction, did: str) -> Interval | None:
    """Return the interval of a DID that began last."""
    return _interval_at(tx, did, 2**62)


def last_seen(tx: Transaction) -> dict[str, int]:
    """Return when each DID was seen last."""
    rows = tx.all("SELECT did, max(last_seen) AS last_seen FROM observations GROUP BY did")
    return {row["did"]: row["last_seen"] for row in rows}


def document_of(tx: Transaction, digest: str) -> bytes:
    """Return a document that was seen; empty where it was not kept."""
    row = tx.one("SELECT body FROM observed_documents WHERE digest = :digest", {"digest": digest})
    assert row is not None, "a foreign key keeps it"
    return bytes(row["body"])


def keys_by_digest(tx: Transaction, digest: str) -> Keys:
    """Return the keys of a document that was seen."""
    row = tx.one("SELECT keys FROM observed_documents WHERE digest = :digest", {"digest": digest})
    assert row is not None, "a foreign key keeps it"
    return _KEYS.decode(row["keys"])


def list_intervals(tx: Transaction, did: str | None, *, after: int, limit: int) -> list[Interval]:
    """Return at most `limit` intervals with an id beyond `after`, of one DID or of all, by id."""
    narrowed = "" if did is None else " AND did = :did"
    rows = tx.all(
        f"SELECT * FROM observations WHERE id > :after{narrowed} ORDER BY id LIMIT :limit",  # noqa: S608 (ours)
        {"after": after, "limit": limit} | ({} if did is None else {"did": did}),
    )
    return [_interval(row) for row in rows]


def faulty_documents(tx: Transaction, *, after: str, limit: int) -> tuple[list[str], str]:
    """
    Return which of the next `limit` documents beyond the digest `after` are not what their digest says, and the
    last digest looked at; "": there are no more.
    """
    rows = tx.all(
        "SELECT digest, body FROM observed_documents WHERE digest > :after ORDER BY digest LIMIT :limit",
        {"after": after, "limit": limit},
    )
    faulty = [row["digest"] for row in rows if not _is_as_seen(row["digest"], bytes(row["body"]))]
    return faulty, rows[-1]["digest"] if rows else ""


def _is_as_seen(digest: str, body: bytes) -> bool:
    """Tell whether a document has its digest; an empty one was not kept."""
    return not body or hashlib.sha256(body).hexdigest() == digest


def _interval_at(tx: Transaction, did: str, at: int) -> Interval | None:
    row = tx.one(
        "SELECT * FROM observations WHERE did = :did AND first_seen <= :at"
        " ORDER BY first_seen DESC, id DESC LIMIT 1",
        {"did": did, "at": at},
    )
    return None if row is None else _interval(row)


def _first_interval(tx: Transaction, did: str) -> Interval | None:
    row = tx.one("SELECT * FROM observations WHERE did = :did ORDER BY first_seen, id LIMIT 1", {"did": did})
    return None if row is None else _interval(row)


def _prolong(tx: Transaction, interval: Interval, last_seen_at: int) -> None:
    tx.execute(
        "UPDATE observations SET last_seen = :at WHERE id = :id AND last_seen < :at",
        {"id": interval.id, "at": last_seen_at},
    )


def _has_room(tx: Transaction, sighting: Sighting) -> bool:
    row = tx.one(
        "SELECT coalesce(sum(length(d.body)), 0) AS bytes FROM observations o"
        " JOIN observed_documents d ON d.digest = o.digest WHERE o.did = :did AND o.first_seen > :since",
        {"did": sighting.did, "since": sighting.first_at - DAY},
    )
    return row is None or int(row["bytes"]) + len(sighting.document) <= MAX_BYTES_PER_DAY


def _begin(tx: Transaction, sighting: Sighting, *, is_kept: bool) -> None:
    tx.execute(
        "INSERT INTO observed_documents (digest, body, keys) VALUES (:digest, :body, :keys)"
        " ON CONFLICT (digest) DO NOTHING",
        {
            "digest": sighting.digest,
            "body": sighting.document if is_kept else b"",
            "keys": msgspec.json.encode(sighting.keys).decode(),
        },
    )
    tx.execute(
        "INSERT INTO observations (did, digest, first_seen, last_seen)"
        " VALUES (:did, :digest, :first_at, :last_at)",
        {
            "did": sighting.did,
            "digest": sighting.digest,
            "first_at": sighting.first_at,
            "last_at": sighting.last_at,
        },
    )


def _interval(row: Row) -> Interval:
    return Interval(row["id"], row["did"], row["digest"], row["first_seen"], row["last_seen"])


_KEYS = msgspec.json.Decoder(Keys)
