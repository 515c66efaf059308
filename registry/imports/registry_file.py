"""
A registry file, from bytes to facts, or to every fault with its pointer and line. Pure.

In three steps, each only if the one before found nothing, since its findings would be consequences:

1. JSON: strict, no duplicate members (`wire.read`).
2. Shape: the Structs of `file_format.py`, or of `version_1.py`.
3. Meaning: times, identifiers, references (`placed.py`), and the rules for facts (`rules.py`).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

import msgspec

from registry.errors import MAX_FAULTS, Fault, RegistryFileError
from registry.file_format import MEMBERS, RegistryFile
from registry.imports.locate import (
    first_deeper,
    first_duplicate,
    first_long_number,
    first_out_of_range,
    in_order,
    line_at,
    place_of,
)
from registry.imports.shape import shape_faults
from registry.imports.version_1 import RegistryFile1, placed_1
from registry.known import FactChange, Nothing, Overlaid
from registry.model import Fact, kind_of
from registry.placed import Finding, Placed, PlacedFact, read_items
from registry.rules import faults
from wire import JsonError, read
from wire.json import MAX_DEPTH, first_bad_byte

MAX_FILE_BYTES = 16 * 1_048_576  # 16 MiB; house rule for imports

_BYTE = re.compile(r"byte (\d+)")
T = TypeVar("T")


def read_registry_file(data: bytes) -> tuple[Fact, ...]:
    """
    Read a registry file.

    Raises:
        RegistryFileError: over 16 MiB, not JSON, not of the shape, or contradictory; it has the first
            `MAX_FAULTS` faults in the order of the file, each with its JSON pointer and line.
    """
    document = _read_json(data)  # 1.
    items = list(_items(data, document))  # 2.
    placed, findings = read_items(items, Nothing())  # 3.
    findings += [*_repeated(placed), *faults(_as_known(placed), placed)]
    if findings:
        raise _refusal(data, findings)
    return tuple(each.fact for each in placed)


def _items(data: bytes, document: Any) -> Iterator[Placed]:
    version = document.get("version", 2) if isinstance(document, dict) else 2
    if type(version) is not int or version not in (1, 2):
        raise _refusal(data, [("/version", "expected 1 or 2, the versions of the format")])
    if version == 1:
        return placed_1(_convert(data, document, RegistryFile1))
    return _placed(_convert(data, document, RegistryFile))


def _convert(data: bytes, document: Any, wanted: type[T]) -> T:
    try:
        return msgspec.convert(document, wanted)
    except msgspec.ValidationError:
        raise _refusal(data, shape_faults(document, wanted)) from None


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


def _read_json(data: bytes) -> object:
    try:
        document: object = read(data, max_bytes=MAX_FILE_BYTES, max_values=None)
    except JsonError as error:
        raise RegistryFileError((_json_fault(data, error),), found=1) from None
    return document


def _json_fault(data: bytes, error: JsonError) -> Fault:
    """
    Return where `data` is not the JSON we accept: at a value that is at fault, at the byte where the parser
    stopped, or at its end.
    """
    if len(data) > MAX_FILE_BYTES:
        return Fault("", 1, str(error))
    text = data.decode(errors="replace")
    if place := _place_at_fault(data, text, str(error)):
        return Fault(*place, str(error))
    if byte := _BYTE.search(str(error)):
        return Fault("", data.count(b"\n", 0, int(byte[1])) + 1, str(error))
    return Fault("", text.rstrip().count("\n") + 1, str(error))


def _place_at_fault(data: bytes, text: str, message: str) -> tuple[str, int] | None:
    """Return the pointer and line of the value that `message` is about, or None where it is about none."""
    if "occurs twice" in message and (duplicate := first_duplicate(text)):
        return duplicate[0], line_at(text, duplicate[1])
    offset: int | None = None
    if "nested deeper" in message:
        offset = first_deeper(text, MAX_DEPTH)
    elif "out of range" in message:
        offset = first_out_of_range(text)
    elif "of over" in message and "digits" in message:
        offset = first_long_number(text)
    elif (bad := first_bad_byte(data)) is not None:
        offset = len(data[:bad].decode())
    return None if offset is None else (place_of(text, offset), line_at(text, offset))


def _refusal(data: bytes, findings: Iterable[Finding]) -> RegistryFileError:
    details: defaultdict[str, list[str]] = defaultdict(list)
    for pointer, detail in findings:
        details[pointer].append(detail)
    text = data.decode()
    placed = (Fault(where, line, each) for where, line in in_order(text, details) for each in details[where])
    return RegistryFileError(
        tuple(islice(placed, MAX_FAULTS)), found=sum(len(each) for each in details.values())
    )
