"""
Strict JSON (RFC 8259, and I-JSON's rule on duplicate members, RFC 7493 section 2.3). Pure.

Three ways in, one for each kind of input:

- `read`: what comes from a stranger, or is signed or hashed: every member kept as received, duplicates refused.
- `decode`: the same, then into a frozen Struct: our own API's bodies.
- `read_again`: what `read` gave, and we encoded and kept.

Bytes, depth and values are capped before anything is parsed, and no number takes the parser long, so that hostile
input costs as little as honest input: the default caps hold the interpreter for less than 10 ms (house rule).
"""

import json
import math
import re
from collections import Counter
from itertools import accumulate
from typing import Any, TypeVar

import msgspec

from wire.words import allowed_values

T = TypeVar("T")

MAX_DEPTH = 32  # levels; house rule for documents, and ample for our own bodies
MAX_VALUES = 6_144  # ten times what the longest honest body or document has; objects are dear to look through

# digits in a row, as many as the largest double has; reading and writing integers is quadratic
MAX_NUMBER_CHARS = 309
MAX_REASON_CHARS = 200  # characters; a parser's message may hold a member's name, which may be of any length
_MAX_SEARCHED_BYTES = 262_144  # 256 KiB; up to here what is wrong is looked for, to name it

BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")  # of UTF-8 and of UTF-16, either way round
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # +1 and, as a signed byte, -1
# RFC 8259, section 7, in bytes without escaped backslashes: a high half without a low one after it, or a low one
# without a high one before it. Both begin alike, so that the search skips what begins otherwise.
_LONE_SURROGATE = re.compile(
    rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD])[c-fC-F][0-9a-fA-F]{2})"
)
_ALIKE = bytes.maketrans(b"123456789{", b"000000000[")  # all digits are one, and both brackets that open
_LONG_ZEROS = b"0" * (MAX_NUMBER_CHARS + 1)
_NOT_ALLOWED = "Invalid enum value "  # as msgspec says it, before what it found
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
    max_values: int | None = MAX_VALUES,
) -> T:
    """
    Decode `data` into `type` (a Struct, usually frozen and with `forbid_unknown_fields`).

    Raises:
        JsonError: as `read`; or not of the type's shape.
    """
    value = read(data, max_bytes=max_bytes, max_depth=max_depth, max_values=max_values)
    try:
        return msgspec.convert(value, type, str_keys=True)
    except msgspec.ValidationError as error:
        raise _shape_error(error, type) from None


def read(
    data: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH, max_values: int | None = MAX_VALUES
) -> Any:
    """
    Read `data` as JSON values (dict, list, str, int, float, bool, None), each member as received.

    Args:
        max_values: None only where the bytes are our own or an operator's, or too few to be dear (32 KiB).

    Raises:
        JsonError: too long, too deep, over `max_values` values, a number of over `MAX_NUMBER_CHARS` or beyond a
            double, not JSON, not UTF-8, a byte order mark, a lone surrogate, or a duplicate member.
    """
    if len(data) > max_bytes:
        raise JsonError(f"{len(data)} bytes are over the limit of {max_bytes}")
    if not _is_plainly_small(data, max_depth, max_values):
        _check_caps(_outside_strings(data, max_values), max_depth, max_values)
    try:
        value = _DECODER.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise JsonError(f"not valid JSON: {_reason(error, data)}") from None
    if b"{" in data and _has_a_member_twice(data, value):
        raise JsonError(_duplicate_in(data))
    return value


def read_again(data: bytes) -> dict[str, Any]:
    """
    Return the object that `read` gave once, and that was encoded and kept; its numbers are still a stranger's.

    Raises:
        msgspec.DecodeError: not JSON.
    """
    value: dict[str, Any] = _DECODER.decode(data)
    return value


def encode(value: Any) -> bytes:
    """Return the compact JSON of `value`."""
    return msgspec.json.encode(value)


def _is_plainly_small(data: bytes, max_depth: int, max_values: int | None) -> bool:
    """
    Tell of most data, for a fifth of the time, that it is under every cap.

    False where its strings are needed to tell: they are counted in here, and cannot make data look better.
    """
    if len(data) <= MAX_NUMBER_CHARS and (max_values is None or max_values > MAX_NUMBER_CHARS):
        return data.count(b"[") + data.count(b"{") <= max_depth  # Too short for the other caps.
    alike = data.translate(_ALIKE)
    brackets = alike.count(b"[")
    if brackets > max_depth or (max_values is not None and brackets + data.count(b",") >= max_values):
        return False
    return _LONG_ZEROS not in alike


def _has_a_member_twice(data: bytes, value: Any) -> bool:
    """
    Tell whether an object in JSON that `value` was read from has a member twice.

    Compact JSON that comes out as it went in has none; nor has what does but for spaces after , and :, since no
    member ends, or becomes another, where such a space is taken out. Nor has what has a member for each colon.
    """
    compact = encode(value)
    if data == compact or data.replace(b", ", b",").replace(b": ", b":") == compact:
        return False
    return _members_in(value) != _outside_strings(data, None).count(b":")


def _outside_strings(data: bytes, max_values: int | None) -> bytes:
    """
    Return what JSON has outside of its strings; escapes are cut out first. Linear whatever the input.

    Raises:
        JsonError: so many quotation marks that there must be over `max_values` values.
    """
    quoted = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    # A value may be a string, as may its name.
    if max_values is not None and quoted.count(b'"') > 4 * max_values:
        raise JsonError(f"over {max_values} values")
    return b"".join(quoted.split(b'"')[::2])


def _check_caps(outside: bytes, max_depth: int, max_values: int | None) -> None:
    """
    Refuse JSON of too many values, too long a number or too deep a nesting, by what is outside of its strings.

    Brackets become steps of +1 and -1: the highest sum is the depth. Which kind closes which, and backslashes
    outside strings, are left to the parser: it stops at the first, and up to there the depth was right.
    """
    steps = memoryview(outside.translate(_STEPS, _NOT_BRACKETS)).cast("b")
    if max_values is not None and max(_values_in(outside), len(steps) // 2) > max_values:
        raise JsonError(f"over {max_values} values")
    if _LONG_ZEROS in outside.translate(_ALIKE):
        raise JsonError(f"a number of over {MAX_NUMBER_CHARS} digits")
    if len(steps) > max_depth and max(accumulate(steps)) > max_depth:
        raise JsonError(f"nested deeper than {max_depth} levels")


def _values_in(outside: bytes) -> int:
    """Return how many values JSON has at most, from what is outside of its strings: each opens or follows one."""
    return 1 + outside.count(b",") + outside.count(b"[") + outside.count(b"{")


def _number(text: str) -> float:
    """
    Read a number with a fraction or an exponent.

    The parser's own reading takes 9 us for 9e307 and others that are hard to round; this takes 0.9 us at most.
    """
    number = float(text)
    if math.isinf(number):
        raise ValueError("Number out of range")
    return number


_DECODER = msgspec.json.Decoder(float_hook=_number)


def _members_in(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(_members_in(item) for item in value.values() if type(item) is not str)
    if isinstance(value, list):
        return sum(_members_in(item) for item in value if type(item) is not str)
    return 0


def _duplicate_in(data: bytes) -> str:
    """Return the message for a document that has a member twice; which one is told where that is cheap."""
    if len(data) <= _MAX_SEARCHED_BYTES:
        try:
            json.loads(data.decode(), object_pairs_hook=_unique, parse_float=str, parse_int=str)
        except JsonError as error:
            return str(error)
    return "a member occurs twice in one object"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise JsonError(f"the member {twice[:64]!r} occurs twice in one object")
    return members


def _shape_error(error: msgspec.ValidationError, shape: Any) -> JsonError:
    text = str(error)
    path = _PATH.search(text)
    pointer, reason = pointer_of(path[1] if path else ""), _PATH.sub("", text)
    found = reason.removeprefix(_NOT_ALLOWED)
    if found != reason and (allowed := allowed_values(shape, pointer)):
        reason = f"expected one of {', '.join(map(str, allowed))}, found {found}"
    return JsonError(reason[:MAX_REASON_CHARS], pointer)


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
    if (mark := byte_order_mark(data)) is not None:
        return f"it begins with a {mark}; JSON is UTF-8 without one (RFC 8259, section 8.1)"
    if (start := first_bad_byte(data)) is not None:
        return f"byte {start} is not UTF-8"
    if len(data) <= _MAX_SEARCHED_BYTES and _LONE_SURROGATE.search(data.replace(b"\\\\", b"")):
        return "a string has half of a surrogate pair (\\ud800 to \\udfff), which is no character"
    return _PATH.sub("", str(error))[:MAX_REASON_CHARS]


def byte_order_mark(data: bytes) -> str | None:
    """Return the name of the byte order mark that `data` begins with; editors put it there, and do not show it."""
    found = next((mark for mark in BYTE_ORDER_MARKS if data.startswith(mark)), None)
    return None if found is None else f"byte order mark ({found.hex(' ').upper()})"


def first_bad_byte(data: bytes) -> int | None:
    """Return the index of the first byte that is not UTF-8; msgspec counts from the string it stands in."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None
