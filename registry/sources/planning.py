"""
What to change, so that the registry says of a source what the source says now. Pure.

A source speaks for itself alone. It changes no fact that an operator or another source said: an entity that is
known already is granted what the source grants, and keeps its names and identifiers. Were it otherwise, whoever
writes a list could put a certificate of his own beside the DID of a university, and have what others grant to it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from operators.noting import digest_of
from registry.imports.differing import first_difference
from registry.imports.planning import begins, ended
from registry.imports.terms import Right
from registry.items import EntityItem, GrantItem, IdentifierItem
from registry.known import FactChange, Known, Overlaid, question_of
from registry.model import Entity, Fact, Grant, Vouching, derived_id, ended_at, kind_of
from registry.placed import Finding, Placed, PlacedFact, read_items
from registry.rules import faults
from registry.sources.keeping import kept
from registry.sources.model import Source
from registry.sources.moving import has_from, is_after, moved
from registry.sources.resuming import resumed


class SourcePlan(msgspec.Struct, frozen=True):
    """
    Attributes:
        differences: what the source says otherwise than before.
        vouching: that it is vouched for anew, where nothing else differs.
        grants: ids of all that it grants now.
        findings: why it cannot be recorded; nothing of it is then.
        remarks: what is left as an operator has it.
    """

    differences: tuple[FactChange, ...]
    vouching: tuple[FactChange, ...]
    grants: tuple[str, ...]
    findings: tuple[Finding, ...]
    remarks: tuple[Finding, ...] = ()


def begun(
    known: Known, source_id: str, identifier: str, right: Right, changed: AbstractSet[str] = frozenset()
) -> int | None:
    """Return since when a source grants a right to an identifier, as it is known; None: it does not."""
    for entity in known.entities_named(identifier):
        for found in known.grants_to(entity.fact.id):
            grant = found.fact
            is_same = (grant.source, grant.action, grant.resource) == (
                source_id,
                right.action,
                right.resource,
            )
            if is_same and (grant.id in changed or (grant.valid_until is None and not grant.history)):
                return grant.valid_from
    return None


def plan_source(
    known: Known,
    items: Iterable[Placed],
    *,
    source_id: str,
    authority_id: str,
    until: int,
    granted: Iterable[str],
    now: int,
    changed: AbstractSet[str] = frozenset(),
) -> SourcePlan:
    """
    Return what differs.

    1. Items become facts of the source: each with an id of its own, but for entities that are known from elsewhere.
       A grant that ended here and goes on there begins anew. What an operator changed stays (`kept`).
    2. An identifier that the source now gives to another of its entities moves there now.
    3. What it granted and grants no more ends now.

    Args:
        until: until when the source vouches for what it says.
        granted: ids of what it granted up to now.
        changed: ids of grants of sources that operators changed.
    """
    read, findings = read_items(_as_of_source(known, list(items), source_id, now), known)  # 1.
    left: list[Finding] = []
    said: dict[str, Grant] = {}
    for each in read:
        if not isinstance(each.fact, Grant):
            continue
        grant, stays = each.fact, kept(known, each.fact, changed, now)
        said[grant.id] = resumed(known, grant, now) if stays is None else stays
        if stays is not None and stays != grant:
            left.append((each.placed.pointer, f"an operator changed the grant {stays.id}, which stays so"))
    said = {key: each for key, each in said.items() if not _is_granted_elsewhere(known, each)}
    grants = {each.id: each for each in said.values()}
    entities = {each.id: each for each in moved(known, _entities(read), source_id, now)}  # 2.
    wanted: list[Fact] = [*entities.values(), *grants.values()]
    changes = (_change(known, fact, now) for fact in wanted)
    differences = [change for change in changes if change is not None]
    differences += endings(known, source_id, set(granted) - grants.keys(), now)  # 3.
    recorded = [
        PlacedFact(fact, each.placed)
        for each in read
        if (fact := entities.get(each.fact.id) or said.get(each.fact.id)) is not None
    ]
    findings += faults(Overlaid(known, differences, now), recorded)
    vouching = _vouching(known, authority_id, source_id, until, now)
    return SourcePlan(tuple(differences), vouching, tuple(grants), tuple(findings), tuple(left))


def held_digest(
    source: Source, said: str, differences: Iterable[FactChange], looked: AbstractSet[int]
) -> str:
    """
    Return the digest by which somebody lets differences pass: of them, of the source with what it grants, and of
    its bytes.

    Args:
        said: hex digest of what was fetched.
        looked: the times that are others at each look, in microseconds since 1970; ids of new grants are made of
            them too.
    """

    def timeless(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: timeless(each) for key, each in value.items()}
        if isinstance(value, list):
            return [timeless(each) for each in value]
        return "at the look" if isinstance(value, int) and value in looked else value

    told = []
    for change in differences:
        body = msgspec.to_builtins(change)
        if change.what == "add" and isinstance(change.fact, Grant):
            body["id"] = body["fact"]["id"] = None
        told.append(timeless(body))
    return digest_of([msgspec.to_builtins(source), said, told])


def _entities(read: Iterable[PlacedFact]) -> list[Entity]:
    return [each.fact for each in read if isinstance(each.fact, Entity)]


def _as_of_source(known: Known, items: list[Placed], source_id: str, now: int) -> Iterator[Placed]:
    """Yield items with their ids, entities that others know left out, and grants to those in their names."""
    grants: defaultdict[str, list[Placed]] = defaultdict(list)
    for placed in items:
        if isinstance(placed.item, GrantItem):
            grants[placed.item.entity_id].append(placed)
    taken: set[str] = set()
    said: set[tuple[str, ...]] = set()
    for placed in items:
        if not isinstance(placed.item, EntityItem):
            continue
        elsewhere, own = _holders(known, placed.item, source_id, now)
        first = placed.item.identifiers[0].value
        receivers = sorted(elsewhere)
        if own:
            entity_id = _own_id(known, own, source_id, taken)
            taken.add(entity_id)
            receivers.append(entity_id)
            item = msgspec.structs.replace(placed.item, id=entity_id, identifiers=own, source=source_id)
            yield msgspec.structs.replace(placed, item=item)
        for receiver in receivers:
            yield from _grants_to(receiver, grants[first], source_id, said)


def _holders(
    known: Known, item: EntityItem, source_id: str, now: int
) -> tuple[set[str], list[IdentifierItem]]:
    """Return the entities from elsewhere that have an identifier, and the identifiers that none has."""
    elsewhere: set[str] = set()
    own: list[IdentifierItem] = []
    for identifier in item.identifiers:
        named = (found.fact for found in known.entities_named(identifier.value))
        holders = {
            each.id for each in named if each.source != source_id and has_from(each, identifier.value, now)
        }
        elsewhere |= holders
        if not holders:
            own.append(identifier)
    return elsewhere, own


def _own_id(known: Known, own: list[IdentifierItem], source_id: str, taken: set[str]) -> str:
    """Return the id of the source's entity that has one of the identifiers, or a new one."""
    named = (found.fact for each in own for found in known.entities_named(each.value))
    holders = (entity.id for entity in named if entity.source == source_id and entity.id not in taken)
    return next(holders, derived_id("e", source_id, own[0].value))


def _grants_to(
    entity_id: str, grants: Iterable[Placed], source_id: str, said: set[tuple[str, ...]]
) -> Iterator[Placed]:
    """Yield the grants to an entity, each once."""
    for placed in grants:
        grant = placed.item
        assert isinstance(grant, GrantItem)
        about = (entity_id, grant.action, grant.resource, grant.valid_from)
        if about not in said:
            said.add(about)
            grant_id = derived_id("g", source_id, *about)
            item = msgspec.structs.replace(grant, id=grant_id, entity_id=entity_id, source=source_id)
            yield msgspec.structs.replace(placed, item=item)


def _is_granted_elsewhere(known: Known, grant: Grant) -> bool:
    """Tell whether an operator or another source grants the same at the same time; theirs stands."""
    return any(
        other.fact.source != grant.source and is_after(ended_at(other.fact), grant.valid_from)
        for other in known.grants(*question_of(grant))
    )


def _change(known: Known, fact: Fact, now: int) -> FactChange | None:
    kind = kind_of(fact)
    before = known.fact(kind, fact.id)
    if before is None:
        return FactChange(kind, fact.id, fact, "add", begins(fact, now))
    if before.fact == fact:
        return None
    differs_at = first_difference(before.fact, fact, now)
    if differs_at is not None:
        return FactChange(kind, fact.id, fact, "correct", differs_at)
    return FactChange(kind, fact.id, fact, "change", now)


def endings(known: Known, source_id: str, grant_ids: Iterable[str], now: int) -> Iterator[FactChange]:
    """Yield the end of grants that have not ended yet, and that nobody but the source says by now."""
    for grant_id in sorted(grant_ids):
        found = known.fact("authorization", grant_id)
        if found is None or not isinstance(found.fact, Grant) or found.fact.source != source_id:
            continue
        if is_after(ended_at(found.fact), now):
            yield FactChange("authorization", grant_id, ended(found.fact, now), "end", now)


def _vouching(
    known: Known, authority_id: str, source_id: str, until: int, now: int
) -> tuple[FactChange, ...]:
    found = known.authority(authority_id)
    if found is None:
        return ()
    others = [each for each in found.fact.vouching if each.source != source_id]
    vouching = tuple(sorted([*others, Vouching(source=source_id, until=until)], key=lambda each: each.source))
    if vouching == found.fact.vouching:
        return ()
    fact = msgspec.structs.replace(found.fact, vouching=vouching)
    return (FactChange("authority", authority_id, fact, "change", now),)
