"""
What to change, so that the registry says from now on what somebody wants it to say. Pure.

- What is wanted and not known is added. It may have begun in the past: the registry learned it late, and says so.
- What is known and not wanted ends now. It is not taken back: what was true yesterday stays so.
- What a standing source says is the source's own: it neither ends nor changes, unless an operator says it himself.
- What is said of the past otherwise than before is a correction, and is refused unless corrections are allowed. So
  is that an entity, an authority or a grant goes on which has ended: it was over for a while.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

import msgspec

from registry.errors import ChangesThePast, TooManyToList
from registry.imports.continuing import continued
from registry.imports.differing import first_difference
from registry.items import REFERENCES
from registry.known import FactChange, Key, Known, Overlaid, question_of
from registry.model import (
    FACT_KINDS,
    FINAL,
    Authority,
    Delegation,
    Entity,
    Fact,
    Grant,
    StateChange,
    covers,
    derived_id,
    ended_at,
    kind_of,
    meet,
    named_window,
)
from registry.overlaps import overlaps
from registry.placed import Finding
from registry.rules import clashing

UNLISTED = "not listed any more"  # the reason of what ends before it began
MAX_ENDINGS = 100_000  # facts; what a file of the largest size can list itself
T = TypeVar("T")


class Contradiction(Exception):
    """
    What is wanted contradicts what is known besides.

    Attributes:
        findings: pointers are those of a registry file of the current version.
    """

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(findings)
        self.findings = findings


def plan(
    known: Known,
    wanted: Iterable[Fact],
    now: int,
    *,
    corrects: bool = False,
    ends: bool = True,
    as_said: bool = False,
) -> tuple[FactChange, ...]:
    """
    Return the changes that make what is known into what is `wanted`, the unchanged left out.

    Args:
        corrects: whether what was said of the past may be changed.
        ends: whether what is not wanted ends.
        as_said: whether what is added or changed is to be continued (`continuing.py`) only when it takes effect.

    Raises:
        ChangesThePast: something that is wanted says of the past what was not said, and `corrects` is false.
        TooManyToList: more would end than can be held in memory.
        Contradiction: an identifier is another entity's at the same time, or a grant overlaps one that is left out.
    """
    facts = _renamed(known, list(wanted), now)
    planned = (_change(known, fact, now, corrects=corrects, as_said=as_said) for fact in facts)
    changes = [change for change in planned if change is not None]
    if ends:
        changes += _endings_beside(known, {(kind_of(fact), fact.id) for fact in facts}, now)
    findings = list(_overlaps(known, facts, changes, now))
    if not as_said:
        findings += _clashes(known, facts, changes, now)
    if findings:
        raise Contradiction(findings)
    return tuple(changes)


def _endings_beside(known: Known, listed: set[Key], now: int) -> list[FactChange]:
    unlisted = (change for change in _endings(known, now) if change.key not in listed)
    endings = list(islice(unlisted, MAX_ENDINGS + 1))
    if len(endings) > MAX_ENDINGS:
        raise TooManyToList(
            f"the file leaves out more than {MAX_ENDINGS} facts that are in force, and would end them all;"
            " end them by change sets"
        )
    return endings


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


def _renamed(known: Known, facts: list[Fact], now: int) -> list[Fact]:
    """Return facts with the ids by which they are known already; no two get the same."""
    said = [fact for fact in facts if isinstance(fact, Entity)]
    taken = {each.id for each in said if not _is_derived(each)}
    moved: dict[str, str] = {}
    for each in said:
        if _is_derived(each) and (found := _known_id(known, each, taken, now)) is not None:
            moved[each.id] = found
            taken.add(found)
    ids = {(kind_of(fact), fact.id) for fact in facts}
    return [_grant_as_known(known, _moved(fact, moved), ids) for fact in facts]


def _is_derived(entity: Entity) -> bool:
    """Tell whether an entity has no id but the one that its first identifier gives."""
    return entity.id == derived_id("e", entity.identifiers[0].value)


def _known_id(known: Known, entity: Entity, taken: set[str], now: int) -> str | None:
    """Return the id of whoever has one of the identifiers while this entity has it; rather who has it now."""
    holders = [
        (named_window(found.fact, theirs), found.fact.id)
        for each in entity.identifiers
        for found in known.entities_named(each.value)
        for theirs in found.fact.identifiers
        if theirs.value == each.value and meet(named_window(entity, each), named_window(found.fact, theirs))
    ]
    free = [(window, holder) for window, holder in holders if holder not in taken]
    of_now = (holder for window, holder in free if covers(*window, now))
    return next(of_now, free[0][1] if free else None)


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


def _grant_as_known(known: Known, fact: Fact, listed: set[Key]) -> Fact:
    if not isinstance(fact, Grant) or known.fact(fact.kind, fact.id) is not None:
        return fact
    same = (each.fact for each in known.grants(*question_of(fact)) if (fact.kind, each.fact.id) not in listed)
    found = [each for each in same if overlaps(each, fact)]
    at_once = (each.id for each in found if each.valid_from == fact.valid_from)
    return msgspec.structs.replace(fact, id=next(at_once, found[0].id if found else fact.id))


def _change(known: Known, said: Fact, now: int, *, corrects: bool, as_said: bool) -> FactChange | None:
    kind = kind_of(said)
    before = known.fact(kind, said.id)
    fact = continued(known, said, now)
    if before is None:
        return FactChange(kind, fact.id, said if as_said else fact, "add", begins(fact, now))
    source = _source_of(before.fact)
    if before.fact == fact or (source is not None and source == _source_of(fact)):
        return None
    differs_at = first_difference(before.fact, fact, now)
    if differs_at is not None and not corrects:
        raise ChangesThePast(kind, fact.id, differs_at)
    if differs_at is not None:
        return FactChange(kind, fact.id, fact, "correct", differs_at)
    return FactChange(kind, fact.id, said if as_said else fact, "change", now)


def _clashes(
    known: Known, facts: Iterable[Fact], changes: Iterable[FactChange], now: int
) -> Iterator[Finding]:
    """
    Yield what no file shows by itself: an identifier that an entity has already which the file does not list.

    Pointers are those of a registry file of the current version.
    """
    after = Overlaid(known, changes, now)
    entities = [fact for fact in facts if isinstance(fact, Entity)]
    changed = {change.id for change in changes if change.kind == "entity"}
    for index, entity in enumerate(entities):
        found = after.entity(entity.id) if entity.id in changed else None
        if found is None:
            continue
        for number, identifier in enumerate(found.fact.identifiers[: len(entity.identifiers)]):
            if (other := clashing(after, found.fact, identifier)) is not None:
                here = f"/entities/{index}/identifiers/{number}/value"
                yield here, f"the identifier is already used at {other}"


def _overlaps(
    known: Known, facts: Iterable[Fact], changes: Iterable[FactChange], now: int
) -> Iterator[Finding]:
    """Yield the grants that are in force while the same grant is, or was, which the file does not list."""
    after = Overlaid(known, changes, now)
    changed = {change.key for change in changes}
    for member in ("authorization", "recognition"):
        grants = [fact for fact in facts if isinstance(fact, Grant) and fact.kind == member]
        listed = {grant.id for grant in grants}
        for index, grant in enumerate(grants):
            same = after.grants(*question_of(grant)) if (member, grant.id) in changed else ()
            others = (each.fact for each in same if each.fact.id not in listed)
            if (other := next((each for each in others if overlaps(each, grant)), None)) is not None:
                yield (
                    f"/{member}s/{index}",
                    f"the window overlaps the one of {other.id}, which is left out: take its id, or begin later",
                )


def begins(fact: Fact, now: int) -> int:
    """Return from when on a fact says something that was not said before."""
    return now if fact.valid_from is None else fact.valid_from


def _endings(known: Known, now: int) -> Iterator[FactChange]:
    for kind in FACT_KINDS:
        for found in known.all(kind):
            if _source_of(found.fact) is None and not _is_over(found.fact, now):
                fact = ended(found.fact, now)
                yield FactChange(kind, fact.id, fact, "end", now)


def _source_of(fact: Fact) -> str | None:
    """Return the standing source that says a fact; None: an operator does."""
    return fact.source if isinstance(fact, Entity | Grant) else None


def _is_over(fact: Fact, now: int) -> bool:
    end = ended_at(fact) if isinstance(fact, Grant | Delegation) else fact.valid_until
    if isinstance(fact, Grant | Delegation) and fact.history and fact.history[-1].state in FINAL:
        return True
    return end is not None and end <= now
