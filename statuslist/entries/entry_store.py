"""
What the rows say of single entries: statuses, their events, references, and which were released. Store.

Writes are serial (`storage.database`), so that what a transaction has read is so until it ends: one look at the
entries that a request names, and then every change is sent without waiting for any.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from statuslist.formats.purposes import PURPOSES
from storage import Row, Transaction, one_of, rows_of


class EntryRows(msgspec.Struct, kw_only=True):
    """
    What is known of a set, and of the entries that somebody asks for; a plan goes on from there.

    Attributes:
        next_number: so many entries are allocated.
        next_version: the one that will show what is changed now (`want_version`).
        waiting_version: the one that will show what was changed before, and is not published yet; 0: all is.
        has_tokens: whether the set has a token list.
        statuses: purpose and index of every status that is 1.
        released: indices.
    """

    next_number: int
    next_version: int
    waiting_version: int
    has_tokens: bool
    statuses: set[tuple[str, int]]
    released: set[int]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One status of one entry, as it shall be, and is not yet."""

    set_id: str
    purpose: str
    entry_index: int
    value: int
    reason: str | None
    actor: str
    at: int


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """The entry that was given a reference, by the number of its allocation."""

    set_id: str
    number: int
    format: str
    digest: bytes
    is_released: bool


def read_entries(tx: Transaction, set_id: str, indices: Collection[int]) -> EntryRows:
    """Return what the rows say of some entries of a set, which must exist; in one statement."""
    wanted, values = rows_of(map(str, indices or [_NO_INDEX]), "BIGINT")
    rows = tx.all(
        f"WITH wanted (entry_index) AS ({wanted})"  # noqa: S608 (ours)
        " SELECT s.next_number, v.wanted_version, v.begun_version, v.has_tokens,"
        " CASE WHEN v.wanted_version > v.published_version AND v.wanted_version <> v.anew_version"
        " THEN v.wanted_version ELSE 0 END AS waiting_version,"
        " 0 AS entry_index, 0 AS revocation, 0 AS suspension, 0 AS released"
        " FROM status_sets s JOIN set_versions v ON v.set_id = s.id WHERE s.id = :set_id"
        " UNION ALL SELECT 0, 0, 0, 0, 0, e.entry_index, e.revocation, e.suspension, e.released FROM ("
        f"SELECT w.entry_index, {_status('revocation')}, {_status('suspension')}, (SELECT 1 FROM released_entries r"
        " WHERE r.set_id = :set_id AND r.entry_index = w.entry_index) AS released FROM wanted w"
        ") e WHERE e.revocation = 1 OR e.suspension = 1 OR e.released = 1",
        {"set_id": set_id, **values},
    )
    facts = next(row for row in rows if row["wanted_version"])  # Of a set it is 1 at least.
    return EntryRows(
        next_number=facts["next_number"],
        next_version=max(facts["wanted_version"], facts["begun_version"] + 1),
        waiting_version=facts["waiting_version"],
        has_tokens=bool(facts["has_tokens"]),
        statuses={(purpose, row["entry_index"]) for row in rows for purpose in PURPOSES if row[purpose]},
        released={row["entry_index"] for row in rows if row["released"]},
    )


_NO_INDEX = -1


def _status(purpose: str) -> str:
    return (
        f"(SELECT t.value FROM statuses t WHERE t.set_id = :set_id AND t.purpose = '{purpose}'"  # noqa: S608 (ours)
        f" AND t.entry_index = w.entry_index) AS {purpose}"
    )


def ever_changed(tx: Transaction, set_id: str, indices: Collection[int]) -> set[int]:
    """Return those of some indices of a set of which a status was ever changed."""
    wanted, values = rows_of(map(str, indices or [_NO_INDEX]), "BIGINT")
    rows = tx.all(
        f"WITH wanted (entry_index) AS ({wanted}) SELECT entry_index FROM wanted w WHERE EXISTS (SELECT 1"  # noqa: S608
        " FROM status_events e WHERE e.set_id = :set_id AND e.entry_index = w.entry_index)",
        {"set_id": set_id, **values},
    )
    return {row["entry_index"] for row in rows}


def write_changes(tx: Transaction, changes: Sequence[Change]) -> None:
    """Write statuses that are now other than the rows have them, and their events, in the order given."""
    parameters = [msgspec.structs.asdict(change) for change in changes]
    first: dict[tuple[str, str, int], int] = {}
    last: dict[tuple[str, str, int], dict[str, Any]] = {}
    for one in parameters:
        entry = (one["set_id"], one["purpose"], one["entry_index"])
        first.setdefault(entry, one["value"])
        last[entry] = one
    # Each change is of what was other before: where the last one is as the first, the row is new, or gone.
    now = [one for entry, one in last.items() if one["value"] == first[entry]]
    _send_each(tx, _SET, [one for one in now if one["value"]])
    _send_each(tx, _CLEAR, [one for one in now if not one["value"]])
    _send_each(tx, _EVENT, parameters)


_SET = (
    "INSERT INTO statuses (set_id, purpose, entry_index, value)"
    " VALUES (:set_id, :purpose, :entry_index, :value)"
)
_CLEAR = "DELETE FROM statuses WHERE set_id = :set_id AND purpose = :purpose AND entry_index = :entry_index"
_EVENT = (
    "INSERT INTO status_events (set_id, purpose, entry_index, value, reason, actor, at)"
    " VALUES (:set_id, :purpose, :entry_index, :value, :reason, :actor, :at)"
)


def want_version(tx: Transaction, set_id: str, version: int, *, urgent: int) -> None:
    """
    Have changes published with `version`: the one that is wanted already, or the next if somebody began that one,
    who may publish it without them.

    Args:
        urgent: the version where it waits for no cadence; else 0.
    """
    tx.send(
        "UPDATE set_versions SET wanted_version = :version,"
        " urgent_version = CASE WHEN :urgent > urgent_version THEN :urgent ELSE urgent_version END,"
        " anew_version = CASE WHEN anew_version = :version THEN 0 ELSE anew_version END,"
        " changed_version = (SELECT max(changed_version) FROM set_versions) + 1"
        " WHERE set_id = :id",
        {"id": set_id, "version": version, "urgent": urgent},
    )


def hurry(tx: Transaction, set_id: str, version: int) -> None:
    """Let a version that is wanted already wait for no cadence."""
    tx.send(
        "UPDATE set_versions SET urgent_version = :version,"
        " changed_version = (SELECT max(changed_version) FROM set_versions) + 1"
        " WHERE set_id = :id AND urgent_version < :version",
        {"id": set_id, "version": version},
    )


def insert_references(
    tx: Transaction, set_id: str, first: int, entry_format: str, digests: Sequence[bytes]
) -> int | None:
    """
    Give references to the entries of numbers `first` and on; None: all were given.

    Otherwise return the place of the first one, from 0, that another entry of the format has; the caller undoes
    what was written.
    """
    tx.execute_many(
        "INSERT INTO entry_references (set_id, number, format, digest)"
        " VALUES (:set_id, :number, :format, :digest) ON CONFLICT DO NOTHING",
        [
            {"set_id": set_id, "number": number, "format": entry_format, "digest": digest}
            for number, digest in enumerate(digests, first)
        ],
    )
    given = "FROM entry_references WHERE set_id = :set_id AND number >= :first AND number < :beyond"
    values = {"set_id": set_id, "first": first, "beyond": first + len(digests)}
    row = tx.one(f"SELECT count(*) AS found {given}", values)
    if row is not None and row["found"] == len(digests):
        return None
    numbers = {found["number"] for found in tx.all(f"SELECT number {given}", values)}
    return next(place for place in range(len(digests)) if first + place not in numbers)


def references_in(tx: Transaction, set_id: str, digests: Iterable[bytes]) -> dict[bytes, list[Reference]]:
    """Return the entries of a set that have one of some references; by its digest."""
    is_one, values = one_of("digest", set(digests), any_number=True)
    rows = tx.all(f"SELECT * FROM entry_references WHERE {is_one} ORDER BY number", values)  # noqa: S608 (ours)
    found: dict[bytes, list[Reference]] = {}
    for reference in map(_reference, rows):
        if reference.set_id == set_id:
            found.setdefault(reference.digest, []).append(reference)
    return found


def references_of(tx: Transaction, digest: bytes, limit: int) -> list[Reference]:
    """Return the entries that have a reference, in all sets of its issuer."""
    rows = tx.all(
        "SELECT * FROM entry_references WHERE digest = :digest ORDER BY set_id, number LIMIT :limit",
        {"digest": digest, "limit": limit},
    )
    return [_reference(row) for row in rows]


def numbers_of_batch(
    tx: Transaction, issuer_id: str, batch: str, position: int, limit: int
) -> list[tuple[str, int]]:
    """Return set and number of the entry at `position` of each allocation of an issuer with that reference."""
    rows = tx.all(
        "SELECT a.set_id, a.first_number FROM allocations a JOIN status_sets s ON s.id = a.set_id"
        " WHERE a.reference = :batch AND s.issuer_id = :issuer_id AND a.count > :position"
        " ORDER BY a.set_id, a.first_number LIMIT :limit",
        {"batch": batch, "issuer_id": issuer_id, "position": position, "limit": limit},
    )
    return [(row["set_id"], row["first_number"] + position) for row in rows]


def reference_at(tx: Transaction, set_id: str, number: int) -> Reference | None:
    """Return the reference of an entry; None: it was given none."""
    row = tx.one(
        "SELECT * FROM entry_references WHERE set_id = :set_id AND number = :number",
        {"set_id": set_id, "number": number},
    )
    return _reference(row) if row is not None else None


def release(tx: Transaction, set_id: str, numbers: Mapping[int, int], *, actor: str, at: int) -> None:
    """Release entries that are neither released nor have a status; `numbers` by their indices."""
    tx.execute_many(
        "INSERT INTO released_entries (set_id, entry_index, actor, at)"
        " VALUES (:set_id, :entry_index, :actor, :at)",
        [{"set_id": set_id, "entry_index": index, "actor": actor, "at": at} for index in numbers],
    )
    tx.execute_many(
        "UPDATE entry_references SET is_released = 1 WHERE set_id = :set_id AND number = :number",
        [{"set_id": set_id, "number": number} for number in numbers.values()],
    )


def has_references(tx: Transaction) -> bool:
    """Tell whether any entry has a reference."""
    return tx.one("SELECT 1 AS found FROM entry_references LIMIT 1") is not None


def fingerprint(tx: Transaction) -> bytes | None:
    """Return what tells the key of this database's references; None: there is none yet."""
    row = tx.one("SELECT fingerprint FROM reference_key")
    return bytes(row["fingerprint"]) if row is not None else None


def keep_fingerprint(tx: Transaction, found: bytes) -> bytes:
    """Have references under that key from now on, unless there are some already; return whose fingerprint it is."""
    tx.send(
        "INSERT INTO reference_key (one, fingerprint) VALUES (1, :found) ON CONFLICT (one) DO NOTHING",
        {"found": found},
    )
    kept = fingerprint(tx)
    assert kept is not None, "it was inserted if it was not there"
    return kept


def forget_fingerprint(tx: Transaction) -> None:
    """Forget the key whose file was lost, if there is no reference under it."""
    tx.send("DELETE FROM reference_key WHERE NOT EXISTS (SELECT 1 FROM entry_references)")


def forget_references(tx: Transaction, *, actor: str, at: int) -> int:
    """Forget the key, which is lost for good, and all references under it; return how many those were."""
    tx.execute(
        "INSERT INTO lost_reference_keys (fingerprint, actor, at)"
        " SELECT fingerprint, :actor, :at FROM reference_key WHERE true ON CONFLICT DO NOTHING",
        {"actor": actor, "at": at},
    )
    forgotten = tx.execute("DELETE FROM entry_references")
    forget_fingerprint(tx)
    return forgotten


def _reference(row: Row) -> Reference:
    return Reference(
        set_id=row["set_id"],
        number=row["number"],
        format=row["format"],
        digest=bytes(row["digest"]),
        is_released=bool(row["is_released"]),
    )


def _send_each(tx: Transaction, sql: str, parameters: Sequence[Mapping[str, object]]) -> None:
    if len(parameters) == 1:
        tx.send(sql, parameters[0])
    elif parameters:
        tx.execute_many(sql, parameters)
