"""
Items of a file or of a request, each with its place, made into facts: ids, references, times, identifiers. Pure.
"""

from collections import defaultdict
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
    IdentifierItem,
    Item,
    Resolve,
    fact_of,
    read_time,
)
from registry.known import Known
from registry.model import Fact, FactKind, Window, covers, derived_id, named_window

_Holder: TypeAlias = tuple[str, Window]  # the id of an entity, and while an identifier names it
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

    A reference is an id, or an identifier, of an entity among the items or of one that is known. An identifier that
    was several entities' means the one that had it when the fact begins.
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
    """What references mean. An identifier that several entities have, each at its time, is of whom has it then."""

    def __init__(self, items: list[Placed], known: Known) -> None:
        self._known = known
        entities = [each.item for each in items if isinstance(each.item, EntityItem)]
        self._ids = {entity_id(each) for each in entities}
        self._named: defaultdict[str, list[_Holder]] = defaultdict(list)
        for each in entities:
            for identifier in each.identifiers:
                holder = entity_id(each), _item_window(each, identifier)
                self._named[_canonical(identifier.value)].append(holder)

    def ids_of(self, reference: str, at: int | None) -> set[str]:
        """Return the ids that a reference may mean at a time; None: for good. All but one are too many."""
        if ":" not in reference:
            return {reference} if reference in self._ids or self._known.entity(reference) else set()
        holders = self._holders(_canonical(reference))
        ids = {holder for holder, _ in holders}
        then = {holder for holder, window in holders if _is_in(window, at)}
        return then if len(ids) > 1 and len(then) == 1 else ids

    def _holders(self, identifier: str) -> list[_Holder]:
        known = [
            (found.fact.id, named_window(found.fact, each))
            for found in self._known.entities_named(identifier)
            if found.fact.id not in self._ids
            for each in found.fact.identifiers
            if each.value == identifier
        ]
        return [*self._named.get(identifier, ()), *known]

    def fault(self, name: str, text: str, at: int | None) -> str | None:
        if name not in REFERENCES:
            return None
        found = self.ids_of(text, at)
        if len(found) > 1:
            return f"several entities have this identifier, each at its time: name one of {_listed(found)}"
        if not found and name == "authority_id":
            return "`authorities` does not have this identifier"
        return None if found else "neither `entities` nor `authorities` has this identifier"

    def resolving(self, at: int | None) -> Resolve:
        """Return what resolves the references of an item that begins at a time."""

        def resolve(reference: str) -> str:
            [found] = self.ids_of(reference, at)  # Looked at before.
            return found

        return resolve


def _listed(ids: set[str]) -> str:
    return ", ".join(sorted(ids)[:5])


def _item_window(entity: EntityItem, identifier: IdentifierItem) -> Window:
    starts = [each for each in (_time(identifier.valid_from), _time(entity.valid_from)) if each is not None]
    ends = [each for each in (_time(identifier.valid_until), _time(entity.valid_until)) if each is not None]
    return max(starts, default=None), min(ends, default=None)


def _is_in(window: Window, at: int | None) -> bool:
    return window[1] is None if at is None else covers(*window, at)


def _time(text: str | None) -> int | None:
    try:
        return None if text is None else read_time(text)
    except ValueError:  # It is told where the times are looked at.
        return None


def entity_id(item: EntityItem) -> str:
    """Return the id of an entity: its own, or the one that its first identifier gives."""
    return item.id or derived_id("e", _canonical(item.identifiers[0].value))


def _canonical(reference: str) -> str:
    try:
        return canonical_identifier(reference)
    except ValueError:
        return reference


def _fact(placed: Placed, names: _Names) -> Fact:
    item, resolve = _with_key_ids(placed.item), names.resolving(_time(placed.item.valid_from))
    return fact_of(placed.kind, item, _id(placed, names, resolve), resolve=resolve, identify=_canonical)


def _with_key_ids(item: Item) -> Item:
    """Return an item with the key identifier of each certificate that came without it."""
    if not isinstance(item, EntityItem):
        return item
    identifiers = [
        replace(each, ski=key_id_of(each.certificate)) if each.certificate and each.ski is None else each
        for each in item.identifiers
    ]
    return replace(item, identifiers=identifiers)


def _id(placed: Placed, names: _Names, resolve: Resolve) -> str:
    item = placed.item
    if isinstance(item, EntityItem):
        return entity_id(item)
    if isinstance(item, AuthorityItem):
        found = names.ids_of(item.id, _time(item.valid_from))
        return min(found) if len(found) == 1 else item.id
    if item.id is not None:
        return item.id
    if isinstance(item, GrantItem):
        about = (resolve(item.authority_id), resolve(item.entity_id), item.action, item.resource)
        return derived_id("g", placed.kind, *about, read_time(item.valid_from))
    assert isinstance(item, DelegationItem)
    of = (resolve(each) for each in (item.authority_id, item.grantor_id, item.delegate_id))
    return derived_id("d", *of, *item.actions, "", *item.resources, read_time(item.valid_from))


def _leaf_faults(placed: Placed, names: _Names) -> Iterator[tuple[str, str, str]]:
    """Yield pointer, member and fault of times that do not exist, and of identifiers and references."""
    at = _time(placed.item.valid_from)
    for pointer, name, text in _leaves(placed.item):
        if fault := _leaf_fault(name, text, names, at):
            yield pointer, name, fault


def _leaf_fault(name: str, text: str, names: _Names, at: int | None) -> str | None:
    try:
        if name in TIMES:
            read_time(text)
        elif name == "value":
            canonical_identifier(text)
    except ValueError as error:
        return "there is no such day or time" if name in TIMES else str(error)
    return names.fault(name, text, at)


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
