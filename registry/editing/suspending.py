"""
What an emergency suspends: all that an entity was granted, or some facts, as far as it is in force. Pure.
"""

from collections.abc import Iterator

from operators.grants import EVERYTHING, NotSeen, Scope
from registry.editing.errors import InvalidChangeSet
from registry.editing.operations import id_of
from registry.editing.scopes import ABSENT, authority_scope
from registry.editing.shapes import Operation, Suspension
from registry.errors import IdentifierNotFound
from registry.known import Known
from registry.model import FINAL, Delegation, FactKind, Grant, ended_at
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

    Where one of `ids` is not found nothing is suspended: half of an emergency would be taken for the whole of it,
    and to ask again takes seconds.

    Raises:
        InvalidChangeSet: the request contradicts itself, or one of `ids` is not there.
        IdentifierNotFound: there is no such entity.
    """
    _require_one(wanted)
    authority_id = None if wanted.authority is None else _id_of(known, wanted.authority)
    named = [
        (kind, fact) for kind, fact in _named(known, wanted) if authority_id in (None, fact.authority_id)
    ]
    _require_all(wanted, {fact.id for _, fact in named})
    return [
        Operation(op="suspend", kind=kind, id=fact.id, reason=wanted.reason)
        for kind, fact in named
        if _can_be_suspended(fact, now)
    ]


def _require_one(wanted: Suspension) -> None:
    if fault := text_fault(wanted.reason):
        raise InvalidChangeSet([("/reason", fault)])
    if (wanted.entity is None) == (not wanted.ids):
        raise InvalidChangeSet([("/entity", "expected `entity`, or `ids` of what was granted")])


def _require_all(wanted: Suspension, found: set[str]) -> None:
    if missing := [index for index, fact_id in enumerate(wanted.ids) if fact_id not in found]:
        detail = "there is no such grant, or delegation, there; nothing was suspended"
        raise InvalidChangeSet([(f"/ids/{index}", detail) for index in missing])


def _named(known: Known, wanted: Suspension) -> Iterator[tuple[FactKind, Grant | Delegation]]:
    if wanted.entity is None:
        for fact_id in dict.fromkeys(wanted.ids):
            for kind in _KINDS:
                found = known.fact(kind, fact_id)
                if found is not None and isinstance(found.fact, Grant | Delegation):
                    yield kind, found.fact
        return
    entity_id = _id_of(known, wanted.entity)
    if known.entity(entity_id) is None:
        raise IdentifierNotFound("there is no such entity; nothing was suspended", pointer="/entity")
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
