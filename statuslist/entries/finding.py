"""
Entries as they are shown to who asks for one, and found by what somebody called them. Store.
"""

from collections.abc import Iterable

from operators.store import find_issuer
from statuslist.entries import entry_store, store
from statuslist.entries.allocation import permutation_of
from statuslist.entries.entry_store import EntryRows
from statuslist.entries.plan import check_allocated
from statuslist.entries.requests import (
    MAX_FOUND,
    EntryView,
    FindEntries,
    FoundEntries,
    FoundEntry,
    StatusView,
)
from statuslist.errors import RangeError
from storage import Transaction
from wire import ResourceNotFound


def view_entry(tx: Transaction, status_set: store.StatusSet, index: int) -> EntryView:
    """
    Return the statuses of an entry.

    Raises:
        RangeError: the index lies outside the set.
        NotAllocated: the index was never handed out.
    """
    if index >= status_set.length:
        raise RangeError(f"index {index} lies outside a list of {status_set.length} entries")
    rows = entry_store.read_entries(tx, status_set.id, [index])
    check_allocated(index, permutation_of(status_set.length, status_set.permutation_key), rows.next_number)
    return EntryView(
        status_list_index=str(index),
        statuses=_statuses(status_set, rows, index),
        is_released=index in rows.released,
    )


def find_reference(tx: Transaction, issuer_id: str, digest: bytes) -> FoundEntries:
    """
    Return the entries of a reference of an issuer, by its digest.

    Raises:
        ResourceNotFound: the issuer is unknown.
    """
    _require_issuer(tx, issuer_id)
    found = entry_store.references_of(tx, digest, MAX_FOUND)
    return _found(tx, ((one.set_id, one.number, one.format) for one in found))


def find_batch(tx: Transaction, issuer_id: str, request: FindEntries) -> FoundEntries:
    """Return the entry at a position of each allocation that has a name; raises as `find_reference`."""
    _require_issuer(tx, issuer_id)
    assert request.batch is not None, "a request has a reference or a batch"
    places = entry_store.numbers_of_batch(tx, issuer_id, request.batch, request.position, MAX_FOUND)
    named = [(set_id, number, entry_store.reference_at(tx, set_id, number)) for set_id, number in places]
    return _found(
        tx, ((set_id, number, one.format if one is not None else None) for set_id, number, one in named)
    )


def _require_issuer(tx: Transaction, issuer_id: str) -> None:
    if find_issuer(tx, issuer_id) is None:
        raise ResourceNotFound("there is no such issuer")


def _found(tx: Transaction, places: Iterable[tuple[str, int, str | None]]) -> FoundEntries:
    sets: dict[str, store.StatusSet] = {}
    entries = []
    for set_id, number, entry_format in places:
        if set_id not in sets:
            known = store.find_set(tx, set_id)
            assert known is not None, "entries have a set, which is never deleted"
            sets[set_id] = known
        entries.append(_found_entry(tx, sets[set_id], number, entry_format))
    return FoundEntries(entries=tuple(entries))


def _found_entry(
    tx: Transaction, status_set: store.StatusSet, number: int, entry_format: str | None
) -> FoundEntry:
    index = permutation_of(status_set.length, status_set.permutation_key).index_of(number)
    rows = entry_store.read_entries(tx, status_set.id, [index])
    return FoundEntry(
        set_id=status_set.id,
        status_list_index=str(index),
        format=entry_format,
        statuses=_statuses(status_set, rows, index),
        is_released=index in rows.released,
    )


def _statuses(status_set: store.StatusSet, rows: EntryRows, index: int) -> tuple[StatusView, ...]:
    return tuple(
        StatusView(status_purpose=purpose, status=int((purpose, index) in rows.statuses))
        for purpose in status_set.purposes
    )
