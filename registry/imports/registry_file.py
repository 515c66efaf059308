"""
A registry file, from bytes to facts, or to every fault with its pointer and line. Pure.

In three steps, each only if the one before found nothing, since its findings would be consequences:

1. JSON: strict, no duplicate members (`wire.read`).
2. Shape: the Structs of `file_format.py`, or of `version_1.py`.
3. Meaning: times, identifiers, references (`placed.py`), and the rules for facts (`rules.py`).
"""

from collections.abc import Iterator
from typing import Any

from registry.file_format import MEMBERS, RegistryFile
from registry.imports.faults import as_shape, read_json, refusal
from registry.imports.version_1 import RegistryFile1, placed_1
from registry.known import FactChange, Nothing, Overlaid
from registry.model import Fact, kind_of
from registry.placed import Finding, Placed, PlacedFact, read_items
from registry.rules import faults

MAX_FILE_BYTES = 16 * 1_048_576  # 16 MiB; house rule for imports


def read_registry_file(data: bytes) -> tuple[Fact, ...]:
    """
    Read a registry file.

    Raises:
        RegistryFileError: over 16 MiB, not JSON, not of the shape, or contradictory; it has the first
            `MAX_FAULTS` faults in the order of the file, each with its JSON pointer and line.
    """
    document = read_json(data, max_bytes=MAX_FILE_BYTES)  # 1.
    items = list(_items(data, document))  # 2.
    placed, findings = read_items(items, Nothing())  # 3.
    findings += [*_repeated(placed), *faults(_as_known(placed), placed)]
    if findings:
        raise refusal(data, findings)
    return tuple(each.fact for each in placed)


def _items(data: bytes, document: Any) -> Iterator[Placed]:
    version = document.get("version", 2) if isinstance(document, dict) else 2
    if type(version) is not int or version not in (1, 2):
        raise refusal(data, [("/version", "expected 1 or 2, the versions of the format")])
    if version == 1:
        return placed_1(as_shape(data, document, RegistryFile1))
    return _placed(as_shape(data, document, RegistryFile))


def _placed(file: RegistryFile) -> Iterator[Placed]:
    for kind, member in MEMBERS.items():
        for index, item in enumerate(getattr(file, member)):
            yield Placed(kind, item, f"/{member}/{index}")


def _as_known(facts: list[PlacedFact]) -> Overlaid:
    changes = (FactChange(kind_of(each.fact), each.fact.id, each.fact, "add", 0) for each in facts)
    return Overlaid(Nothing(), changes, 0)


def _repeated(facts: list[PlacedFact]) -> list[Finding]:
    """Return what is said twice: two facts of one kind and id."""
    first: dict[tuple[str, str], Placed] = {}
    found = []
    for each in facts:
        before = first.setdefault((kind_of(each.fact), each.fact.id), each.placed)
        if before is not each.placed:
            found.append((_place_of_id(each.placed), _said_twice(each.fact, before)))
    return found


def _place_of_id(placed: Placed) -> str:
    if placed.kind == "entity" and (placed.item.id is None or placed.renamed):
        return placed.at("/identifiers/0/value")
    return placed.at("/id") if placed.item.id is not None else placed.pointer


def _said_twice(fact: Fact, before: Placed) -> str:
    if kind_of(fact) == "entity":
        return f"the identifier is already used at {_place_of_id(before)}"
    return f"the same is said at {before.pointer}"
