"""
What a request about entries comes to, decided from what the rows say of them. Pure.

A request is planned on a copy of what was known before it; so one that is refused leaves nothing behind, and those
that are done in one transaction see one another as if each had its own.
"""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from statuslist.entries.allocation import Permutation
from statuslist.entries.entry_store import EntryRows, Reference
from statuslist.entries.requests import NamedEntry, StatusChange
from statuslist.entries.store import StatusSet
from statuslist.errors import EntryInUse, EntryReleased, NotAllocated, RangeError, UnknownPurpose
from statuslist.formats.purposes import check_transition

References = Mapping[
    str, Sequence[Reference]
]  # the entries of each reference that a request names, in one set


class Touched(msgspec.Struct, frozen=True):
    """A status that is now other than before."""

    purpose: str
    index: int
    value: int
    reason: str | None


def entries_of(
    named: NamedEntry, references: References, permutation: Permutation, length: int, *, pointer: str
) -> tuple[int, ...]:
    """
    Return the indices of the entries that a request names: one, or those of a reference that were not released.

    Raises:
        RangeError: the index lies outside the set.
        NotAllocated: no entry of the set has the reference.
        EntryReleased: all that have it were released.
    """
    if named.status_list_index is not None:
        index = int(named.status_list_index)
        if index >= length:
            raise RangeError(f"index {index} lies outside a list of {length} entries")
        return (index,)
    assert isinstance(named.reference, str), "a request names one or the other"
    found = references.get(named.reference, ())
    if not found:
        raise NotAllocated("no entry of this set has that reference", pointer=f"{pointer}/reference")
    live = tuple(permutation.index_of(one.number) for one in found if not one.is_released)
    if not live:
        raise EntryReleased("the entry of that reference was released", pointer=f"{pointer}/reference")
    return live


def check_allocated(index: int, permutation: Permutation, next_number: int) -> None:
    """
    Refuse an index of the set that no credential was given: its number is not below the set's counter.

    Raises:
        NotAllocated: the index was never handed out.
    """
    if permutation.number_of(index) >= next_number:
        raise NotAllocated(f"index {index} has not been allocated")


def plan_changes(
    status_set: StatusSet,
    permutation: Permutation,
    rows: EntryRows,
    wanted: Sequence[tuple[StatusChange, Collection[int]]],
) -> list[Touched]:
    """
    Return which statuses are other than before, in order, and have `rows` say so.

    One that is so already is none of them.

    Args:
        wanted: each change with the indices that it is about.

    Raises:
        UnknownPurpose: the set has no list of that purpose.
        NotAllocated: an index was never handed out.
        EntryReleased: an entry was released.
        IrreversibleStatus: a revocation would be taken back.
    """
    statuses, touched = set(rows.statuses), []
    for change, indices in wanted:
        if change.status_purpose not in status_set.purposes:
            raise UnknownPurpose(f"the set has no list for {change.status_purpose}")
        for index in indices:
            check_allocated(index, permutation, rows.next_number)
            if index in rows.released:
                raise EntryReleased(f"entry {index} was released")
            entry = (change.status_purpose, index)
            old = int(entry in statuses)
            check_transition(change.status_purpose, old, change.status)
            if old != change.status:
                (statuses.discard if old else statuses.add)(entry)
                touched.append(Touched(change.status_purpose, index, change.status, change.reason))
    rows.statuses = statuses
    return touched


def plan_release(
    permutation: Permutation, rows: EntryRows, indices: Collection[int], changed: Collection[int]
) -> dict[int, int]:
    """
    Return the numbers, by index, of the entries to release; one that is released already is none.

    Args:
        changed: the indices whose status was ever changed, be it back to 0: who did so has a credential in hand,
            which must stay revocable.

    Raises:
        NotAllocated: an index was never handed out.
        EntryInUse: an entry has a status, or had one.
    """
    in_use = {index for _, index in rows.statuses}.union(changed)
    for index in indices:
        check_allocated(index, permutation, rows.next_number)
        if index in in_use:
            raise EntryInUse(
                f"the status of entry {index} was changed before, so that its credential was issued: revoke it"
                " instead"
            )
    return {index: permutation.number_of(index) for index in indices if index not in rows.released}
