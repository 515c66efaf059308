"""
Strict CBOR (RFC 8949): what a stranger signed, read with caps, and what we sign, written in one way. Pure.

cbor2 decodes, once the heads of all items were walked. By itself it turns tags into whatever they stand for:
regular expressions, numbers of any length, references. It passes over bytes that are left, and takes the keys 1,
1.0 and true for one another.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import cbor2
import msgspec

from wire.json import MAX_REASON_CHARS

MAX_DEPTH = 16  # levels; a certificate chain in a header has two
MAX_ITEMS = (
    1_000  # objects are dear to make; a token has some twenty, and its list of statuses is one of them
)
_BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(2, 8)  # major types (RFC 8949, section 3.1)
_SCALARS = (bytes, str, bool, float, type(None))
_LEAST, _MOST = -(2**64), 2**64 - 1  # integers beyond are tagged bytes (section 3.4.3)
_FALSE, _TRUE, _NULL, _FLOATS = 20, 21, 22, (25, 26, 27)  # of major type 7 (section 3.3)


class CborError(ValueError):
    """Bytes that are not the CBOR we accept. The message says why; of the input it repeats a key at most."""


class Tagged(msgspec.Struct, frozen=True):
    """An item with a tag (RFC 8949, section 3.4), as it stands there: nothing was made of it."""

    number: int
    value: Any


def read_cbor(
    data: bytes,
    *,
    max_bytes: int,
    max_items: int = MAX_ITEMS,
    max_depth: int = MAX_DEPTH,
    tags: Collection[int] = (),
) -> Any:
    """
    Read `data`, one item: dict, list, bytes, str, int, float, bool or None; `Tagged` where a tag is allowed.

    Accepted though it looks wrong: heads that are longer than they need be (RFC 8949, section 4.1, is for writers),
    and keys of a map in any order.

    Args:
        tags: the numbers that are allowed; a tag counts as an item, and as a level.

    Raises:
        CborError: over `max_bytes`, `max_items` or `max_depth`; cut off, or with bytes after its end; another tag,
            an indefinite length, or a simple value other than false, true and null; text that is not UTF-8; a map
            with a key twice, or with one that is neither integer, text nor bytes.
    """
    if len(data) > max_bytes:
        raise CborError(f"{len(data)} bytes; the limit is {max_bytes}")
    count_items(data, max_items=max_items, tags=tags)
    try:
        return cbor2.loads(
            data,
            max_depth=max_depth,
            allow_indefinite=False,
            allow_duplicate_keys=False,
            object_hook=_with_plain_keys,
            semantic_decoders={number: _tagged(number) for number in tags},
        )
    except cbor2.CBORError as error:
        raise CborError(_reason(error)) from None


def write_cbor(value: object) -> bytes:
    """
    Return `value` in the core deterministic encoding (RFC 8949, section 4.2.1).

    Args:
        value: dict, list, tuple, bytes, str, int within 64 bits, float, bool and None, as far down as it goes.

    Raises:
        CborError: another value, which would be written with a tag, or a key that is neither integer, text nor
            bytes: we read neither.
    """
    return cbor2.dumps(_in_order(value))


def count_items(data: bytes, *, max_items: int, tags: Collection[int] = ()) -> int:
    """
    Return how many items are in the one of `data`, itself among them, without making an object of any.

    Raises:
        CborError: as `read_cbor`, for what the heads of the items show.
    """
    position, items, pending = 0, 0, 1
    while pending:
        if position < len(data) and data[position] & 31 < 24 and data[position] >> 5 < _TAG:
            major, argument, position = data[position] >> 5, data[position] & 31, position + 1  # as most are
        else:
            major, argument, position = _head(data, position, tags)
        items, pending = items + 1, pending - 1
        if major in (_BYTES, _TEXT):
            position += argument
        elif major in (_ARRAY, _MAP):
            pending += argument * (major - 3)  # a map has two items for each of its length
        elif major == _TAG:
            pending += 1
        if items + pending > max_items:
            raise CborError(f"over {max_items} items")
    if position != len(data):
        raise CborError("cut off" if position > len(data) else "there are bytes after the end")
    return items


def _head(data: bytes, position: int, tags: Collection[int]) -> tuple[int, int, int]:
    """Return the major type and the argument of the item at `position`, and where its head ends."""
    if position >= len(data):
        raise CborError("cut off")
    major, info = divmod(data[position], 32)
    if major == _TAG and not tags:
        raise CborError("a tag is not read here")
    if major == _SIMPLE and info not in (_FALSE, _TRUE, _NULL, *_FLOATS):
        raise CborError("a simple value other than false, true and null is not read here")
    if info > 27:
        raise CborError("an indefinite length is not read here")
    end = position + 1 + (1 << (info - 24) if info > 23 else 0)  # else it follows, in 1, 2, 4 or 8 bytes
    argument = int.from_bytes(data[position + 1 : end]) if info > 23 else info
    if major == _TAG and argument not in tags:
        raise CborError(f"the tag {argument} is not read here")
    return major, argument, end


def _tagged(number: int) -> Callable[[Any, bool], Tagged]:
    return lambda value, _immutable: Tagged(number, value)


def _with_plain_keys(found: Mapping[Any, Any], _immutable: bool) -> Mapping[Any, Any]:
    """Refuse keys that Python takes for other ones (true for 1, 1.0 for 1), and those that have parts."""
    if not all(type(key) in (int, str, bytes) for key in found):
        raise CborError("a map has a key that is neither integer, text nor bytes")
    return found


def _reason(error: BaseException) -> str:
    """Return what the innermost error says: the others say in which map or array."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)[:MAX_REASON_CHARS]


def _in_order(value: Any) -> Any:
    """
    Return `value` with the keys of each map in the order of their encoding.

    Raises:
        CborError: as `write_cbor`.
    """
    if isinstance(value, _SCALARS):
        return value
    if isinstance(value, int) and _LEAST <= value <= _MOST:
        return value
    if isinstance(value, dict):
        plain = _with_plain_keys(value, True)
        return {_in_order(key): _in_order(plain[key]) for key in sorted(plain, key=cbor2.dumps)}
    if isinstance(value, list | tuple):
        return [_in_order(item) for item in value]
    raise CborError("what would need a tag is not read here")
