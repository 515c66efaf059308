"""
The JSON Canonicalization Scheme (RFC 8785). Pure.

msgspec encodes: sorted, where `is_plain` proves that equal to the scheme; otherwise names are put in order and
floats are spelled here first. The package rfc8785 spells the floats that are hard, and is the oracle in the tests;
all of a long text it would write a hundred times slower.
"""

import math
from collections.abc import Iterable
from typing import Any

import msgspec

from proofs.errors import TransformationFailed

JsonObject = dict[str, Any]

MAX_SAFE_INTEGER = 2**53 - 1  # RFC 8785, section 3.2.2.3, and appendix D: beyond it a double is not exact

_encoder = msgspec.json.Encoder()
_sorting_encoder = msgspec.json.Encoder(order="sorted")


def canonicalize(value: object) -> bytes:
    """
    Return the canonical JSON of `value`: dict, list, str, int, float, bool and None, as `wire.read` gives it.

    Raises:
        TransformationFailed: an integer outside +-(2^53 - 1), a float that is not finite, a lone surrogate,
            a key that is no string, or a value that is not JSON.
    """
    try:
        return _sorting_encoder.encode(value) if is_plain(value) else _encoder.encode(_in_order(value))
    except (TypeError, ValueError, RecursionError) as error:
        # UnicodeEncodeError (a lone surrogate) is a ValueError too; its text would repeat the input.
        reason = "a lone surrogate" if isinstance(error, UnicodeError) else str(error)[:160]
        raise TransformationFailed(f"the document has no canonical JSON: {reason}") from None


def is_plain(value: object) -> bool:
    """
    Tell whether both encoders agree on `value`.

    - Keys: ASCII sorts alike by code point (msgspec) and by UTF-16 code unit (RFC 8785, section 3.2.3).
    - Numbers: integers have one spelling; floats would need ECMAScript's.
    - Strings: both escape the quotation mark, the backslash and U+0000 to U+001F alike, and nothing else.
    """
    if isinstance(value, dict):
        return _are_ascii(value) and _are_plain(value.values())
    if isinstance(value, list):
        return _are_plain(value)
    if type(value) is int:
        return -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER
    return value is None or type(value) in (str, bool)


def _are_ascii(names: Iterable[str]) -> bool:
    try:
        return "".join(names).isascii()
    except TypeError:  # one that is no string
        return False


def _are_plain(values: Iterable[object]) -> bool:
    for value in values:  # noqa: SIM110 - a generator for each list would double it, and so would a call for each string
        if type(value) is not str and not is_plain(value):
            return False
    return True


def _in_order(value: Any) -> Any:
    """Return `value` as msgspec writes it canonically: names in the order of RFC 8785, floats spelled."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, dict):
        return {name: _in_order(value[name]) for name in sorted(value, key=_utf16)}
    if isinstance(value, list):
        return [_in_order(item) for item in value]
    if isinstance(value, float):
        return msgspec.Raw(_spelled(value))
    if isinstance(value, int) and -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER:
        return value
    raise ValueError(f"no canonical form of a value of type {type(value).__name__}, or beyond 2^53")


def _utf16(name: object) -> bytes:
    """Return what names are sorted by (RFC 8785, section 3.2.3)."""
    if not isinstance(name, str):
        raise TypeError("expected strings as names")
    return name.encode("utf-16-be")


def _spelled(number: float) -> bytes:
    """Return the number as ECMAScript writes it: as Python does, where that has a fraction and no exponent."""
    # What the other way costs, some 2 us a number, is bounded by the caps on what was read alone.
    text = repr(number)
    if "e" not in text and not text.endswith(".0") and math.isfinite(number):
        return text.encode()
    import rfc8785  # most processes never meet a value that needs it

    return rfc8785.dumps(number)
