"""
Items of a file or of a request, each with its place, made into facts: ids, references, times, identifiers. Pure.
"""

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from registry.certificates import key_id_of
from registry.identifiers import canonical_identifier
from registry.items import (
    REFERENCES,
    TIMES,
    AuthorityItem,
    DelegationItem,
    EntityItem,
    GrantItem,
    Item,
    fact_of,
    read_time,
)
from registry.known import Known
from registry.model import Fact, FactKind, derived_id

Finding: TypeAlias = tuple[str, str]  # JSON pointer, what is wrong there


class Placed(msgspec.Struct, frozen=True):
    """
    An item and where it stands.

    Attributes:
        pointer: JSON pointer (RFC 6901) of the item.
        renamed: where a member of today stands in an older shape, by pointers within the item.
    """

    kind: FactKind
    item: Item
    pointer: str
    renamed: dict[str, str] = {}

    def at(self, within: str) -> str:
        """Return the pointer of a part, named by its pointer within the item."""
        return self.pointer + self.renamed.get(within, within)


class PlacedFact(msgspec.Struct, frozen=True):
    """A fact, and the item that said it."""

    fact: Fact
    placed: Placed


def read_items(items: Iterable[Placed], known: Known) -> tuple[list[PlacedFact], list[Finding]]:
    """
    Return the facts that items say, and what is wrong with those that say none.

    A reference is an id, or an identifier, of an entity among the items or of one that is known.
    """
    listed = list(items)
    names = _Names(listed, known)
    findings: list[Finding] = []
    facts: list[PlacedFact] = []
    for placed in listed:
        faults = list(_leaf_faults(placed, names))
        findings += [(placed.at(pointer), detail) for pointer, _, detail in faults]
        if all(name == "value" for _, name, _ in faults):  # Then the rest of it can be looked at.
            facts.append(PlacedFact(_fact(placed, names), placed))
    return facts, findings


class _Names:
    """What references mean."""

    def __init__(self, items: list[Placed], known: Known) -> None:
        self._known = known
        entities = [each.item for each in items if isinstance(each.item, EntityItem)]
        self._ids = {entity_id(each) for each in entities}
        self._named: dict[str, str] = {}
        for each in entities:
            for identifier in each.identifiers:
                self._named.setdefault(_canonical(identifier.value), entity_id(each))

    def id_of(self, reference: str) -> str | None:
        if ":" not in reference:
            return reference if reference in self._ids or self._known.entity(reference) else None
        identifier = _canonical(reference)
        if (found := self._named.get(identifier)) is not None:
            return found
        named = self._known.entities_named(identifier)
        return named[-1].fact.id if named else None

    def fault(self, name: str, text: str) -> str | None:
        if name in REFERENCES and self.id_of(text) is None:
            if name == "authority_id":
                return "`authorities` does not have this identifier"
            return "neither `entities` nor `authorities` has this identifier"
        return None

    def resolve(self, reference: str) -> str:
        found = self.id_of(reference)
        assert found is not None, "looked at before"
        return found


def entity_id(item: EntityItem) -> str:
    """Return the id of an entity: its own, or the one that its first identifier gives."""
    return item.id or derived_id("e", _canonical(item.identifiers[0].value))


def _canonical(reference: str) -> str:
    try:
        return canonical_identifier(reference)
    except ValueError:
        return reference


def _fact(placed: Placed, names: _Names) -> Fact:
    item = _with_key_ids(placed.item)
    return fact_of(placed.kind, item, _id(placed, names), resolve=names.resolve, identify=_canonical)


def _with_key_ids(item: Item) -> Item:
    """Return an item with the key identifier of each certificate that came without it."""
    if not isinstance(item, EntityItem):
        return item
    identifiers = [
        replace(each, ski=key_id_of(each.certificate)) if each.certificate and each.ski is None else each
        for each in item.identifiers
    ]
    return replace(item, identifiers=identifiers)


def _id(placed: Placed, names: _Names) -> str:
    item = placed.item
    if isinstance(item, EntityItem):
        return entity_id(item)
    if isinstance(item, AuthorityItem):
        return names.id_of(item.id) or item.id
    if item.id is not None:
        return item.id
    if isinstance(item, GrantItem):
        about = (names.resolve(item.authority_id), names.resolve(item.entity_id), item.action, item.resource)
        return derived_id("g", placed.kind, *about, read_time(item.valid_from))
    assert isinstance(item, DelegationItem)
    of = (names.resolve(each) for each in (item.authority_id, item.grantor_id, item.delegate_id))
    return derived_id("d", *of, *item.actions, "", *item.resources, read_time(item.valid_from))


def _leaf_faults(placed: Placed, names: _Names) -> Iterator[tuple[str, str, str]]:
    """Yield pointer, member and fault of times that do not exist, and of identifiers and references."""
    for pointer, name, text in _leaves(placed.item):
        if fault := _leaf_fault(name, text, names):
            yield pointer, name, fault


def _leaf_fault(name: str, text: str, names: _Names) -> str | None:
    try:
        if name in TIMES:
            read_time(text)
        elif name == "value":
            canonical_identifier(text)
    except ValueError as error:
        return "there is no such day or time" if name in TIMES else str(error)
    return names.fault(name, text)


def _leaves(value: Any, pointer: str = "", name: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield pointer, member name and text of each text in an item."""
    if isinstance(value, str):
        yield pointer, name, value
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _leaves(each, f"{pointer}/{index}", name)
    elif isinstance(value, msgspec.Struct):
        for member in value.__struct_fields__:
            yield from _leaves(getattr(value, member), f"{pointer}/{member}", member)
