"""
JSON from elsewhere read into a shape, or every fault of it with its pointer and line. Pure.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import islice
from typing import TypeVar

import msgspec

from registry.errors import MAX_FAULTS, Fault, RegistryFileError
from registry.imports.locate import (
    first_deeper,
    first_duplicate,
    first_long_number,
    first_out_of_range,
    in_order,
    line_at,
    place_of,
    positions,
)
from registry.imports.shape import shape_faults
from registry.placed import Finding
from wire import JsonError, read
from wire.json import MAX_DEPTH, first_bad_byte

T = TypeVar("T")
_BYTE = re.compile(r"byte (\d+)")


def read_shape(data: bytes, wanted: type[T], *, max_bytes: int) -> T:
    """Read JSON into a Struct; raises as `read_json` and `as_shape`."""
    return as_shape(data, read_json(data, max_bytes=max_bytes), wanted)


def as_shape(data: bytes, document: object, wanted: type[T]) -> T:
    """
    Return what was read of `data` as a Struct.

    Raises:
        RegistryFileError: not of the shape; it has the first `MAX_FAULTS` faults in the order of the file.
    """
    try:
        return msgspec.convert(document, wanted)
    except msgspec.ValidationError:
        raise refusal(data, shape_faults(document, wanted)) from None


def read_json(data: bytes, *, max_bytes: int) -> object:
    """
    Read JSON, strictly.

    Raises:
        RegistryFileError: as `wire.read`, with the place of the fault.
    """
    try:
        document: object = read(data, max_bytes=max_bytes, max_values=None)
    except JsonError as error:
        raise RegistryFileError((_json_fault(data, error, max_bytes),), found=1) from None
    return document


def refusal(data: bytes, findings: Iterable[Finding]) -> RegistryFileError:
    """
    Return the error that has the findings of a JSON text, in the order of the text.

    A finding about what the text does not have in so many words is told at the value that it would be in.
    """
    text = data.decode()
    there = {pointer for pointer, _ in positions(text)}
    details: defaultdict[str, list[str]] = defaultdict(list)
    for pointer, detail in findings:
        place = pointer
        while place not in there:
            place = place.rpartition("/")[0]
        details[place].append(detail)
    placed = (Fault(where, line, each) for where, line in in_order(text, details) for each in details[where])
    return RegistryFileError(
        tuple(islice(placed, MAX_FAULTS)), found=sum(len(each) for each in details.values())
    )


def _json_fault(data: bytes, error: JsonError, max_bytes: int) -> Fault:
    """
    Return where `data` is not the JSON we accept: at a value that is at fault, at the byte where the parser
    stopped, or at its end.
    """
    if len(data) > max_bytes:
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
