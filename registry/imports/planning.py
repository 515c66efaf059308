"""
What to change, so that the registry says from now on what somebody wants it to say. Pure.

- What is wanted and not known is added. It may have begun in the past: the registry learned it late, and says so.
- What is known and not wanted ends now. It is not taken back: what was true yesterday stays so.
- What is said of the past otherwise than before is a correction, and is refused unless corrections are allowed.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import msgspec

from registry.errors import ChangesThePast, TooManyToList
from registry.items import REFERENCES
from registry.known import FactChange, Known
from registry.model import (
    FACT_KINDS,
    FINAL,
    Authority,
    Delegation,
    Entity,
    Fact,
    Grant,
    StateChange,
    ended_at,
    kind_of,
    standing_at,
)

UNLISTED = "not listed any more"  # the reason of what ends before it began
MAX_ENDINGS = 100_000  # facts; what a file of the largest size can list itself
T = TypeVar("T")


def plan(
    known: Known, wanted: Iterable[Fact], now: int, *, corrects: bool = False, ends: bool = True
) -> tuple[FactChange, ...]:
    """
    Return the changes that make what is known into what is `wanted`, the unchanged left out.

    Args:
        corrects: whether what was said of the past may be changed.
        ends: whether what is not wanted ends.

    Raises:
        ChangesThePast: something that is wanted says of the past what was not said, and `corrects` is false.
        TooManyToList: more would end than can be held in memory.
    """
    facts = _renamed(known, list(wanted))
    changes = [change for fact in facts if (change := _change(known, fact, now, corrects=corrects))]
    listed = {(kind_of(fact), fact.id) for fact in facts}
    if ends:
        unlisted = (change for change in _endings(known, now) if change.key not in listed)
        endings = list(islice(unlisted, MAX_ENDINGS + 1))
        if len(endings) > MAX_ENDINGS:
            raise TooManyToList(
                f"the file leaves out more than {MAX_ENDINGS} facts that are in force, and would end them all;"
                " end them by change sets"
            )
        changes += endings
    return tuple(changes)


def ended(fact: Fact, now: int, reason: str = UNLISTED) -> Fact:
    """Return what is to be said of a fact that ends now: its window ends, or it is revoked before it begins."""
    if isinstance(fact, Grant | Delegation) and fact.valid_from >= now:
        change = StateChange(state="revoked", since=fact.valid_from, reason=reason)
        return msgspec.structs.replace(fact, history=(change,))
    if isinstance(fact, Grant | Delegation):
        past = tuple(change for change in fact.history if change.since < now)
        return msgspec.structs.replace(fact, valid_until=now, history=past)
    until = now if fact.valid_from is None else max(now, fact.valid_from + 1)
    return msgspec.structs.replace(fact, valid_until=until)


def _renamed(known: Known, facts: list[Fact]) -> list[Fact]:
    """Return facts with the ids by which they are known already."""
    entities = {fact.id: _known_id(known, fact) for fact in facts if isinstance(fact, Entity)}
    moved = {old: new for old, new in entities.items() if old != new}
    return [_grant_as_known(known, _moved(fact, moved)) for fact in facts]


def _known_id(known: Known, entity: Entity) -> str:
    if known.entity(entity.id) is not None:
        return entity.id
    for identifier in entity.identifiers:
        for found in known.entities_named(identifier.value):
            return found.fact.id
    return entity.id


def _moved(fact: T, ids: dict[str, str]) -> T:
    if not ids:
        return fact
    names = ("id",) if isinstance(fact, Entity | Authority) else sorted(REFERENCES)
    changed = {
        name: ids[value]
        for name in names
        if (value := getattr(fact, name, None)) is not None and value in ids
    }
    return msgspec.structs.replace(fact, **changed)  # type: ignore[type-var]


def _grant_as_known(known: Known, fact: Fact) -> Fact:
    if not isinstance(fact, Grant) or known.fact(fact.kind, fact.id) is not None:
        return fact
    same = known.grants(fact.kind, fact.authority_id, fact.entity_id, fact.action, fact.resource)
    found = next((each.fact.id for each in same if each.fact.valid_from == fact.valid_from), fact.id)
    return msgspec.structs.replace(fact, id=found)


def _change(known: Known, fact: Fact, now: int, *, corrects: bool) -> FactChange | None:
    kind = kind_of(fact)
    before = known.fact(kind, fact.id)
    if before is None:
        return FactChange(kind, fact.id, fact, "add", begins(fact, now))
    if before.fact == fact:
        return None
    differs_at = first_difference(before.fact, fact, now)
    if differs_at is not None and not corrects:
        raise ChangesThePast(kind, fact.id, differs_at)
    if differs_at is not None:
        return FactChange(kind, fact.id, fact, "correct", differs_at)
    return FactChange(kind, fact.id, fact, "change", now)


def begins(fact: Fact, now: int) -> int:
    """Return from when on a fact says something that was not said before."""
    return now if fact.valid_from is None else fact.valid_from


def first_difference(before: Fact, after: Fact, now: int) -> int | None:
    """
    Return the first time before `now` of which two revisions of a fact say different things; None: there is none.

    Only what a question is answered from counts: names, logos and the like were never true or false.
    """
    if isinstance(before, Grant | Delegation) and isinstance(after, Grant | Delegation):
        times = sorted({time for fact in (before, after) for time in _turns(fact) if time < now})
        return next((time for time in times if _said(before, time) != _said(after, time)), None)
    if isinstance(before, Entity) and isinstance(after, Entity):
        return _first_named_otherwise(before, after, now)
    return _first_bound_moved(before, after, now)


def _turns(fact: Grant | Delegation) -> Iterator[int]:
    yield fact.valid_from
    yield from (change.since for change in fact.history)
    if fact.valid_until is not None:
        yield fact.valid_until


def _said(fact: Grant | Delegation, at: int) -> object:
    standing = standing_at(fact, at)
    return standing.phase, standing.compromised_since, _about(fact)


def _about(fact: Grant | Delegation) -> object:
    if isinstance(fact, Grant):
        return (
            fact.authority_id,
            fact.entity_id,
            fact.action,
            fact.resource,
            fact.granted_by,
            fact.constraints,
        )
    return fact.grantor_id, fact.delegate_id, fact.actions, fact.resources, fact.kinds, fact.further


def _first_named_otherwise(before: Entity, after: Entity, now: int) -> int | None:
    kept = {_span(each) for each in after.identifiers}
    for identifier in before.identifiers:
        if _span(identifier) in kept:
            continue
        same = [each for each in after.identifiers if each.value == identifier.value]
        ends = [each.valid_until for each in same if each.valid_from == identifier.valid_from]
        if not any(end is None or end >= now for end in ends) and (
            identifier.valid_from is None or identifier.valid_from < now
        ):
            return identifier.valid_from or 0
    return _first_bound_moved(before, after, now)


def _span(identifier: object) -> tuple[object, ...]:
    return tuple(getattr(identifier, name) for name in ("value", "valid_from", "valid_until"))


def _first_bound_moved(before: Fact, after: Fact, now: int) -> int | None:
    """
    Return the first time before `now` that a window had and has not, or the other way round.

    A window that ended and goes on is no such thing: what it was for ended with it, and begins anew.
    """
    moved = [before.valid_from, after.valid_from] if before.valid_from != after.valid_from else []
    if after.valid_until is not None and (
        before.valid_until is None or after.valid_until < before.valid_until
    ):
        moved.append(after.valid_until)
    return min((each for each in moved if each is not None and each < now), default=None)


def _endings(known: Known, now: int) -> Iterator[FactChange]:
    for kind in FACT_KINDS:
        for found in known.all(kind):
            if not _is_over(found.fact, now):
                fact = ended(found.fact, now)
                yield FactChange(kind, fact.id, fact, "end", now)


def _is_over(fact: Fact, now: int) -> bool:
    end = ended_at(fact) if isinstance(fact, Grant | Delegation) else fact.valid_until
    if isinstance(fact, Grant | Delegation) and fact.history and fact.history[-1].state in FINAL:
        return True
    return end is not None and end <= now
