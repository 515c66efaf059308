"""
What a change set would do: what becomes of each fact, and which answers become others. Pure.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from registry.asking.standing import Asked, find
from registry.editing.inverse import shown
from registry.editing.operations import Planned
from registry.editing.shapes import ChangedAnswer, ChangedFact, Difference
from registry.errors import NotDefined
from registry.known import LATE, Known, Overlaid, Revision
from registry.model import Entity, Fact, Grant
from wire import format_exact

MAX_FACTS = 1_000  # changed facts that are told
MAX_ANSWERS = 1_000  # changed answers that are told
MAX_LOOKED_AT = 20_000  # grants that are looked at for them


def difference(
    known: Known, planned: Sequence[Planned], now: int, *, version: int, effective_at: int | None = None
) -> Difference:
    """Return what operations would do: to each fact, and to answers, now and at the time of effect."""
    after = Overlaid(known, [each.change for each in planned], now)
    grants = list(islice(_unique(_touched(known, after, planned)), MAX_LOOKED_AT + 1))
    times = sorted({now, effective_at or now})
    found = list(islice(_changed_answers(known, after, grants[:MAX_LOOKED_AT], times), MAX_ANSWERS + 1))
    return Difference(
        version=version,
        fact_count=len(planned),
        facts=changed_facts(planned, now),
        answers=tuple(found[:MAX_ANSWERS]),
        is_complete=len(grants) <= MAX_LOOKED_AT and len(found) <= MAX_ANSWERS,
    )


def changed_facts(planned: Sequence[Planned], now: int) -> tuple[ChangedFact, ...]:
    """Return what the first operations make of their facts."""
    return tuple(_changed(index, each, now) for index, each in enumerate(planned[:MAX_FACTS]))


def _changed(index: int, planned: Planned, now: int) -> ChangedFact:
    change, before = planned.change, planned.before
    return ChangedFact(
        operation=index,
        op=planned.operation.op,
        kind=change.kind,
        id=change.id,
        effective_at=format_exact(change.effective_at),
        revision=None if before is None else before.number,
        before=None if before is None else shown(before.fact),
        after=None if change.fact is None else shown(change.fact),
        is_late=change.effective_at + LATE <= now,
    )


def _touched(known: Known, after: Known, planned: Sequence[Planned]) -> Iterator[Grant]:
    """Yield the grants whose questions may be answered otherwise, some more than once."""
    for each in planned:
        facts: list[Fact | None] = [each.change.fact, None if each.before is None else each.before.fact]
        yield from (fact for fact in facts if isinstance(fact, Grant))
    entities = [each.change.id for each in planned if each.change.kind == "entity"]
    for entity_id in entities:
        for side in (known, after):
            yield from (found.fact for found in side.grants_to(entity_id))
    authorities = {found for each in planned for found in _whole_authorities(each)}
    if authorities:
        for side in (known, after):
            yield from _granted_by(side, authorities)


def _whole_authorities(planned: Planned) -> Iterator[str]:
    """Yield the authorities of whose grants any may be answered otherwise."""
    facts = [planned.change.fact, None if planned.before is None else planned.before.fact]
    if planned.change.kind in ("authority", "entity"):
        yield planned.change.id
    yield from (
        fact.authority_id
        for fact in facts
        if fact is not None
        and planned.change.kind == "delegation"
        and not isinstance(fact, Entity)
        and hasattr(fact, "authority_id")
    )


def _granted_by(known: Known, authorities: set[str]) -> Iterator[Grant]:
    for kind in ("authorization", "recognition"):
        for found in known.all(kind):
            if isinstance(found.fact, Grant) and found.fact.authority_id in authorities:
                yield found.fact


def _unique(grants: Iterable[Grant]) -> Iterator[Grant]:
    seen: set[tuple[str, ...]] = set()
    for grant in grants:
        question = (grant.kind, grant.authority_id, grant.entity_id, grant.action, grant.resource)
        if question not in seen:
            seen.add(question)
            yield grant


def _changed_answers(
    known: Known, after: Known, grants: Iterable[Grant], times: Sequence[int]
) -> Iterator[ChangedAnswer]:
    for grant in grants:
        authorities = _identifiers(known, after, grant.authority_id)[:1]
        for authority in authorities:
            for entity in _identifiers(known, after, grant.entity_id):
                for at in times:
                    asked = Asked(
                        kind=grant.kind,
                        authority=authority,
                        entity=entity,
                        action=grant.action,
                        resource=grant.resource,
                        at=at,
                    )
                    before, now = _answer(known, asked), _answer(after, asked)
                    if before != now:
                        yield ChangedAnswer(
                            kind=grant.kind,
                            authority=authority,
                            entity=entity,
                            action=grant.action,
                            resource=grant.resource,
                            time=format_exact(at),
                            before=before,
                            after=now,
                        )


def _identifiers(known: Known, after: Known, entity_id: str) -> list[str]:
    sides: list[Revision[Entity] | None] = [known.entity(entity_id), after.entity(entity_id)]
    values = [each.value for side in sides if side is not None for each in side.fact.identifiers]
    return list(dict.fromkeys(values))


def _answer(known: Known, asked: Asked) -> str:
    try:
        found = find(known, asked)
    except NotDefined:
        return "not_defined"
    return f"{found.decision} ({found.reason})"
