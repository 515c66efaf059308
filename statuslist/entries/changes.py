"""
What each request does in its one transaction: its rules checked against the rows, the rows, the audit row. Store.

A set of another issuer is `ResourceNotFound`, like one that does not exist.
"""

import msgspec

from operators import Permission, Principal, issuer_scope, require
from operators.issuers.key_store import find_key, signing_key
from operators.noting import note
from operators.store import find_issuer
from proofs import Algorithm
from statuslist.entries import store
from statuslist.entries.allocation import number_of
from statuslist.entries.requests import Allocate, Changed, ChangeStatuses, StatusChange
from statuslist.errors import (
    ListFull,
    NotAllocated,
    ProfileNotMet,
    RangeError,
    SetClosed,
    TooManyEntries,
    UnknownPurpose,
)
from statuslist.formats.forms import list_id_of, token_list_id_of
from statuslist.formats.profiles import PROFILES, check_key
from statuslist.formats.purposes import check_transition
from storage import Transaction
from wire import Conflict, ResourceNotFound

ABSENT_SET = "there is no such status set"
CLOSED = "closed by a restore"  # reference of the allocation by which an epoch takes what is left of a set


def own_set(
    tx: Transaction, principal: Principal, set_id: str, permission: Permission = Permission.READ
) -> store.StatusSet:
    """
    Return the set.

    Raises:
        ResourceNotFound: there is none of that id that the principal may see.
        Forbidden: it has not the permission there.
    """
    found = store.find_set(tx, set_id)
    if found is None:
        raise ResourceNotFound(ABSENT_SET)
    require(principal, permission, issuer_scope(found.issuer_id), absent=ABSENT_SET)
    return found


def create_set(
    tx: Transaction, principal: Principal, status_set: store.StatusSet, *, max_entries: int, at: int
) -> None:
    """
    Insert a set and its lists.

    Raises:
        ResourceNotFound: the issuer is unknown.
        Conflict: the id is taken, or the issuer signs elsewhere, or with a key that the profile does not take.
        TooManyEntries: the issuer's lists would have more than `max_entries`, all of them together.
    """
    _check_issuer(tx, status_set)
    if not store.insert_set(tx, status_set):
        raise Conflict(f"the id {status_set.id} is taken", pointer="/id")
    _check_entries(tx, status_set.issuer_id, max_entries)
    after = {"issuer": status_set.issuer_id, "length": status_set.length, "purposes": status_set.purposes}
    note(tx, principal, "status_set.create", status_set.id, at=at, after=after, length=status_set.length)


def take_entries(
    tx: Transaction,
    principal: Principal,
    status_set: store.StatusSet,
    request: Allocate,
    *,
    expires_at: int | None,
    at: int,
) -> int:
    """
    Hand out the next entries of a set; return the number of the first.

    Raises:
        ListFull: fewer than were asked for are left; none is handed out.
        SetClosed: that ListFull, of a set that a restore closed.
    """
    first = store.take_numbers(tx, status_set.id, request.count)
    if first is None:
        raise _no_room(tx, status_set, request.count)
    taken = store.Allocation(
        set_id=status_set.id,
        first_number=first,
        count=request.count,
        reference=request.reference,
        expires_at=expires_at,
        actor=principal.id,
        at=at,
    )
    store.insert_allocation(tx, taken)
    after = {"first": first, "count": request.count}
    note(tx, principal, "status_set.allocate", status_set.id, at=at, after=after, **after)
    return first


def change_statuses(
    tx: Transaction, principal: Principal, set_id: str, request: ChangeStatuses, *, at: int
) -> Changed:
    """
    Make the changes, and mark each list for publication whose statuses are now other than before.

    Raises:
        ResourceNotFound: as `own_set`.
        UnknownPurpose: the set has no list of that purpose.
        RangeError, NotAllocated: as `check_allocated`.
        IrreversibleStatus: a revocation would be taken back.
    """
    status_set = own_set(tx, principal, set_id, Permission.EDIT)
    touched = [
        wanted
        for wanted in request.changes
        if _change_status(tx, status_set, wanted, actor=principal.id, at=at)
    ]
    lists = [list_id_of(set_id, purpose) for purpose in sorted({wanted.status_purpose for wanted in touched})]
    if touched and status_set.has_tokens:
        lists.append(token_list_id_of(set_id))
    version = store.want_next_version(tx, set_id, urgent=request.urgent) if touched else 0
    changed = Changed(changed=len(touched), versions=dict.fromkeys(lists, version))
    if touched:
        # A status is 0 or 1, and each of these was the other one.
        before, after = (
            [(one.status_purpose, one.status_list_index, abs(was - one.status)) for one in touched]
            for was in (1, 0)
        )
        detail = msgspec.to_builtins(changed)
        note(tx, principal, "status_set.change", set_id, at=at, before=before, after=after, **detail)
    return changed


def check_allocated(status_set: store.StatusSet, index: int) -> None:
    """
    Refuse an index that no credential was given: its number is not below the set's counter.

    Raises:
        RangeError: the index lies outside the set.
        NotAllocated: the index was never handed out.
    """
    if index >= status_set.length:
        raise RangeError(f"index {index} lies outside a list of {status_set.length} entries")
    if number_of(index, length=status_set.length, key=status_set.permutation_key) >= status_set.next_number:
        raise NotAllocated(f"index {index} has not been allocated")


def _check_issuer(tx: Transaction, status_set: store.StatusSet) -> None:
    """Refuse a set whose lists its issuer could not sign today."""
    if find_issuer(tx, status_set.issuer_id) is None:
        raise ResourceNotFound("there is no such issuer")
    key_id = signing_key(tx, status_set.issuer_id)
    key = None if key_id is None else find_key(tx, status_set.issuer_id, key_id)
    if key is None:
        raise Conflict(
            "the issuer has no active key here: there is none to sign its lists with", pointer="/issuerId"
        )
    if key.algorithm is None:
        return  # Of a release before 0.3, and not read yet.
    try:
        profile = PROFILES[status_set.profile]
        check_key(profile, Algorithm(key.algorithm), has_certificates=key.certificates is not None)
    except ProfileNotMet as error:
        raise Conflict(str(error), pointer="/profile") from None


def _check_entries(tx: Transaction, issuer_id: str, most: int) -> None:
    """Refuse what was just added where the issuer's lists have more than `most` entries with it."""
    entries = store.entries_of(tx, issuer_id)
    if entries > most:
        raise TooManyEntries(
            f"the lists of this issuer would have {entries} entries in all, and may have {most}: ask for a shorter"
            " set, or for TOUCHSTONE_MAX_ENTRIES_PER_ISSUER to be raised"
        )


def _no_room(tx: Transaction, status_set: store.StatusSet, count: int) -> ListFull:
    if store.last_reference(tx, status_set.id) == CLOSED:
        return SetClosed("a restore closed this set, so that no index is given twice; create another set")
    return ListFull(f"fewer than {count} of {status_set.length} entries are left; create another set")


def _change_status(
    tx: Transaction, status_set: store.StatusSet, wanted: StatusChange, *, actor: str, at: int
) -> bool:
    """Make one change; False where the status is so already."""
    index, purpose = int(wanted.status_list_index), wanted.status_purpose
    if purpose not in status_set.purposes:
        raise UnknownPurpose(f"the set has no list for {purpose}")
    check_allocated(status_set, index)
    if wanted.status == 0:  # Only a status that is taken back can be refused; setting one needs no look.
        check_transition(purpose, store.status_of(tx, status_set.id, purpose, index), wanted.status)
    change = store.Change(
        set_id=status_set.id,
        purpose=purpose,
        entry_index=index,
        value=wanted.status,
        reason=wanted.reason,
        actor=actor,
        at=at,
    )
    return store.change_status(tx, change)
