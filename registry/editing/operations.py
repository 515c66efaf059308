"""
Operations, planned on what is known: to changes of facts, or to every fault and conflict with its pointer. Pure.

In four steps, each only if the one before found nothing, since its findings would be consequences:

1. Each operation by itself: what it must and must not say; the shape of its fact.
2. Conflicts: what was changed since the editor looked at it.
3. Facts: times, identifiers, references (`placed.py`), and what becomes of each.
4. The rules (`rules.py`), on the registry as it would be with all of them.
"""

from collections.abc import Iterator, Sequence
from itertools import dropwhile, islice
from typing import Any

import msgspec

from registry.editing.errors import FactsChanged, InvalidChangeSet
from registry.editing.shapes import OF_STATE, WITH_FACT, Operation
from registry.identifiers import canonical_identifier
from registry.imports.continuing import continued
from registry.imports.differing import first_difference
from registry.imports.planning import begins, ended
from registry.imports.shape import shape_faults
from registry.items import SHAPES, item_of, read_time
from registry.known import FactChange, Key, Known, Overlaid, Revision
from registry.model import (
    FINAL,
    KINDS,
    Authority,
    Delegation,
    Fact,
    FactKind,
    Grant,
    State,
    StateChange,
    definitions_of,
    ended_at,
    meet,
)
from registry.placed import Finding, Placed, PlacedFact, read_items
from registry.rules import UNDEFINED, faults, text_fault
from wire import format_exact

_STATES: dict[str, State] = {"suspend": "suspended", "resume": "active", "revoke": "revoked"}
_OF_THE_PAST = (
    'this says something else of the past than the registry did: use "correct", or let it begin now'
)


class Planned(msgspec.Struct, frozen=True):
    """One operation, and what it makes of its fact."""

    operation: Operation
    change: FactChange
    before: Revision[Fact] | None


class _Found(msgspec.Struct, frozen=True):
    """One operation with its place, its fact as it is, and what it says of it."""

    index: int
    operation: Operation
    id: str
    before: Revision[Fact] | None
    wanted: Fact | None = None

    @property
    def pointer(self) -> str:
        return f"/operations/{self.index}"


def plan(
    known: Known,
    operations: Sequence[Operation],
    now: int,
    *,
    known_at: int | None = None,
    is_whole: bool = False,
) -> tuple[Planned, ...]:
    """
    Return what operations make of the facts, in their order.

    Args:
        now: when they take effect, in microseconds since 1970.
        known_at: what was recorded later, the editor has not seen; None: he has seen all of it.
        is_whole: whether they make the registry what a file says, which was checked as a whole. What the file does
            not list ends, and its past stands in nobody's way.

    Raises:
        InvalidChangeSet: they cannot be done.
        FactsChanged: a fact was changed since; it is another one than `if_match` names, or something was recorded
            of it after `known_at`, be it that it was never so; or what is to be added is there already.
    """
    said = [_begun(each, now) for each in operations]
    _raise_if(list(_faults_alone(said)))  # 1.
    found = [_find(known, index, each) for index, each in enumerate(said)]
    _raise_if_changed(known, found, known_at)  # 2.
    read, findings = _read(known, found)  # 3.
    _raise_if(findings)
    _raise_if_changed(known, read, known_at)  # Some have an id only now.
    _raise_if(list(_repeated(read)))
    read = [_continued(known, each, now) for each in read]
    changes, findings = _changes(read, now)
    _raise_if(findings)
    _raise_if(list(_broken_rules(known, read, changes, now, is_whole=is_whole)))  # 4.
    return tuple(
        Planned(one.operation, change, one.before) for one, change in zip(read, changes, strict=True)
    )


def _begun(operation: Operation, now: int) -> Operation:
    """
    Return an operation whose grant, or delegation, begins when it takes effect, unless it says otherwise.

    It may begin suspended: then the first of its history has no `since`.
    """
    fact = operation.fact
    if operation.op != "add" or fact is None:
        return operation
    if operation.kind in ("entity", "authority") or "valid_from" in fact:
        return operation
    begins_at: dict[str, Any] = {"valid_from": format_exact(now)}
    match fact.get("history"):
        case [{"state": _, **first}, *later] if "since" not in first:
            begins_at["history"] = [fact["history"][0] | {"since": format_exact(now)}, *later]
    return msgspec.structs.replace(operation, fact=fact | begins_at)


def id_of(known: Known, kind: FactKind, reference: str) -> str:
    """Return the id that a reference means; of an entity or an authority it may be an identifier."""
    if kind not in ("entity", "authority") or ":" not in reference:
        return reference
    try:
        named = known.entities_named(canonical_identifier(reference))
    except ValueError:
        named = ()
    return named[-1].fact.id if named else reference


def _raise_if(findings: Sequence[Finding]) -> None:
    if findings:
        raise InvalidChangeSet(findings)


def _faults_alone(operations: Sequence[Operation]) -> Iterator[Finding]:
    for index, operation in enumerate(operations):
        here = f"/operations/{index}"
        yield from _members(operation, here)
        if operation.fact is not None and operation.op in WITH_FACT:
            yield from shape_faults(operation.fact, SHAPES[operation.kind], f"{here}/fact")


def _members(operation: Operation, here: str) -> Iterator[Finding]:
    verb, has_states = operation.op, operation.kind not in ("entity", "authority")
    if (operation.fact is not None) != (verb in WITH_FACT):
        yield f"{here}/fact", f"{verb} {'needs' if verb in WITH_FACT else 'takes no'} `fact`"
    if verb not in WITH_FACT and operation.id is None:
        yield f"{here}/id", f"{verb} needs the `id` of the fact"
    if verb in OF_STATE and not has_states:
        yield (
            f"{here}/op",
            f'an {operation.kind} has no state: it can "end", or what it was granted be suspended',
        )
    if verb == "add" and operation.if_match is not None:
        yield f"{here}/if_match", "what is added has no revision yet"
    if operation.since is not None and verb not in OF_STATE | {"end"}:
        yield f"{here}/since", f"{verb} takes no `since`: the times are in `fact`"
    if operation.compromised_since is not None and verb != "revoke":
        yield f"{here}/compromised_since", "only what is revoked was compromised"
    yield from _texts_and_times(operation, here)


def _texts_and_times(operation: Operation, here: str) -> Iterator[Finding]:
    if operation.reason is not None and (fault := text_fault(operation.reason)):
        yield f"{here}/reason", fault
    for name in ("since", "compromised_since"):
        text = getattr(operation, name)
        try:
            _ = text and read_time(text)
        except ValueError:
            yield f"{here}/{name}", "there is no such day or time"


def _find(known: Known, index: int, operation: Operation) -> _Found:
    named = operation.id if operation.id is not None else _id_in(operation.fact)
    fact_id = "" if named is None else id_of(known, operation.kind, named)
    return _Found(index, operation, fact_id, known.fact(operation.kind, fact_id) if fact_id else None)


def _id_in(fact: dict[str, Any] | None) -> str | None:
    found = None if fact is None else fact.get("id")
    return found if isinstance(found, str) else None


def _raise_if_changed(known: Known, found: Sequence[_Found], known_at: int | None) -> None:
    if conflicts := [each for one in found if one.id for each in _conflicts(known, one, known_at)]:
        raise FactsChanged(conflicts)


def _conflicts(known: Known, one: _Found, known_at: int | None) -> Iterator[Finding]:
    kind, asked = one.operation.kind, one.operation.if_match
    number = None if one.before is None else one.before.number
    is_now = "it is not there any more" if number is None else f"it is at revision {number}"
    if asked is not None and asked != number:
        yield f"{one.pointer}/if_match", f"the {kind} {one.id} was changed: {is_now}"
    elif known_at is not None and known.recorded_at(kind, one.id) > known_at:
        yield one.pointer, f"the {kind} {one.id} was changed meanwhile: {is_now}"
    elif one.operation.op == "add" and number is not None:
        yield one.pointer, f'the {kind} {one.id} is there already, at revision {number}: use "change"'


def _read(known: Known, found: Sequence[_Found]) -> tuple[list[_Found], list[Finding]]:
    """Return the operations with what their facts say."""
    placed = {each.index: _placed(each) for each in found if each.operation.op in WITH_FACT}
    facts, findings = read_items(placed.values(), known)
    by_pointer = {each.placed.pointer: each.fact for each in facts}
    read = [
        msgspec.structs.replace(each, wanted=fact, id=each.id or fact.id, before=_before(known, each, fact))
        if (fact := by_pointer.get(f"{each.pointer}/fact")) is not None
        else each
        for each in found
    ]
    return read, findings + [finding for each in read for finding in _presence(each)]


def _continued(known: Known, one: _Found, now: int) -> _Found:
    """Return an operation whose identifiers and definitions begin and end when it takes effect; see there."""
    if one.wanted is None or one.operation.op == "correct":
        return one
    return msgspec.structs.replace(one, wanted=continued(known, one.wanted, now))


def _before(known: Known, one: _Found, fact: Fact) -> Revision[Fact] | None:
    return one.before if one.id else known.fact(one.operation.kind, fact.id)


def _placed(one: _Found) -> Placed:
    item = msgspec.convert(one.operation.fact, SHAPES[one.operation.kind])
    if one.id and item.id is None:
        item = msgspec.structs.replace(item, id=one.id)
    return Placed(one.operation.kind, item, f"{one.pointer}/fact")


def _presence(one: _Found) -> Iterator[Finding]:
    kind, is_there = one.operation.kind, one.before is not None
    if one.operation.op != "add" and not is_there:
        yield f"{one.pointer}/id", f"there is no such {kind}"
    if one.wanted is not None and one.wanted.id != one.id:
        yield f"{one.pointer}/fact/id", f"expected {one.id}, which the operation names, or none"


def _repeated(found: Sequence[_Found]) -> Iterator[Finding]:
    first: dict[Key, str] = {}
    for one in found:
        place = first.setdefault((one.operation.kind, one.id), one.pointer)
        if place != one.pointer:
            yield one.pointer, f"{place} is about the same fact: say all of it in one operation"


def _changes(found: Sequence[_Found], now: int) -> tuple[list[FactChange], list[Finding]]:
    changes, findings = [], []
    for one in found:
        faults_of_it = list(_said_of_the_past(one, now))
        findings += faults_of_it
        if not faults_of_it:
            changes.append(_change(one, now))
    return changes, findings


def _said_of_the_past(one: _Found, now: int) -> Iterator[Finding]:
    verb, before = one.operation.op, one.before
    if verb == "change":
        assert before is not None
        assert one.wanted is not None
        if before.fact == one.wanted:
            yield one.pointer, "nothing would change: the registry says so already"
        elif first_difference(before.fact, one.wanted, now) is not None:
            yield f"{one.pointer}/fact", _OF_THE_PAST
    elif one.operation.since is not None and read_time(one.operation.since) < now:
        yield f"{one.pointer}/since", _OF_THE_PAST
    elif verb == "end" and before is not None and _is_over(before.fact, now):
        yield one.pointer, "it has ended already"


def _is_over(fact: Fact, now: int) -> bool:
    end = ended_at(fact) if isinstance(fact, Grant | Delegation) else fact.valid_until
    return end is not None and end <= now


def _change(one: _Found, now: int) -> FactChange:
    operation, before = one.operation, one.before
    fact, effective_at = one.wanted, now
    if operation.op == "add":
        assert fact is not None
        effective_at = begins(fact, now)
    elif operation.op == "correct":
        assert before is not None
        assert fact is not None
        differs_at = first_difference(before.fact, fact, now)
        effective_at = now if differs_at is None else differs_at
    elif operation.op == "void":
        assert before is not None
        effective_at = begins(before.fact, now)
    elif before is not None and operation.op != "change":
        effective_at = _since(operation, before.fact, now)
        fact = _ended(one, effective_at) if operation.op == "end" else _with_state(one, effective_at)
        effective_at = min(effective_at, _compromised_since(operation, effective_at))
    return FactChange(operation.kind, one.id, fact, operation.op, effective_at)


def _compromised_since(operation: Operation, otherwise: int) -> int:
    return otherwise if operation.compromised_since is None else read_time(operation.compromised_since)


def _since(operation: Operation, fact: Fact, now: int) -> int:
    """Return from when on an operation holds; what has not begun can be suspended only when it begins."""
    if operation.since is not None:
        return read_time(operation.since)
    since = max(now, fact.valid_from or 0) if operation.op in OF_STATE else now
    taken = {each.since for each in getattr(fact, "history", ())}
    while since in taken:  # Two changes within a microsecond.
        since += 1
    return since


def _ended(one: _Found, since: int) -> Fact:
    assert one.before is not None
    reason = one.operation.reason
    return ended(one.before.fact, since) if reason is None else ended(one.before.fact, since, reason)


def _with_state(one: _Found, since: int) -> Fact:
    assert one.before is not None
    fact = one.before.fact
    assert isinstance(fact, Grant | Delegation), "what has no state was refused before"
    compromised = one.operation.compromised_since
    change = StateChange(
        state=_STATES[one.operation.op],
        since=since,
        reason=one.operation.reason,
        compromised_since=None if compromised is None else read_time(compromised),
    )
    return msgspec.structs.replace(fact, history=_with_change(fact.history, change))


def _with_change(history: tuple[StateChange, ...], change: StateChange) -> tuple[StateChange, ...]:
    """Return a history with one change more; of those planned for later, what still says something stays."""
    earlier = tuple(each for each in history if each.since <= change.since)
    if change.state in FINAL:
        return (*earlier, change)
    later = dropwhile(
        lambda each: each.state == change.state, (each for each in history if each.since > change.since)
    )
    return (*earlier, change, *later)


def _broken_rules(
    known: Known, found: Sequence[_Found], changes: Sequence[FactChange], now: int, *, is_whole: bool
) -> Iterator[Finding]:
    """
    Yield what rules the changes break.

    Of a fact that ends, or only changes its state, the rest is no matter: what is wrong with it must not keep
    anybody from suspending it.
    """
    after = Overlaid(known, [_as_left(each, is_whole=is_whole) for each in changes], now)
    said = [
        PlacedFact(each.fact, _place(one, each))
        for one, each in zip(found, changes, strict=True)
        if each.fact
    ]
    partly = {each.placed.pointer: set(each.placed.renamed.values()) for each in said if each.placed.renamed}
    for pointer, detail in faults(after, said):
        operation = "/".join(pointer.split("/", 3)[:3])
        if operation not in partly or pointer.removeprefix(operation) in partly[operation]:
            yield pointer, detail
    for one, change in zip(found, changes, strict=True):
        if change.fact is None and change.kind == "entity":
            yield from _still_named(after, one)
        if change.kind == "authority":
            yield from _still_granted(after, one, change)
        if not is_whole and one.operation.op in WITH_FACT and isinstance(change.fact, Grant):
            yield from _undefined(after, one, change.fact)


def _as_left(change: FactChange, *, is_whole: bool) -> FactChange:
    """Return a change as others see it; a grant that a file ends is as if it were not there."""
    is_gone = is_whole and change.what == "end" and isinstance(change.fact, Grant)
    return msgspec.structs.replace(change, fact=None) if is_gone else change


def _place(one: _Found, change: FactChange) -> Placed:
    assert change.fact is not None
    if one.operation.op in WITH_FACT:
        return Placed(change.kind, item_of(change.fact), f"{one.pointer}/fact")
    history = getattr(change.fact, "history", ())
    at = next((n for n, each in enumerate(history) if each.since == change.effective_at), -1)
    last = f"/history/{at}"
    renamed = {f"{last}/{name}": f"/{name}" for name in ("since", "reason", "compromised_since")}
    renamed |= {last: "/op", f"{last}/state": "/op", "/valid_until": "/since"}
    return Placed(change.kind, item_of(change.fact), one.pointer, renamed)


def _undefined(after: Known, one: _Found, grant: Grant) -> Iterator[Finding]:
    """Yield that a grant would be answered at no time: what it is about is defined only before, or after."""
    authority = after.authority(grant.authority_id)
    if authority is None:
        return
    defined = definitions_of(authority.fact, grant.action, grant.resource)
    windows = [(each.valid_from, each.valid_until) for each in defined]
    if defined and not any(meet((grant.valid_from, grant.valid_until), window) for window in windows):
        yield f"{one.pointer}/fact", f"{UNDEFINED} at that time"


def _still_granted(after: Known, one: _Found, change: FactChange) -> Iterator[Finding]:
    """Yield what was granted on pairs that an authority would never have defined."""
    before = one.before.fact if one.before is not None else None
    if not isinstance(before, Authority):
        return
    left = change.fact.defines if isinstance(change.fact, Authority) else ()
    kept = {(each.action, each.resource) for each in left}
    for action, resource in {(each.action, each.resource) for each in before.defines} - kept:
        for kind in KINDS:
            for found in islice(after.granted(kind, one.id, action, resource), 1):
                yield (
                    one.pointer,
                    f"the {kind} {found.fact.id} is on {action} {resource}: void that as well, or let the"
                    " definition end",
                )


def _still_named(after: Known, one: _Found) -> Iterator[Finding]:
    if after.authority(one.id) is not None:
        yield one.pointer, "it is an authority: void that as well"
    for found in after.grants_to(one.id)[:1]:
        yield one.pointer, f"the {found.fact.kind} {found.fact.id} was granted to it: void that as well"
