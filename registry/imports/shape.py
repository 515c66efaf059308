"""
Every place at which JSON values differ from the shape that Structs give, not only the first. Pure.

msgspec stops at the first fault, which is right for a request and tiresome for a file of thousands of lines.
"""

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from registry.imports.locate import step
from registry.placed import Finding


def shape_faults(value: object, wanted: Any, pointer: str = "") -> Iterator[Finding]:
    """
    Yield the pointer and the reason of every fault that `value` has as a `wanted`.

    `wanted` is a Struct, or what its fields are made of: lists, maps, scalars, each perhaps annotated. The parts
    are asked first; a value whose parts are right is itself at fault.
    """
    try:
        msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        deeper = list(_parts_at_fault(value, _unwrapped(wanted), pointer))
        yield from deeper or [(pointer, _in_words(wanted, error))]


def _parts_at_fault(value: object, wanted: Any, pointer: str) -> Iterator[Finding]:
    if isinstance(value, dict) and isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        yield from _members_at_fault(value, wanted, pointer)
    elif isinstance(value, dict) and get_origin(wanted) is dict:
        key, entry = get_args(wanted)
        yield from _entries_at_fault(value, key, entry, pointer)
    elif isinstance(value, list) and get_origin(wanted) is list:
        for index, item in enumerate(value):
            yield from shape_faults(item, get_args(wanted)[0], pointer + step(index))


def _members_at_fault(
    value: dict[str, object], wanted: type[msgspec.Struct], pointer: str
) -> Iterator[Finding]:
    hints = get_type_hints(wanted, include_extras=True)
    fields = {field.encode_name: field for field in msgspec.structs.fields(wanted)}
    for name, member in value.items():
        if name in fields:
            yield from shape_faults(member, hints[fields[name].name], pointer + step(name))
        elif wanted.__struct_config__.forbid_unknown_fields:
            yield pointer + step(name), "no such member is known here"
    for name, field in fields.items():
        if field.required and name not in value:
            yield pointer, f"the member `{name}` is missing"


def _entries_at_fault(value: dict[str, object], key: Any, wanted: Any, pointer: str) -> Iterator[Finding]:
    for name, entry in value.items():
        yield from shape_faults(name, key, pointer + step(name))
        yield from shape_faults(entry, wanted, pointer + step(name))


def _unwrapped(wanted: Any) -> Any:
    return get_args(wanted)[0] if get_origin(wanted) is Annotated else wanted


def _in_words(wanted: Any, error: msgspec.ValidationError) -> str:
    """
    Return msgspec's words without the path, and without anything of the file's own.

    Where it shows the pattern that a text must match, what `wanted` is said to be stands in its place.
    """
    reason = str(error).partition(" - at ")[0]
    meta = _described(wanted)
    if "matching regex" not in reason or meta is None or not meta.description:
        return reason
    example = f", such as {meta.examples[0]}" if meta.examples else ""
    return f"expected {meta.description[0].lower()}{meta.description[1:].rstrip('.')}{example}"


def _described(wanted: Any) -> Meta | None:
    """Return the description of a text, also of one that may be null."""
    for part in (wanted, *get_args(wanted)):
        for meta in getattr(part, "__metadata__", ()):
            if isinstance(meta, Meta) and meta.pattern is not None:
                return meta
    return None
