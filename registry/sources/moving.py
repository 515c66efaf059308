"""
Identifiers that move from one entity of a source to another. Pure.

What an entity had up to now it had: its identifier ends now, and is the other one's from now on.
"""

from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

import msgspec

from registry.known import Known
from registry.model import Entity, Identifier


def moved(known: Known, entities: Iterable[Entity], source_id: str, now: int) -> list[Entity]:
    """Return entities as they are from now on, with those of the source that lose an identifier to one of them."""
    wanted = {each.id: each for each in entities}
    owners = {identifier.value: each.id for each in wanted.values() for identifier in each.identifiers}
    touched = dict.fromkeys(wanted)
    named = (found.fact for value in owners for found in known.entities_named(value))
    touched |= dict.fromkeys(each.id for each in named if each.source == source_id)
    owned: defaultdict[str, set[str]] = defaultdict(set)
    for value, owner in owners.items():
        owned[owner].add(value)
    return [_from_now(known, each, wanted.get(each), owned[each], owners.keys(), now) for each in touched]


def _from_now(
    known: Known,
    entity_id: str,
    wanted: Entity | None,
    owned: AbstractSet[str],
    moving: AbstractSet[str],
    now: int,
) -> Entity:
    """
    Return one of them.

    Args:
        owned: what it has from now on, of all that is in `moving`: what any of them has.
    """
    revision = known.entity(entity_id)
    before = None if revision is None else revision.fact
    had = () if before is None else before.identifiers
    stays = owned if wanted is not None else {each.value for each in had} - moving
    kept = [each if each.value in stays else _closed(each, now) for each in had if _stays(each, stays, now)]
    there = {each.value for each in kept if is_after(each.valid_until, now)}
    for each in () if wanted is None else wanted.identifiers:
        was_named = each.value in {one.value for one in kept} or _is_held(known, entity_id, each.value)
        if each.value not in there and not was_named:
            kept.append(each if before is None else _begun(each, now))
        elif each.value not in there and is_after(each.valid_until, now):
            kept.append(msgspec.structs.replace(each, valid_from=max(now, each.valid_from or now)))
    base = wanted or before
    assert base is not None, "it is wanted, or it was known"
    return msgspec.structs.replace(base, identifiers=tuple(kept))


def _stays(identifier: Identifier, stays: AbstractSet[str], now: int) -> bool:
    """Tell whether it is still told of: what never began, and is not to, is not."""
    return identifier.value in stays or identifier.valid_from is None or identifier.valid_from < now


def _closed(identifier: Identifier, now: int) -> Identifier:
    if not is_after(identifier.valid_until, now):
        return identifier
    return msgspec.structs.replace(identifier, valid_until=now)


def _begun(identifier: Identifier, now: int) -> Identifier:
    """Return an identifier that its entity did not have up to now."""
    return msgspec.structs.replace(
        identifier, valid_from=now if identifier.valid_from is None else identifier.valid_from
    )


def _is_held(known: Known, entity_id: str, value: str) -> bool:
    return any(found.fact.id != entity_id for found in known.entities_named(value))


def is_after(end: int | None, time: int) -> bool:
    return end is None or end > time


def has_from(entity: Entity, value: str, now: int) -> bool:
    """Tell whether an entity has an identifier now, or will have it."""
    found = [each for each in entity.identifiers if each.value == value]
    return is_after(entity.valid_until, now) and any(is_after(each.valid_until, now) for each in found)
