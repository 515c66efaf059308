"""
Strict JSON (RFC 8259, and I-JSON's rule on duplicate members, RFC 7493 section 2.3). Pure.

Two ways in, one for each kind of input:

- `decode`: our own API's bodies, straight into a frozen Struct.
- `read`: what is signed, hashed or comes from a stranger: every member kept as received, duplicates refused.

Both cap the bytes and the depth before they parse, so that hostile input costs as little as honest input.
"""

import json
import re
from collections import Counter
from itertools import accumulate
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

MAX_DEPTH = 32  # levels; house rule for documents, and ample for our own bodies

MAX_NUMBER_CHARS = (
    400  # digits in a row; a double has 309 at most. Reading and writing integers is quadratic.
)
MAX_REASON_CHARS = 200  # characters; a parser's message may hold a member's name, which may be of any length

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # +1 and, as a signed byte, -1
# RFC 8259, section 7, in bytes without escaped backslashes: a high half without a low one after it, or a low one
# without a high one before it.
_LONE_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
_LONG_ZEROS = b"0" * (MAX_NUMBER_CHARS + 1)
_PATH = re.compile(r" - at `\$([^`]*)`$")


class JsonError(ValueError):
    """
    Bytes that are not the JSON we accept. The message says why; of the input it repeats a member's name at most.

    `pointer` is the JSON pointer (RFC 6901) of the value at fault, "" for the document itself.
    """

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer


def decode(
    data: bytes,
    type: type[T],
    *,
    max_bytes: int,
    max_depth: int = MAX_DEPTH,
    max_values: int | None = None,
) -> T:
    """
    Decode `data` into `type` (a Struct, usually frozen and with `forbid_unknown_fields`).

    Raises:
        JsonError: too long, too deep, over `max_values` values, not JSON, not UTF-8, duplicate members, or not of
            the type's shape.
    """
    _check_size_and_depth(data, max_bytes, max_depth, max_values)
    _refuse_duplicates(data)
    try:
        return msgspec.json.decode(data, type=type)
    except msgspec.ValidationError as error:
        raise _shape_error(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise JsonError(f"not valid JSON: {_reason(error, data)}") from None


def read(data: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH, max_values: int | None = None) -> Any:
    """
    Read `data` as JSON values (dict, list, str, int, float, bool, None), each member as received.

    Raises:
        JsonError: too long, too deep, over `max_values` values, a number of over `MAX_NUMBER_CHARS`, not JSON,
            not UTF-8, a byte order mark, a lone surrogate, or a duplicate member.
    """
    _check_size_and_depth(data, max_bytes, max_depth, max_values)
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise JsonError(f"not valid JSON: {_reason(error, data)}") from None
    if encode(value) != data:  # Compact JSON that comes out as it went in has no member twice.
        _refuse_duplicates(data)
    return value


def encode(value: Any) -> bytes:
    """Return the compact JSON of `value`."""
    return msgspec.json.encode(value)


def _check_size_and_depth(data: bytes, max_bytes: int, max_depth: int, max_values: int | None = None) -> None:
    """
    Refuse `data` over `max_bytes`, nested deeper than `max_depth`, or of over `max_values`, without parsing it.

    Escapes and strings are cut out, and the brackets that are left become steps of +1 and -1: the highest sum
    is the depth. Linear whatever the input. Which kind closes which, and backslashes outside strings, are left
    to the parser: it stops at the first, and up to there the depth was right.
    """
    if len(data) > max_bytes:
        raise JsonError(f"{len(data)} bytes are over the limit of {max_bytes}")
    if max_values is None and _is_plainly_shallow(data, max_depth):
        return
    quoted = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    if (
        max_values is not None and quoted.count(b'"') > 4 * max_values
    ):  # A value may be a string, as may its name.
        raise JsonError(f"over {max_values} values")
    outside = b"".join(quoted.split(b'"')[::2])
    if max_values is not None and _values_in(outside) > max_values:
        raise JsonError(f"over {max_values} values")
    if _LONG_ZEROS in outside.translate(_ZEROS):
        raise JsonError(f"a number of over {MAX_NUMBER_CHARS} digits")
    steps = memoryview(outside.translate(_STEPS, _NOT_BRACKETS)).cast("b")
    if len(steps) > max_depth and max(accumulate(steps)) > max_depth:
        raise JsonError(f"nested deeper than {max_depth} levels")


def _is_plainly_shallow(data: bytes, max_depth: int) -> bool:
    """
    Tell of most data, for a fifth of the time, that it is neither too deep nor has a long number.

    False where its strings are needed to tell: they are counted in here, and cannot make data look better.
    """
    if data.count(b"[") + data.count(b"{") > max_depth:
        return False
    return _LONG_ZEROS not in data.translate(_ZEROS)


def _values_in(outside: bytes) -> int:
    """Return how many values JSON has at most, from what is outside of its strings: each opens or follows one."""
    return 1 + outside.count(b",") + outside.count(b"[") + outside.count(b"{")


def _refuse_duplicates(data: bytes) -> None:
    try:
        json.loads(data.decode(), object_pairs_hook=_unique)
    except JsonError:
        raise
    except (ValueError, RecursionError) as error:
        raise JsonError(f"not valid JSON: {_reason(error, data)}") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise JsonError(f"the member {twice[:64]!r} occurs twice in one object")
    return members


def _shape_error(error: msgspec.ValidationError) -> JsonError:
    text = str(error)
    path = _PATH.search(text)
    return JsonError(_PATH.sub("", text)[:MAX_REASON_CHARS], pointer_of(path[1] if path else ""))


def pointer_of(path: str) -> str:
    """
    Return the JSON pointer of a msgspec path such as `.issuers[3].name` (RFC 6901).

    Where the path leads into a map (`[...]`) the pointer ends at the map: msgspec does not tell the name.
    """
    steps = re.findall(r"\[(\d+|\.\.\.)\]|\.([^.\[]+)", path.partition("[...]")[0])
    return "".join(f"/{index or name}" for index, name in steps)


def _reason(error: Exception, data: bytes) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if (start := first_bad_byte(data)) is not None:
        return f"byte {start} is not UTF-8"
    if _LONE_SURROGATE.search(data.replace(b"\\\\", b"")):
        return "a string has half of a surrogate pair (\\ud800 to \\udfff), which is no character"
    return _PATH.sub("", str(error))[:MAX_REASON_CHARS]


def first_bad_byte(data: bytes) -> int | None:
    """Return the index of the first byte that is not UTF-8; msgspec counts from the string it stands in."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None
