"""
The rules of a change, checked against the rows inside its transaction. Store.
"""

from operators import Principal
from operators.store import find_issuer
from statuslist.entries import store
from statuslist.entries.allocation import number_of
from statuslist.entries.requests import StatusChange
from statuslist.errors import ListFull, NotAllocated, RangeError, SetClosed, TooManyEntries, UnknownPurpose
from statuslist.formats.purposes import check_transition
from storage import Transaction
from wire import Conflict, ResourceNotFound

CLOSED = "closed by a restore"  # reference of the allocation by which an epoch takes what is left of a set
OWN_ISSUER = "default"  # the service itself


def own_set(tx: Transaction, principal: Principal, set_id: str) -> store.StatusSet:
    found = store.find_set(tx, set_id)
    if found is None or principal.issuer_id not in (None, found.issuer_id):
        raise ResourceNotFound("there is no such status set")
    return found


def issuer_for(principal: Principal, wanted: str | None) -> str:
    """Return the issuer that a new set is for; a scoped principal has but one."""
    issuer_id = wanted or principal.issuer_id or OWN_ISSUER
    if principal.issuer_id not in (None, issuer_id):
        raise ResourceNotFound("there is no such issuer")
    return issuer_id


def no_room(tx: Transaction, status_set: store.StatusSet, count: int) -> ListFull:
    """Return the refusal of an allocation for which too few entries are left."""
    if store.last_reference(tx, status_set.id) == CLOSED:
        return SetClosed("a restore closed this set, so that no index is given twice; create another set")
    return ListFull(f"fewer than {count} of {status_set.length} entries are left; create another set")


def check_issuer(tx: Transaction, issuer_id: str) -> None:
    issuer = find_issuer(tx, issuer_id)
    if issuer is None:
        raise ResourceNotFound("there is no such issuer")
    if issuer.key_name is None:
        raise Conflict(
            "the issuer signs elsewhere: we hold no key to sign its lists with", pointer="/issuerId"
        )


def check_entries(tx: Transaction, issuer_id: str, most: int) -> None:
    """Refuse what was just added where the issuer's lists have more than `most` entries with it."""
    entries = store.entries_of(tx, issuer_id)
    if entries > most:
        raise TooManyEntries(
            f"the lists of this issuer would have {entries} entries in all, and may have {most}: ask for a shorter"
            " set, or for TOUCHSTONE_MAX_ENTRIES_PER_ISSUER to be raised"
        )


def check_allocated(status_set: store.StatusSet, index: int) -> None:
    """Refuse an index that no credential was given: its number is not below the set's counter."""
    if index >= status_set.length:
        raise RangeError(f"index {index} lies outside a list of {status_set.length} entries")
    if number_of(index, length=status_set.length, key=status_set.permutation_key) >= status_set.next_number:
        raise NotAllocated(f"index {index} has not been allocated")


def apply_change(
    tx: Transaction, status_set: store.StatusSet, wanted: StatusChange, *, actor: str, at: int
) -> bool:
    """Make one change; False where the status is so already."""
    index, purpose = int(wanted.status_list_index), wanted.status_purpose
    if purpose not in status_set.purposes:
        raise UnknownPurpose(f"the set has no list for {purpose}")
    check_allocated(status_set, index)
    if (
        wanted.status == 0
    ):  # Only a status that is taken back can be refused; setting one needs no look first.
        check_transition(purpose, store.status_of(tx, status_set.id, purpose, index), wanted.status)
    return store.change_status(
        tx,
        store.Change(
            set_id=status_set.id,
            purpose=purpose,
            entry_index=index,
            value=wanted.status,
            reason=wanted.reason,
            actor=actor,
            at=at,
        ),
    )
