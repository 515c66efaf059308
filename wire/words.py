"""
What a value given by a person had to be, in words of people. Pure.
"""

from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import inspect

_SCALARS: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    float | None: "a number",
    bool: "true or false",
}
_CONTAINERS: dict[Any, str] = {
    tuple[str, ...]: 'a list of texts, such as ["a", "b"]',
    tuple[dict[str, Any], ...]: "a list of tables",
    dict[str, Any]: "a table",
}


def type_fault(value: Any, kind: Any, expected: str = "") -> str | None:
    """
    Return what is wrong with a value by its type, or None.

    A list or a table is not repeated, nor what stands in the place of one: it may hold a secret.

    Args:
        kind: as msgspec takes it; "1" passes for 1.
        expected: what to say in the place of the words for `kind`.
    """
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        scalar = f"one of {', '.join(get_args(kind))}" if get_origin(kind) is Literal else _SCALARS.get(kind)
        shown = scalar is not None and isinstance(value, str | int | float)
        return f"expected {expected or scalar or _CONTAINERS[kind]}" + (f", found {value!r}" if shown else "")
    return None


def allowed_values(shape: Any, pointer: str) -> tuple[str | int, ...]:
    """
    Return the values that a member may have, of one that may have a few only; else none.

    Args:
        shape: of the document, as msgspec takes it.
        pointer: the JSON pointer of the member (RFC 6901).
    """
    types = _alternatives(_type_of(shape))
    for step in pointer.split("/")[1:]:
        types = [part for kind in types for part in _alternatives(_part_of(kind, step))]
    return tuple(value for kind in types for value in _values_of(kind))


@lru_cache(maxsize=256)  # More than there are; to look through one takes longer than to refuse a body.
def _type_of(shape: Any) -> inspect.Type:
    return inspect.type_info(shape)


def _alternatives(kind: inspect.Type | None) -> list[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        return _alternatives(kind.type)
    if isinstance(kind, inspect.UnionType):
        return [found for each in kind.types for found in _alternatives(each)]
    return [] if kind is None else [kind]


def _part_of(kind: inspect.Type, step: str) -> inspect.Type | None:
    if isinstance(kind, inspect.StructType):
        return next((field.type for field in kind.fields if field.encode_name == step), None)
    return kind.item_type if isinstance(kind, inspect.VarTupleType | inspect.ListType) else None


def _values_of(kind: inspect.Type) -> tuple[Any, ...]:
    if isinstance(kind, inspect.EnumType):
        return tuple(member.value for member in kind.cls)
    return tuple(sorted(kind.values, key=str)) if isinstance(kind, inspect.LiteralType) else ()
