"""
The JSON Canonicalization Scheme (RFC 8785). Pure.

Two encoders, one result: msgspec's sorted encoding (many times faster) where `is_plain` proves it equal to
the scheme, rfc8785 for everything else, which is also the oracle in the tests.
"""

from typing import Any

import msgspec

from proofs.errors import TransformationFailed

JsonObject = dict[str, Any]

MAX_SAFE_INTEGER = 2**53 - 1  # RFC 8785, section 3.2.2.3, and appendix D: beyond it a double is not exact

_encoder = msgspec.json.Encoder(order="sorted")


def canonicalize(value: object) -> bytes:
    """
    Return the canonical JSON of `value`: dict, list, str, int, float, bool and None, as `wire.read` gives it.

    Raises:
        TransformationFailed: an integer outside +-(2^53 - 1), a float that is not finite, a lone surrogate,
            a key that is no string, or a value that is not JSON.
    """
    try:
        return _encoder.encode(value) if is_plain(value) else _canonicalize_any(value)
    except (ValueError, RecursionError) as error:
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
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if isinstance(value, dict):
        for key, item in value.items():
            if type(key) is not str or not key.isascii():
                return False
            if type(item) is not str and not is_plain(
                item
            ):  # Most are strings: a call for each would double it.
                return False
        return True
    if isinstance(value, list):
        return all(type(item) is str or is_plain(item) for item in value)
    return type(value) is int and -MAX_SAFE_INTEGER <= value <= MAX_SAFE_INTEGER


def _canonicalize_any(value: Any) -> bytes:
    import rfc8785  # most processes never meet a value that needs it

    return rfc8785.dumps(value)
