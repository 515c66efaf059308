"""How tests of files from elsewhere look at what they say."""

from collections.abc import Iterable

from registry.items import EntityItem, GrantItem
from registry.known import FactChange, Nothing, Overlaid
from registry.model import Authority, Definition, Entity, Fact, Identifier, kind_of
from registry.placed import Placed, PlacedFact, read_items
from registry.rules import faults

AUTHORITY = "did:web:authority.example"


def entities(items: Iterable[Placed]) -> dict[tuple[str, ...], EntityItem]:
    """Return entities by their identifiers."""
    found = [each.item for each in items if isinstance(each.item, EntityItem)]
    return {tuple(identifier.value for identifier in item.identifiers): item for item in found}


def grants(items: Iterable[Placed]) -> list[GrantItem]:
    return [each.item for each in items if isinstance(each.item, GrantItem)]


def facts(items: Iterable[Placed], *defines: tuple[str, str]) -> list[Fact]:
    """Return what items say as facts of an authority that defines these actions; they break no rule."""
    authority = [
        Entity(id="authority", names={"en": "Authority"}, identifiers=(Identifier(value=AUTHORITY),)),
        Authority(
            id="authority",
            governance_framework="https://authority.example/",
            defines=tuple(Definition(action=action, resource=resource) for action, resource in defines),
        ),
    ]
    known = _laid_over(Nothing(), authority)
    read, findings = read_items(items, known)
    assert findings == []
    assert list(faults(_laid_over(known, [each.fact for each in read]), read)) == []
    return [each.fact for each in read]


def _laid_over(known: Nothing | Overlaid, laid: list[Fact]) -> Overlaid:
    return Overlaid(known, [FactChange(kind_of(each), each.id, each, "add", 0) for each in laid], 0)


__all__ = ["AUTHORITY", "PlacedFact", "entities", "facts", "grants"]
