"""
Statuses changed, and entries released: what the rows say, the plan, the rows, the audit rows. Store.

Requests that wait together are made together (`storage.Together`): one look at all entries of a set that any of
them names, each planned in its turn on what the ones before it leave, and all that is new written in a few
statements. What is written is what each of them alone would have written.
"""

import contextlib
from collections.abc import Iterable, Sequence

import msgspec

from operators import Principal
from operators.noting import note, noted
from statuslist.entries import entry_store as store
from statuslist.entries.allocation import permutation_of
from statuslist.entries.plan import References, Touched, entries_of, plan_changes, plan_release
from statuslist.entries.requests import Changed, ChangeStatuses, NamedEntry, Released, ReleaseEntries
from statuslist.entries.store import StatusSet
from statuslist.errors import EntryReleased
from statuslist.formats.forms import list_id_of, token_list_id_of
from storage import Asked, AuditEntry, Transaction, once_each, record, record_all
from wire import Refusal, decode, encode

_MAX_RESULT_BYTES = 1_048_576  # bytes; what we stored ourselves for a replay


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """
    A request to change statuses, of a principal who may.

    Attributes:
        status_set: the set, as it was at some time; what of it can change is read anew.
        digests: of the references that the request names.
        key: its idempotency key; None: nothing is remembered.
        asked: the canonical bytes of the request, without the references that it names.
    """

    principal: Principal
    status_set: StatusSet
    request: ChangeStatuses
    digests: dict[str, bytes]
    key: str | None
    asked: bytes


class _Set:
    """A set of which requests are planned: what is known of it, and what is to be written."""

    def __init__(
        self,
        tx: Transaction,
        status_set: StatusSet,
        named: Iterable[NamedEntry],
        digests: dict[str, bytes],
    ) -> None:
        self.status_set = status_set
        self.permutation = permutation_of(status_set.length, status_set.permutation_key)
        found = store.references_in(tx, status_set.id, digests.values()) if digests else {}
        self.references: References = {
            reference: found.get(digest, []) for reference, digest in digests.items()
        }
        self.rows = store.read_entries(tx, status_set.id, self._indices(named))
        self.changes: list[store.Change] = []
        self.urgent_version = 0

    def indices_of(self, named: NamedEntry, *, pointer: str) -> tuple[int, ...]:
        """As `entries_of`."""
        return entries_of(named, self.references, self.permutation, self.status_set.length, pointer=pointer)

    def _indices(self, named: Iterable[NamedEntry]) -> set[int]:
        """Return every index that is named, also one that lies outside the set."""
        by_reference = {
            self.permutation.index_of(one.number) for found in self.references.values() for one in found
        }
        return by_reference | {int(one.status_list_index) for one in named if one.status_list_index}


def change_together(tx: Transaction, calls: Sequence[Call], *, at: int) -> list[Changed | Refusal]:
    """
    Make the changes of each call, all or none of its own, and mark each set whose statuses are now other.

    The refusals are those of `plan.plan_changes` and `plan.entries_of`, and of `storage.once`.
    """
    sets = _look(tx, calls)
    notes: list[AuditEntry] = []
    made: dict[int, Changed] = {}

    def make(position: int) -> bytes:
        call = calls[position]
        made[position] = _plan(sets[call.status_set.id], call, notes, at)
        return encode(made[position])

    asked = [Asked(principal=one.principal.id, key=one.key, request=one.asked, at=at) for one in calls]
    outcomes = once_each(tx, asked, make)
    for one in sets.values():
        if one.changes:
            store.write_changes(tx, one.changes)
            store.want_version(tx, one.status_set.id, one.rows.next_version, urgent=one.urgent_version)
        elif one.urgent_version:
            store.hurry(tx, one.status_set.id, one.urgent_version)
    if len(notes) == 1:
        record(tx, **msgspec.structs.asdict(notes[0]))
    elif notes:
        record_all(tx, notes)
    return [
        outcome if isinstance(outcome, Refusal) else made.get(position) or _read(outcome)
        for position, outcome in enumerate(outcomes)
    ]


def _read(result: bytes) -> Changed:
    """Read what an earlier transaction answered."""
    return decode(result, Changed, max_bytes=_MAX_RESULT_BYTES, max_values=None)


def _look(tx: Transaction, calls: Sequence[Call]) -> dict[str, _Set]:
    of_set: dict[str, list[Call]] = {}
    for call in calls:
        of_set.setdefault(call.status_set.id, []).append(call)
    return {
        set_id: _Set(
            tx,
            found[0].status_set,
            [change for call in found for change in call.request.changes],
            {reference: digest for call in found for reference, digest in call.digests.items()},
        )
        for set_id, found in of_set.items()
    }


def _plan(one: _Set, call: Call, notes: list[AuditEntry], at: int) -> Changed:
    wanted = [
        (change, one.indices_of(change, pointer=f"/changes/{position}"))
        for position, change in enumerate(call.request.changes)
    ]
    touched = plan_changes(one.status_set, one.permutation, one.rows, wanted)
    if not touched:
        return _so_already(one, call)
    if call.request.urgent:
        one.urgent_version = one.rows.next_version
    one.changes += [_change(call, status, at) for status in touched]
    changed = Changed(
        changed=len(touched),
        versions=dict.fromkeys(_lists(one, {each.purpose for each in touched}), one.rows.next_version),
    )
    notes.append(_noted(call, touched, changed, at))
    return changed


def _so_already(one: _Set, call: Call) -> Changed:
    """Return that nothing is changed; where it is urgent now, and waits still, it waits no longer."""
    version = one.rows.waiting_version
    if not call.request.urgent or not version:
        return Changed(changed=0, versions={})
    one.urgent_version = max(one.urgent_version, version)
    purposes = {change.status_purpose for change in call.request.changes}
    return Changed(changed=0, versions=dict.fromkeys(_lists(one, purposes), version))


def _lists(one: _Set, purposes: Iterable[str]) -> list[str]:
    """Return the ids of the lists that show statuses of some purposes."""
    set_id = one.status_set.id
    lists = [list_id_of(set_id, purpose) for purpose in sorted(purposes)]
    return [*lists, token_list_id_of(set_id)] if one.rows.has_tokens else lists


def _change(call: Call, touched: Touched, at: int) -> store.Change:
    return store.Change(
        set_id=call.status_set.id,
        purpose=touched.purpose,
        entry_index=touched.index,
        value=touched.value,
        reason=touched.reason,
        actor=call.principal.id,
        at=at,
    )


def _noted(call: Call, touched: Sequence[Touched], changed: Changed, at: int) -> AuditEntry:
    # A status is 0 or 1, and each of these was the other one.
    before, after = (
        [(one.purpose, str(one.index), abs(was - one.value)) for one in touched] for was in (1, 0)
    )
    return noted(
        call.principal,
        "status_set.change",
        call.status_set.id,
        at=at,
        before=before,
        after=after,
        **msgspec.to_builtins(changed),
    )


def release_entries(
    tx: Transaction,
    principal: Principal,
    status_set: StatusSet,
    request: ReleaseEntries,
    digests: dict[str, bytes],
    *,
    at: int,
) -> Released:
    """
    Release entries, all or none. No bit changes, nothing is published, and no index is given again.

    Raises:
        RangeError, NotAllocated: as `plan.entries_of`, `plan.check_allocated`.
        EntryInUse: an entry has a status, or had one.
    """
    one = _Set(tx, status_set, request.entries, digests)
    indices: set[int] = set()
    for position, named in enumerate(request.entries):
        with contextlib.suppress(EntryReleased):  # Nothing is left to do.
            indices.update(one.indices_of(named, pointer=f"/entries/{position}"))
    changed = store.ever_changed(tx, status_set.id, indices)
    numbers = plan_release(one.permutation, one.rows, sorted(indices), changed)
    if numbers:
        store.release(tx, status_set.id, numbers, actor=principal.id, at=at)
        count = len(numbers)
        note(tx, principal, "status_set.release", status_set.id, at=at, after=sorted(numbers), count=count)
    return Released(released=len(numbers))
