"""
Strict JSON (RFC 8259, and I-JSON's rule on duplicate members, RFC 7493 section 2.3). Pure.

Two ways in, one for each kind of input:

- `decode`: our own API's bodies, straight into a frozen Struct.
- `read`: what is signed, hashed or comes from a stranger: every member kept as received, duplicates refused.

Both cap the bytes and the depth before they parse, so that hostile input costs as little as honest input.
"""

import json
import re
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

MAX_DEPTH = 32  # levels; house rule for documents, and ample for our own bodies

# A string, or the rest of the input where its end is missing: the match never fails, so it stays linear.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+\\?"?', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_PATH = re.compile(r" - at `\$(.*)`$", re.DOTALL)


class JsonError(ValueError):
    """
    Bytes that are not the JSON we accept. The message says why and never repeats the input.

    `pointer` is the JSON pointer (RFC 6901) of the value at fault, "" for the document itself.
    """

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer


def decode(data: bytes, type: type[T], *, max_bytes: int, max_depth: int = MAX_DEPTH) -> T:
    """
    Decode `data` into `type` (a Struct, usually frozen and with `forbid_unknown_fields`).

    Raises:
        JsonError: too long, too deep, not JSON, not UTF-8, duplicate members, or not of the type's shape.
    """
    _check_size_and_depth(data, max_bytes, max_depth)
    _refuse_duplicates(data)
    try:
        return msgspec.json.decode(data, type=type)
    except msgspec.ValidationError as error:
        raise _shape_error(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise JsonError(f"not valid JSON: {_reason(error)}") from None


def read(data: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH) -> Any:
    """
    Read `data` as JSON values (dict, list, str, int, float, bool, None), each member as received.

    Raises:
        JsonError: too long, too deep, not JSON, not UTF-8, a byte order mark, a lone surrogate, or a
            duplicate member.
    """
    _check_size_and_depth(data, max_bytes, max_depth)
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise JsonError(f"not valid JSON: {_reason(error)}") from None
    _refuse_duplicates(data)
    return value


def encode(value: Any) -> bytes:
    """Return the compact JSON of `value`."""
    return msgspec.json.encode(value)


def _check_size_and_depth(data: bytes, max_bytes: int, max_depth: int) -> None:
    """
    Refuse `data` over `max_bytes`, or nested deeper than `max_depth`, without parsing it.

    Strings are cut out, all but brackets dropped, and innermost pairs removed `max_depth` times: what is
    left was deeper than that, or not balanced. All of it is C code over at most `max_bytes`.
    """
    if len(data) > max_bytes:
        raise JsonError(f"{len(data)} bytes are over the limit of {max_bytes}")
    brackets = _STRING.sub(b"", data).translate(None, _NOT_BRACKETS)
    for _ in range(max_depth):
        if not brackets:
            return
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    if brackets:
        raise JsonError(f"nested deeper than {max_depth} levels, or brackets that do not match")


def _refuse_duplicates(data: bytes) -> None:
    try:
        json.loads(data.decode(), object_pairs_hook=_unique)
    except JsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise JsonError(f"not valid JSON: {_reason(error)}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in members if names.count(name) > 1)
        raise JsonError(f"the member {twice[:64]!r} occurs twice in one object")
    return members


def _shape_error(error: msgspec.ValidationError) -> JsonError:
    text = str(error)
    path = _PATH.search(text)
    return JsonError(_PATH.sub("", text), pointer_of(path[1] if path else ""))


def pointer_of(path: str) -> str:
    """
    Return the JSON pointer of a msgspec path such as `.issuers[3].name` (RFC 6901).

    Where the path leads into a map (`[...]`) the pointer ends at the map: msgspec does not tell the name.
    """
    steps = re.findall(r"\[(\d+|\.\.\.)\]|\.([^.\[]+)", path.partition("[...]")[0])
    return "".join(f"/{index or name}" for index, name in steps)


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error)[:160]
