"""
A new allocation epoch: what makes a restored database safe to serve. Store.

A restored database is an older truth. Indexes were handed out since, and statuses changed, of which it knows
nothing. So, in one transaction and before anything is served:

1. every set is closed: all its numbers count as handed out, none is given again, and each can still be revoked;
2. every list takes over what its newest published version said: all revocations; suspensions exactly, where that
   version is newer than the restored rows;
3. sets of which only published lists are left are made anew, closed;
4. every list jumps to a version beyond any that was ever published, and so is published anew.

To run it again is harmless: it closes what was opened since, and changes no status twice.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Set

import msgspec

from operators import Principal
from operators.noting import note as note_change
from statuslist.entries import store
from statuslist.entries.allocation import KEY_BYTES
from statuslist.entries.changes import CLOSED
from statuslist.entries.entry_store import Change, write_changes
from statuslist.formats.forms import TOKEN_FORMS, is_reserved
from statuslist.formats.purposes import PURPOSES, REVOCATION
from statuslist.publishing.artefacts import digest_of, published_artefacts
from statuslist.recovery.found_lists import FoundList, set_indexes
from storage import Transaction

POSITION_STEP = 2**32  # more than are published in an epoch, and two million such fit in 2^53
CADENCE_MS = 1_000  # milliseconds; of a set that is made anew


class EpochReport(msgspec.Struct, frozen=True, kw_only=True):
    """What opening an epoch did; `notes` are sentences about what was found and could not be used."""

    closed_sets: int
    new_sets: int
    revocations: int
    suspensions: int
    lists: int
    notes: tuple[str, ...]


def open_epoch(
    tx: Transaction,
    found: Mapping[str, FoundList],
    *,
    random_bytes: Callable[[int], bytes],
    operator: Principal,
    at: int,
    readable: Collection[str],
    lost_anchors: Collection[str] = (),
) -> EpochReport:
    """
    Open a new epoch, as above.

    Lists whose issuer cannot sign are withheld: neither served nor published before a restore that has the key.
    What was found of them is taken over all the same, where a public key of the issuer is known. But nobody can
    sign a version that says so, and the one that the rows have as published may lack a revocation that readers saw.

    Args:
        readable: ids of the issuers whose signing keys can be read.
        found: what was published last, by the id of the list; see `statuslist.recovery.found_lists`.
        random_bytes: a source fit for keys.
        lost_anchors: names of signed heads of the audit log that contradict the restored rows.
        at: now, in microseconds since 1970; also the next version of every list, unless one that was found is
            beyond it. A list's version grows by one per change at most, far less than a million a second, so that
            no number ever comes twice.
    """
    actor = operator.id
    made, notes = _make_lost_sets(tx, found.values(), random_bytes, at)  # 3; they too are closed by step 1.
    closed = sum(_close(tx, set_id, actor, at) for set_id in _set_ids(tx))
    changed = dict.fromkeys(PURPOSES, 0)
    for list_id, newest in found.items():  # 2
        changes, note = _take_over(tx, list_id, newest, actor, at)
        changed[newest.purpose] += changes
        notes += [note] if note else []
    withheld = _withhold(tx, readable, at)
    notes += _unseen(tx, {*found, *withheld})
    notes += [
        f"{list_id}: not served, since the key of its issuer {issuer_id} cannot be read; put the key back, then run"
        " `touchstone db restore` without a file"
        for list_id, issuer_id in withheld.items()
    ]
    report = EpochReport(
        closed_sets=closed,
        new_sets=made,
        revocations=changed["revocation"],
        suspensions=changed["suspension"],
        lists=_jump(tx, max(at, _beyond(found.values()))),  # 4
        notes=tuple(notes),
    )
    detail = {name: value for name, value in msgspec.structs.asdict(report).items() if name != "notes"}
    if lost_anchors:  # So that nobody takes them for a past that was rewritten (operators.audit).
        detail["anchors"] = sorted(lost_anchors)
    note_change(tx, operator, "database.restore", "database", at=at, **detail)
    return report


def list_ids(tx: Transaction) -> list[str]:
    """Return the id of every list."""
    return [row["id"] for row in tx.all("SELECT id FROM status_lists ORDER BY id")]


def _set_ids(tx: Transaction) -> list[str]:
    return [row["id"] for row in tx.all("SELECT id FROM status_sets ORDER BY id")]


def _close(tx: Transaction, set_id: str, actor: str, at: int) -> bool:
    """Hand out what is left of a set to nobody; False where nothing is left."""
    row = tx.one("SELECT length - next_number AS left_over FROM status_sets WHERE id = :id", {"id": set_id})
    count = int(row["left_over"]) if row is not None else 0
    if count == 0:
        return False
    first = store.take_numbers(tx, set_id, count)
    assert first is not None, "the count was read in this transaction, and writes are serial"
    store.insert_allocation(
        tx,
        store.Allocation(
            set_id=set_id,
            first_number=first,
            count=count,
            reference=CLOSED,
            expires_at=None,
            actor=actor,
            at=at,
        ),
    )
    return True


def _make_lost_sets(
    tx: Transaction, found: Iterable[FoundList], random_bytes: Callable[[int], bytes], at: int
) -> tuple[int, list[str]]:
    """
    Make each set that has no row and of which lists were found, with those purposes only.

    A list that was not found is not made: nothing is served at its URL, and verifiers refuse, while a list of
    zeros would tell them that nothing was revoked.
    """
    lost: dict[str, list[FoundList]] = {}
    for each in found:
        if store.find_set(tx, each.set_id) is None:
            lost.setdefault(each.set_id, []).append(each)
    notes = []
    for set_id, lists in lost.items():
        newest = max(lists, key=lambda each: each.length)
        status_set = store.StatusSet(
            id=set_id,
            issuer_id=newest.issuer_id,
            length=newest.length,
            purposes=tuple(each.purpose for each in lists),
            permutation_key=random_bytes(KEY_BYTES),
            next_number=0,
            created_at=at,
            profile="default",
            cadence_ms=CADENCE_MS,
            has_tokens=not is_reserved(set_id),
            version=0,
            wanted_version=1,
        )
        store.insert_set(tx, status_set)
        purposes = " and ".join(sorted(status_set.purposes))
        notes.append(f"the set {set_id} is made anew, closed, from its published lists: {purposes}")
    return len(lost), notes


def _unseen(tx: Transaction, found: Collection[str]) -> list[str]:
    return [
        f"{list_id}: no published version was found; what was changed after the backup is lost, repeat it"
        for list_id in list_ids(tx)
        if list_id not in found
    ]


def _take_over(
    tx: Transaction, list_id: str, newest: FoundList, actor: str, at: int
) -> tuple[int, str | None]:
    """Make the statuses of a list what `newest` says, as far as it may; return how many changed, and a note."""
    status_set = store.find_set(tx, newest.set_id)
    assert status_set is not None, "those that were lost have been made"
    if (status_set.issuer_id, status_set.length) != (newest.issuer_id, newest.length):
        return 0, f"{list_id} was found with another issuer or length; it is ignored"
    if newest.purpose not in status_set.purposes and newest.form in TOKEN_FORMS:
        return 0, None  # It has a value for what its set has no list for.
    if newest.purpose not in status_set.purposes:
        return 0, f"{list_id} was found, but the set has no list of that purpose; it is ignored"
    if newest.purpose != REVOCATION and not _is_newer(tx, newest):
        return 0, None
    rows = _indexes_with_status(tx, newest)
    wanted = set_indexes(newest.bits) | rows & set_indexes(newest.hidden)
    cleared: Set[int] = frozenset() if newest.purpose == REVOCATION else rows - wanted
    write_changes(
        tx,
        [
            _change(newest, index, value, actor, at)
            for value, indexes in ((1, wanted - rows), (0, cleared))
            for index in sorted(indexes)
        ],
    )
    return len(wanted - rows) + len(cleared), None


def _is_newer(tx: Transaction, newest: FoundList) -> bool:
    """
    Tell whether a published list is newer than the rows: its version is beyond what they have as published.

    Of one whose version is not known the time tells. Times are whole seconds, so that two versions can have the
    same; but the rows know every version before them.
    """
    if newest.version is not None:
        row = tx.one(
            "SELECT max(version) AS version FROM list_forms WHERE list_id = :id", {"id": newest.source_id}
        )
        return row is None or row["version"] is None or newest.version > row["version"]
    own = published_artefacts(tx, newest.source_id)
    if own and newest.valid_from < own[0].valid_from:
        return False
    asked = {
        "list_id": newest.source_id,
        "form": newest.form,
        "body": newest.body,
        "digest": digest_of(newest.body),
    }
    known = tx.one(
        "SELECT version FROM artefacts WHERE list_id = :list_id AND form = :form AND body = :body"
        " UNION ALL SELECT version FROM list_forms WHERE list_id = :list_id AND form = :form AND body = :body"
        " UNION ALL SELECT version FROM served_forms"
        " WHERE list_id = :list_id AND form = :form AND digest = :digest"
        " UNION ALL SELECT version FROM served_list_forms"
        " WHERE list_id = :list_id AND form = :form AND digest = :digest",
        asked,
    )
    return known is None


def _indexes_with_status(tx: Transaction, newest: FoundList) -> set[int]:
    rows = tx.all(
        "SELECT entry_index FROM statuses WHERE set_id = :set_id AND purpose = :purpose",
        {"set_id": newest.set_id, "purpose": newest.purpose},
    )
    return {row["entry_index"] for row in rows}


def _change(newest: FoundList, index: int, value: int, actor: str, at: int) -> Change:
    return Change(
        set_id=newest.set_id,
        purpose=newest.purpose,
        entry_index=index,
        value=value,
        reason="restored from the published list",
        actor=actor,
        at=at,
    )


def _beyond(found: Iterable[FoundList]) -> int:
    """Return a version beyond all that were found: a clock that was ahead may have numbered them."""
    return 1 + max((each.version or 0 for each in found), default=0)


def _withhold(tx: Transaction, readable: Collection[str], at: int) -> dict[str, str]:
    """Withhold the lists of all issuers but `readable`, and no others; return them with their issuers."""
    rows = tx.all(
        "SELECT l.id, s.issuer_id FROM status_lists l JOIN status_sets s ON s.id = l.set_id ORDER BY l.id"
    )
    withheld = {row["id"]: row["issuer_id"] for row in rows if row["issuer_id"] not in readable}
    tx.execute("DELETE FROM withheld_lists")
    for list_id in withheld:
        values = {"id": list_id, "at": at}
        tx.execute("INSERT INTO withheld_lists (list_id, since) VALUES (:id, :at)", values)
    return withheld


def _jump(tx: Transaction, at: int) -> int:
    """
    Want version `at` of every set (or the next, where it is beyond that), with new bytes of every list; return how
    many lists there are.

    Positions go beyond all that were lost, so that whoever holds one of them is told of every list again.
    """
    beyond = "CASE WHEN wanted_version >= :at THEN wanted_version + 1 ELSE :at END"
    tx.execute(
        f"UPDATE set_versions SET wanted_version = {beyond}, floor_version = {beyond},"  # noqa: S608 (ours)
        " changed_version = (SELECT max(changed_version) FROM set_versions) + 1,"
        " position = CASE WHEN position = 0 THEN 0 ELSE position + :step END",
        {"at": at, "step": POSITION_STEP},
    )
    row = tx.one(
        "SELECT (SELECT count(*) FROM status_lists)"
        " + (SELECT coalesce(sum(has_tokens), 0) FROM set_versions) AS lists"
    )
    return int(row["lists"]) if row is not None else 0
