"""
From when on two revisions of a fact say different things of the past. Pure.

Whatever `asking/standing.py` reads is compared, at each time at which one of the two turns. Names, logos and the
like were never true or false.
"""

from collections.abc import Iterator
from typing import TypeAlias

from registry.model import Authority, Delegation, Entity, Fact, Grant, covers, standing_at

Said: TypeAlias = tuple[
    object, object
]  # what is answered; and since when that is doubted, as one is compromised


def first_difference(before: Fact, after: Fact, now: int) -> int | None:
    """
    Return the first time before `now` of which two revisions of a fact say different things; None: there is none.

    Of a compromise it is the time from which on nothing is trusted; what is earlier is then in doubt as well, but
    is not denied.
    """
    times = sorted({each for fact in (before, after) for each in _turns(fact) if each is not None})
    if isinstance(before, Entity | Authority):
        times.insert(0, min([1, *times]) - 1)  # Before any of them.
    said = [(time, _said(before, time), _said(after, time)) for time in times if time < now]
    answered = (time for time, one, other in said if one[0] != other[0])
    doubted = (time for time, one, other in said if one[1] != other[1])
    return next(answered, next(doubted, None))


def _turns(fact: Fact) -> Iterator[int | None]:
    yield from (fact.valid_from, fact.valid_until)
    if isinstance(fact, Grant | Delegation):
        for change in fact.history:
            yield from (change.since, change.compromised_since)
    elif isinstance(fact, Entity):
        for identifier in fact.identifiers:
            yield from (identifier.valid_from, identifier.valid_until, identifier.compromised_since)
    else:
        yield from (each.until for each in fact.vouching)
        for defined in fact.defines:
            yield from (defined.valid_from, defined.valid_until)


def _said(fact: Fact, at: int) -> Said:
    if isinstance(fact, Grant | Delegation):
        standing = standing_at(fact, at)
        compromised = standing.compromised_since
        is_compromised = compromised is not None and compromised <= at
        return (standing.phase, is_compromised, _about(fact)), compromised
    if not covers(fact.valid_from, fact.valid_until, at):
        return None, None
    return _named(fact, at) if isinstance(fact, Entity) else (_ruled(fact, at), None)


def _named(entity: Entity, at: int) -> Said:
    compromises = {
        each.value: each.compromised_since
        for each in entity.identifiers
        if covers(each.valid_from, each.valid_until, at)
    }
    return {value: since is not None and since <= at for value, since in compromises.items()}, compromises


def _ruled(authority: Authority, at: int) -> object:
    pairs = {
        (each.action, each.resource)
        for each in authority.defines
        if covers(each.valid_from, each.valid_until, at)
    }
    return pairs, authority.max_delegations, {each.source for each in authority.vouching if at < each.until}


def _about(fact: Grant | Delegation) -> object:
    if isinstance(fact, Grant):
        return (
            fact.authority_id,
            fact.entity_id,
            fact.action,
            fact.resource,
            fact.granted_by,
            fact.source,
            fact.constraints,
        )
    return (
        fact.authority_id,
        fact.grantor_id,
        fact.delegate_id,
        fact.actions,
        fact.resources,
        fact.kinds,
        fact.further,
    )
