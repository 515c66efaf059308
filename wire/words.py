"""
What a value given by a person had to be, in words of people. Pure.
"""

from typing import Any, Literal, get_args, get_origin

import msgspec

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
