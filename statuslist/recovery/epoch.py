"""
A new allocation epoch: what makes a restored database safe to serve. Store.

A restored database is an older truth. Indexes were handed out since, and statuses changed, of which it knows
nothing. So, in one transaction and before anything is served:

1. every set is closed: all its numbers count as handed out, none is given again, and each can still be revoked;
2. every list takes over what its newest published version said: all revocations; suspensions exactly, where that
   version is newer than the restored rows;
3. sets of which only published lists are left are made anew, closed;
4. every set jumps to a version, and to a position, beyond any that was ever published, and so is published anew.

To run it again is harmless: it closes what was opened since, and changes no status twice.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from operators import Principal
from operators.issuers.key_store import find_key, signing_key
from operators.noting import note as note_change
from proofs import Algorithm
from statuslist.entries import store
from statuslist.entries.allocation import KEY_BYTES
from statuslist.entries.changes import CLOSED
from statuslist.errors import ProfileNotMet
from statuslist.formats.profiles import PROFILES, ProfileName, check_key
from statuslist.formats.purposes import PURPOSES
from statuslist.recovery.found_lists import FoundList
from statuslist.recovery.taking_over import take_over
from storage import Transaction

POSITION_STEP = 2**32  # where the clock was set back; more than are published in an epoch
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

    Lists whose issuer cannot sign, or not as the profile of their set asks, are withheld: neither served nor
    published before a restore that finds them in order. What was found of them is taken over all the same, where a
    public key of the issuer is known. But nobody can sign a version that says so, and the one that the rows have as
    published may lack a revocation that readers saw.

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
        changes, note = take_over(tx, list_id, newest, actor, at)
        changed[newest.purpose] += changes
        notes += [note] if note else []
    withheld = _withhold(tx, readable, at)
    notes += _unseen(tx, {*found, *withheld})
    notes += [
        f"{list_id}: not served, since {why}, then run `touchstone db restore` without a file"
        for list_id, why in withheld.items()
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


def owners(tx: Transaction) -> dict[str, tuple[str, int]]:
    """Return the issuer of every set, and its length in entries."""
    rows = tx.all("SELECT id, issuer_id, length FROM status_sets")
    return {row["id"]: (row["issuer_id"], row["length"]) for row in rows}


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
        status_set = _set_of(set_id, lists, random_bytes(KEY_BYTES), at)
        store.insert_set(tx, status_set)
        of = sorted(status_set.purposes) + ["tokens"] * status_set.has_tokens
        notes.append(
            f"the set {set_id} is made anew, closed, from its published lists: {' and '.join(of)}; its profile is"
            f" {status_set.profile}, and it is published every second"
        )
    return len(lost), notes


def _set_of(set_id: str, lists: Sequence[FoundList], key: bytes, at: int) -> store.StatusSet:
    """Return the set of lists that were found; where no token list was, none is made, for the same reason."""
    newest = max(lists, key=lambda each: each.length)
    profile = next((each.profile for each in lists if each.profile is not None), None)
    return store.StatusSet(
        id=set_id,
        issuer_id=newest.issuer_id,
        length=newest.length,
        purposes=tuple(each.purpose for each in lists),
        permutation_key=key,
        next_number=0,
        created_at=at,
        profile=profile or "default",
        cadence_ms=CADENCE_MS,
        has_tokens=profile is not None,
        version=0,
        wanted_version=1,
    )


def _unseen(tx: Transaction, found: Collection[str]) -> list[str]:
    return [
        f"{list_id}: no published version was found; what was changed after the backup is lost, repeat it"
        for list_id in list_ids(tx)
        if list_id not in found
    ]


def _beyond(found: Iterable[FoundList]) -> int:
    """Return a version beyond all that were found: a clock that was ahead may have numbered them."""
    return 1 + max((each.highest_version for each in found), default=0)


def _withhold(tx: Transaction, readable: Collection[str], at: int) -> dict[str, str]:
    """Withhold the lists of each set that cannot be signed, and no others; return them with the reasons."""
    rows = tx.all(
        "SELECT l.id, s.issuer_id, v.profile FROM status_lists l JOIN status_sets s ON s.id = l.set_id"
        " JOIN set_versions v ON v.set_id = l.set_id ORDER BY l.id"
    )
    kinds = {(row["issuer_id"], row["profile"]) for row in rows}
    reasons = {kind: _why_not_signed(tx, *kind, readable) for kind in kinds}
    of_lists = {row["id"]: reasons[row["issuer_id"], row["profile"]] for row in rows}
    withheld = {list_id: why for list_id, why in of_lists.items() if why is not None}
    tx.execute("DELETE FROM withheld_lists")
    for list_id in withheld:
        values = {"id": list_id, "at": at}
        tx.execute("INSERT INTO withheld_lists (list_id, since) VALUES (:id, :at)", values)
    return withheld


def _why_not_signed(
    tx: Transaction, issuer_id: str, profile: ProfileName, readable: Collection[str]
) -> str | None:
    """Return why nobody can sign the lists of a set, and what to do about it; None: its issuer can."""
    if issuer_id not in readable:
        return f"the key of its issuer {issuer_id} cannot be read; put the key back"
    key_id = signing_key(tx, issuer_id)
    key = find_key(tx, issuer_id, key_id) if key_id is not None else None
    if key is None or key.algorithm is None:
        return None  # Of a release before 0.3: no profile asks for anything of it.
    try:
        check_key(PROFILES[profile], Algorithm(key.algorithm), has_certificates=key.certificates is not None)
    except ProfileNotMet as error:
        return f"{error}; mend that"
    return None


def _jump(tx: Transaction, at: int) -> int:
    """
    Want version `at` of every set (or the next, where it is beyond that), with new bytes of every list; return how
    many lists there are.

    Positions go beyond all that were lost, so that whoever holds one of them is told of every list again: also
    where the backup has no list that was published. They too are counted far slower than microseconds.
    """
    beyond = "CASE WHEN wanted_version >= :at THEN wanted_version + 1 ELSE :at END"
    tx.execute(
        f"UPDATE set_versions SET wanted_version = {beyond}, floor_version = {beyond},"  # noqa: S608 (ours)
        " changed_version = (SELECT max(changed_version) FROM set_versions) + 1,"
        " position = CASE WHEN position >= :at THEN position + :step ELSE :at END",
        {"at": at, "step": POSITION_STEP},
    )
    row = tx.one(
        "SELECT (SELECT count(*) FROM status_lists)"
        " + (SELECT coalesce(sum(has_tokens), 0) FROM set_versions) AS lists"
    )
    return int(row["lists"]) if row is not None else 0
