"""
What a value given by a person had to be, in words of people. Pure.
"""

from typing import Any, Literal, get_args, get_origin

import msgspec

_WORDS: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    float | None: "a number",
    bool: "true or false",
    tuple[str, ...]: 'a list of texts, such as ["a", "b"]',
    tuple[dict[str, Any], ...]: "a list of tables",
    dict[str, Any]: "a table",
}


def type_fault(value: Any, kind: Any, expected: str = "") -> str | None:
    """
    Return what is wrong with a value by its type, or None.

    A list or a table is not repeated: it may hold a secret.

    Args:
        kind: as msgspec takes it; "1" passes for 1.
        expected: what to say in the place of the words for `kind`.
    """
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        shown = isinstance(value, str | int | float)
        return f"expected {expected or _words_of(kind)}" + (f", found {value!r}" if shown else "")
    return None


def _words_of(kind: Any) -> str:
    return f"one of {', '.join(get_args(kind))}" if get_origin(kind) is Literal else _WORDS[kind]
