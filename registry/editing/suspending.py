"""
What an emergency suspends: all that an entity was granted, or some facts, as far as it is in force. Pure.
"""

from collections.abc import Iterator

from operators.grants import EVERYTHING, NotSeen, Scope
from registry.editing.errors import InvalidChangeSet
from registry.editing.operations import id_of
from registry.editing.scopes import ABSENT, authority_scope
from registry.editing.shapes import Operation, Suspension
from registry.known import Known
from registry.model import FINAL, Delegation, Fact, FactKind, Grant, ended_at
from registry.rules import text_fault

_KINDS: tuple[FactKind, ...] = ("authorization", "recognition", "delegation")


def scope_of_suspension(known: Known, wanted: Suspension) -> Scope:
    """
    Return where whoever suspends needs the role: the authority that is named, or everything.

    Raises:
        NotSeen: there is no such authority.
    """
    if wanted.authority is None:
        return EVERYTHING
    if (found := known.authority(_id_of(known, wanted.authority))) is None:
        raise NotSeen(ABSENT)
    return authority_scope(found.fact.id)


def suspending(known: Known, wanted: Suspension, now: int) -> list[Operation]:
    """
    Return the operations that suspend what is named and in force at `now`, or begins later.

    Raises:
        InvalidChangeSet: the request contradicts itself.
    """
    _require_one(wanted)
    authority_id = None if wanted.authority is None else _id_of(known, wanted.authority)
    return [
        Operation(op="suspend", kind=kind, id=fact.id, reason=wanted.reason)
        for kind, fact in _named(known, wanted)
        if isinstance(fact, Grant | Delegation)
        and authority_id in (None, fact.authority_id)
        and _can_be_suspended(fact, now)
    ]


def _require_one(wanted: Suspension) -> None:
    if fault := text_fault(wanted.reason):
        raise InvalidChangeSet([("/reason", fault)])
    if (wanted.entity is None) == (not wanted.ids):
        raise InvalidChangeSet([("/entity", "expected `entity`, or `ids` of what was granted")])


def _named(known: Known, wanted: Suspension) -> Iterator[tuple[FactKind, Fact]]:
    if wanted.entity is None:
        for fact_id in dict.fromkeys(wanted.ids):
            for kind in _KINDS:
                if (found := known.fact(kind, fact_id)) is not None:
                    yield kind, found.fact
        return
    entity_id = _id_of(known, wanted.entity)
    for granted in known.grants_to(entity_id):
        yield granted.fact.kind, granted.fact
    for power in known.all("delegation"):
        if isinstance(power.fact, Delegation) and power.fact.delegate_id == entity_id:
            yield "delegation", power.fact


def _can_be_suspended(fact: Grant | Delegation, now: int) -> bool:
    end = ended_at(fact)
    states = [each.state for each in fact.history if each.since <= now]
    is_off = bool(states) and states[-1] in FINAL | {"suspended"}
    return not is_off and (end is None or end > now)


def _id_of(known: Known, reference: str) -> str:
    return id_of(known, "entity", reference)
