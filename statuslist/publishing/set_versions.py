"""
The versions of sets: what their rows say, what their readers get, and what a version is made of. Store.

`wanted_version` is the one that will say all that was changed; `published_version` is the one that readers get. So
a set is dirty while the two differ. `anew_version` is the last one wanted for its signatures alone: while it is
`wanted_version`, nobody waits for what the lists are to say. No list keeps bytes that a version below
`floor_version` made. `urgent_version` is the last one that waits for no cadence.

Changes that wait together share a version, so that its number does not tell how many they were. They share it until
somebody begins to make it: `begun_version` is the highest that anybody began, and a change wants one beyond it. So
version v says what was changed before v was begun, whoever makes it, and nothing that was changed later.

`changed_version` numbers the changes of all sets, so that whoever follows asks for what is beyond the last.
`position` numbers what was published of all sets, for whoever is not to know of what waits.
"""

from collections.abc import Iterable

import msgspec

from operators.issuers.key_store import SIGNS_NOW, note_signed, signing_key
from statuslist.formats.profiles import ProfileName
from statuslist.publishing.artefacts import Artefact, insert_artefacts
from storage import Row, Transaction

Status = tuple[str, int, int]  # purpose, index of the entry, value


class SetVersions(msgspec.Struct, frozen=True):
    """
    What a set's rows say (`wanted`) and what its readers get (`published`; 0: nothing yet).

    `is_change`: what is wanted says something new. `at_once` is the last version that waits for no cadence, which
    is `cadence_ms` milliseconds: it is urgent, or the key of the issuer changed. `changed` is the number of its
    last change among those of all sets; `length` is in entries, and stays.
    """

    set_id: str
    issuer_id: str
    wanted: int
    published: int
    is_change: bool
    at_once: int
    cadence_ms: int
    changed: int
    length: int
    position: int


class Begun(msgspec.Struct, frozen=True):
    """
    A version that is being made.

    Attributes:
        last_event: the id of the last change of a status that it has; 0: there is none.
    """

    version: int
    last_event: int


class SetContent(msgspec.Struct, frozen=True, kw_only=True):
    """
    Everything that version `version` of a set says.

    Attributes:
        floor_version: no list keeps what a version below it made.
        key_id: the key with which its issuer signs; None: it has none just now.
        has_tokens: whether there is a token list.
        last_event: the id of the last change of a status that it has; 0: there is none.
        statuses: each status that is not 0; None: nobody asked for all of them.
        changes: of statuses, in their order, since the one that whoever asked knew.
    """

    set_id: str
    version: int
    published_version: int
    floor_version: int
    issuer_id: str
    key_id: str | None
    profile: ProfileName
    has_tokens: bool
    purposes: tuple[str, ...]
    length: int
    last_event: int
    statuses: tuple[Status, ...] | None
    changes: tuple[Status, ...]


def want_fresh_signature(tx: Transaction, set_id: str, published: int) -> None:
    """Mark a set for publication unless it is marked, or newer than `published`, already."""
    tx.send(
        "UPDATE set_versions SET wanted_version = wanted_version + 1, anew_version = wanted_version + 1,"
        " changed_version = (SELECT max(changed_version) FROM set_versions) + 1"
        " WHERE set_id = :id AND published_version = :published AND wanted_version = :published",
        {"id": set_id, "published": published},
    )


def sign_anew(tx: Transaction, issuer_id: str) -> int | None:
    """
    Want a fresh signature of every list of an issuer; return when the last of what is published of them ends.

    That is in microseconds since 1970, and None where nothing is published. A set that is dirty is wanted once more
    too, since the version under way may have been signed already; it stays a change where it was one.
    """
    tx.send(
        "UPDATE set_versions SET wanted_version = wanted_version + 1, floor_version = wanted_version + 1,"
        " anew_version = CASE WHEN wanted_version IN (published_version, anew_version) THEN wanted_version + 1"
        " ELSE anew_version END, changed_version = (SELECT max(changed_version) FROM set_versions) + 1"
        " WHERE set_id IN (SELECT id FROM status_sets WHERE issuer_id = :issuer_id)",
        {"issuer_id": issuer_id},
    )
    row = tx.one(
        "SELECT max(f.valid_until) AS ends FROM list_forms f JOIN status_sets s ON s.id = f.set_id"
        " WHERE s.issuer_id = :issuer_id",
        {"issuer_id": issuer_id},
    )
    return None if row is None or row["ends"] is None else int(row["ends"])


def changed_sets(tx: Transaction, after: int) -> list[SetVersions]:
    """
    Return both versions of every set that changed after the change number `after` (-1: of every set).

    Of one that a restore withholds (`statuslist.recovery.epoch`) nothing is wanted and nothing is served.
    """
    rows = tx.all(
        "SELECT v.set_id, s.issuer_id, v.changed_version AS changed, v.cadence_ms, v.position,"  # noqa: S608 (ours)
        " CASE WHEN v.urgent_version > v.floor_version THEN v.urgent_version ELSE v.floor_version END AS at_once,"
        " s.length, v.wanted_version <> v.anew_version AS is_change,"
        f" CASE WHEN {_IS_WITHHELD} THEN 0 ELSE v.wanted_version END AS wanted,"
        f" CASE WHEN {_IS_WITHHELD} THEN 0 ELSE v.published_version END AS published"
        " FROM set_versions v JOIN status_sets s ON s.id = v.set_id"
        " WHERE v.changed_version > :after ORDER BY v.changed_version, v.set_id",
        {"after": after},
    )
    return [_versions(row) for row in rows]


# Asked of each set that changed: to join would read all lists at each look.
_IS_WITHHELD = (
    "EXISTS (SELECT 1 FROM status_lists l JOIN withheld_lists h ON h.list_id = l.id"
    " WHERE l.set_id = v.set_id)"
)


def _versions(row: Row) -> SetVersions:
    values = {name: row[name] for name in SetVersions.__struct_fields__}
    return SetVersions(**values | {"is_change": bool(values["is_change"])})  # SQLite has no booleans.


def last_change(tx: Transaction) -> int:
    """Return the number of the last change of any set; -1: there are no sets."""
    row = tx.one("SELECT max(changed_version) AS last FROM set_versions")
    return -1 if row is None or row["last"] is None else int(row["last"])


def published_version(tx: Transaction, set_id: str) -> tuple[int, int]:
    """Return the version of a set that readers get, 0: none, and its position among what was published."""
    row = tx.one("SELECT published_version, position FROM set_versions WHERE set_id = :id", {"id": set_id})
    assert row is not None, f"{set_id} is not a set"
    return int(row["published_version"]), int(row["position"])


def begin(tx: Transaction, set_id: str, published: int) -> Begun | None:
    """
    Begin to make the version of a set that is wanted: what is changed from now on is not in it.

    Several may begin the same one; it says the same for all of them.

    Returns:
        None where readers have another version than `published`, or nothing newer is wanted.
    """
    row = tx.one(
        "UPDATE set_versions SET begun_version = wanted_version WHERE set_id = :id"
        " AND published_version = :published AND wanted_version > :published"
        " RETURNING begun_version AS version,"
        " (SELECT coalesce(max(e.id), 0) FROM status_events e WHERE e.set_id = :id) AS last_event",
        {"id": set_id, "published": published},
    )
    return None if row is None else Begun(row["version"], row["last_event"])


def read_content(
    tx: Transaction,
    set_id: str,
    begun: Begun | None = None,
    *,
    known: int | None = None,
    in_full: bool = True,
) -> SetContent:
    """
    Return what a version of a set has to say; the set must exist (they are never deleted).

    Args:
        begun: the version; None: the one that is wanted, as if it were begun now.
        known: the last change of a status that is known already; None: none is.
        in_full: whether all statuses are wanted, be the changes since `known` enough or not.
    """
    row = tx.one(
        "SELECT v.*, s.issuer_id, s.length, (SELECT coalesce(max(e.id), 0) FROM status_events e"
        " WHERE e.set_id = v.set_id) AS last_event"
        " FROM set_versions v JOIN status_sets s ON s.id = v.set_id WHERE v.set_id = :id",
        {"id": set_id},
    )
    assert row is not None, f"{set_id} is not a set"
    begun = begun or Begun(row["wanted_version"], row["last_event"])
    return SetContent(
        set_id=set_id,
        version=begun.version,
        published_version=row["published_version"],
        floor_version=row["floor_version"],
        issuer_id=row["issuer_id"],
        key_id=signing_key(tx, row["issuer_id"]),
        profile=row["profile"],
        has_tokens=bool(row["has_tokens"]),
        purposes=_purposes(tx, set_id),
        length=row["length"],
        last_event=begun.last_event,
        statuses=_all_statuses(tx, set_id, begun.last_event, row["last_event"])
        if in_full or known is None
        else None,
        changes=_changes(tx, set_id, known, begun.last_event) if known is not None else (),
    )


def _purposes(tx: Transaction, set_id: str) -> tuple[str, ...]:
    rows = tx.all("SELECT purpose FROM status_lists WHERE set_id = :id ORDER BY purpose", {"id": set_id})
    return tuple(row["purpose"] for row in rows)


def _all_statuses(tx: Transaction, set_id: str, until: int, last: int) -> tuple[Status, ...]:
    """Return each status as it was after the event `until`: as it is now, but for the changes since, to `last`."""
    rows = tx.all("SELECT purpose, entry_index, value FROM statuses WHERE set_id = :id", {"id": set_id})
    found = {(row["purpose"], row["entry_index"]): row["value"] for row in rows}
    for purpose, index, value in reversed(_changes(tx, set_id, until, last)):
        found[purpose, index] = 1 - value  # A status is 0 or 1, and each change is of the other one.
    return tuple((purpose, index, value) for (purpose, index), value in found.items() if value)


def _changes(tx: Transaction, set_id: str, after: int, until: int) -> tuple[Status, ...]:
    """Return the changes of statuses beyond the event `after`, in their order: writes are serial."""
    if after >= until:
        return ()
    rows = tx.all(
        "SELECT purpose, entry_index, value FROM status_events WHERE set_id = :id AND id > :after AND id <= :until"
        " ORDER BY id",
        {"id": set_id, "after": after, "until": until},
    )
    return tuple((row["purpose"], row["entry_index"], row["value"]) for row in rows)


def publish(tx: Transaction, content: SetContent, made: Iterable[Artefact]) -> bool:
    """
    Publish a version, if the one before still is the published one, and the key that signed it still the one that
    its issuer signs with; False, and nothing written, if not.

    The compare-and-set comes first: it locks the set, so that a version has the artefacts of one publisher. Writes
    are serial, so that no key changes in between.

    Args:
        made: the forms of the lists that have new bytes.
    """
    if content.key_id is None:
        return False
    won = tx.execute(
        "UPDATE set_versions SET published_version = :version,"  # noqa: S608 (ours)
        " position = (SELECT max(position) FROM set_versions) + 1,"
        " changed_version = (SELECT max(changed_version) FROM set_versions) + 1"
        " WHERE set_id = :id AND published_version = :previous AND published_version < :version"
        f" AND {SIGNS_NOW}",
        {
            "id": content.set_id,
            "version": content.version,
            "previous": content.published_version,
            "issuer_id": content.issuer_id,
            "key_id": content.key_id,
        },
    )
    artefacts = tuple(made)
    if won and artefacts:
        insert_artefacts(tx, artefacts)
        until = max(artefact.valid_until for artefact in artefacts)
        note_signed(tx, content.issuer_id, content.key_id, until=until)
    return won > 0
