"""
Where in a JSON text a value stands: JSON pointers (RFC 6901) to lines. Pure.

Walks the tokens of a text that is JSON but for the fault looked for, such as duplicate members. Only files with
a fault are walked, since it costs about a second for each 4 MiB.
"""

import contextlib
import json
import math
import re
from collections.abc import Iterator, Mapping

import msgspec

from wire.json import MAX_NUMBER_CHARS

# A string, a bracket, a comma, or a number or literal; white space and colons are passed over.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\],]|[^\s{}\[\],:"]+', re.DOTALL)

_LONG_NUMBER = re.compile(rf"[0-9]{{{MAX_NUMBER_CHARS + 1}}}")

_STEPS = {"{": 1, "[": 1, "}": -1, "]": -1}


class _Container(msgspec.Struct):
    """An array or object being walked: its pointer, and the step to the value that comes next."""

    pointer: str
    is_object: bool
    step: str | None  # the member's name; None: the name itself comes next
    offset: int  # where the member's name stands

    def advance(self) -> None:
        self.step = None if self.is_object else str(int(self.step or 0) + 1)


def positions(text: str) -> Iterator[tuple[str, int]]:
    """
    Yield the pointer and offset of every value of `text`, in order; the document's own comes first.

    The offset of a member is that of its name, of anything else that of its first character.
    """
    open_containers: list[_Container] = []
    for token in _TOKEN.finditer(text):
        mark, inside = token[0], open_containers[-1] if open_containers else None
        if mark in ("}", "]"):
            open_containers.pop()
        elif inside is not None and mark == ",":
            inside.advance()
        elif inside is not None and inside.step is None:
            inside.step, inside.offset = json.loads(mark), token.start()
        else:
            pointer, offset = _position(inside, token.start())
            yield pointer, offset
            if mark in ("{", "["):
                is_object = mark == "{"
                open_containers.append(_Container(pointer, is_object, None if is_object else "0", 0))


def first_duplicate(text: str) -> tuple[str, int] | None:
    """Return the pointer and offset of the first member whose name its object already has, or None."""
    seen: set[str] = set()
    for pointer, offset in positions(text):
        if pointer in seen:
            return pointer, offset
        seen.add(pointer)
    return None


def place_of(text: str, offset: int) -> str:
    """
    Return the pointer of the value that the character at `offset` is in or stands after.

    `text` need not be JSON behind that character, nor in it; before it, it is.
    """
    found = ""
    with contextlib.suppress(ValueError, IndexError):  # What stands behind is no JSON.
        for pointer, start in positions(text):
            if start > offset:
                break
            found = pointer
    return found


def first_deeper(text: str, max_depth: int) -> int | None:
    """Return the offset of the first bracket that opens more than `max_depth` levels, or None."""
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += _STEPS.get(token[0], 0)
        if depth > max_depth:
            return token.start()
    return None


def first_long_number(text: str) -> int | None:
    """Return the offset of the first number with more digits in a row than `wire.json` reads, or None."""
    for token in _TOKEN.finditer(text):
        if token[0][0] != '"' and _LONG_NUMBER.search(token[0]):
            return token.start()
    return None


def first_out_of_range(text: str) -> int | None:
    """Return the offset of the first number that is beyond a double (IEEE 754), or None."""
    for token in _TOKEN.finditer(text):
        if token[0][0] in "-0123456789":
            with contextlib.suppress(ValueError):
                if math.isinf(float(token[0])):
                    return token.start()
    return None


def in_order(text: str, pointers: Mapping[str, object]) -> Iterator[tuple[str, int]]:
    """Yield those of `pointers` that are in `text`, with their lines, in the order of the text."""
    for pointer, offset in positions(text):
        if pointer in pointers:
            yield pointer, line_at(text, offset)


def line_at(text: str, offset: int) -> int:
    """Return the line, from 1, that the character at `offset` is on."""
    return text.count("\n", 0, offset) + 1


def step(name: str | int) -> str:
    """Return `name` as one step of a JSON pointer (RFC 6901, section 3)."""
    return "/" + str(name).replace("~", "~0").replace("/", "~1")


def _position(inside: _Container | None, start: int) -> tuple[str, int]:
    if inside is None:
        return "", start
    return inside.pointer + step(inside.step or ""), inside.offset if inside.is_object else start
