"""
Strict base58btc, base64url, varint and multibase: one spelling for each value. Pure.

Multibase (draft-multiformats-multibase), base58btc (draft-msporny-base58-03), base64url without padding
(RFC 4648, section 5), unsigned varint (multiformats/unsigned-varint, which demands the shortest form).

base58btc and base64url themselves are in `wire/`, and handed on here.
"""

import math

from wire.base58 import MAX_BASE58_CHARS, EncodingError, decode_base58btc, encode_base58btc
from wire.base64url import SecondSpelling, encode_base64url
from wire.base64url import decode_base64url as read_base64url

__all__ = [
    "LEADING_ERROR",
    "MAX_BASE58_CHARS",
    "MAX_BASE64URL_CHARS",
    "EncodingError",
    "decode_base58btc",
    "decode_base64url",
    "decode_multibase",
    "encode_base58btc",
    "encode_base64url",
    "encode_varint",
    "leading_bytes",
    "leading_value",
    "read_varint",
]

MAX_BASE64URL_CHARS = 8_192  # characters; no longer than a DID
_MAX_VARINT_BYTES = 9  # unsigned-varint: "at most 9 bytes"

LEADING_ERROR = 1e-6  # of `leading_value`, for texts of up to 10,000 characters


def leading_bytes(text: str) -> bytes:
    """
    Return the first two bytes of what a base58btc text of 9 characters or more stands for, without decoding it.

    They are found by logarithms, so that a number just below them (by one in 2^36) passes for them: good for
    choosing a cap, and no more. Of a text that begins with "1", or has other characters, they are b"".
    """
    leading = leading_value(text)
    return min(int(leading + LEADING_ERROR), 0xFFFF).to_bytes(2) if leading else b""


def leading_value(text: str) -> float:
    """
    Return the first two bytes of what a base58btc text of 9 characters or more stands for, and what follows them
    as a fraction, within `LEADING_ERROR`; without decoding it. 0.0 as `leading_bytes` is b"".
    """
    try:
        top = decode_base58btc(text[:9])
    except EncodingError:
        return 0.0
    if text.startswith("1"):
        return 0.0
    bits = math.log2(int.from_bytes(top)) + (len(text) - 9) * math.log2(58)
    return float(2 ** (bits - 8 * (bits // 8 - 1)))  # between 2^8 and 2^16


def decode_base64url(text: str, *, max_chars: int = MAX_BASE64URL_CHARS) -> bytes:
    """
    Return the bytes of a base64url text without padding.

    Raises:
        EncodingError: over `max_chars`, padding, a character that is not in the alphabet, an impossible
            length, or bits set after the last byte (a second spelling of the same bytes).
    """
    if len(text) > max_chars:
        raise EncodingError(f"{len(text)} characters of base64url are over the limit of {max_chars}")
    try:
        return read_base64url(text)
    except SecondSpelling:
        raise EncodingError("base64url with bits set after the last byte") from None
    except ValueError:
        raise EncodingError("expected base64url without padding") from None


def decode_multibase(text: str, *, max_chars: int = MAX_BASE58_CHARS) -> bytes:
    """
    Return the bytes of a multibase text in base58btc (`z`), the only base that we take for keys.

    Raises:
        EncodingError: another base, or as `decode_base58btc` (`max_chars` counts what follows the "z").
    """
    if not text.startswith("z"):
        raise EncodingError('expected multibase base58btc, which begins with "z"')
    return decode_base58btc(text[1:], max_chars=max_chars)


def encode_varint(number: int) -> bytes:
    """Return the unsigned varint of `number` (0 <= number < 2^63), least significant group first."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def read_varint(data: bytes) -> tuple[int, bytes]:
    """
    Return the unsigned varint that `data` begins with, and the bytes after it.

    Raises:
        EncodingError: no end within 9 bytes or within `data`, or not the shortest form.
    """
    number = 0
    for position, byte in enumerate(data[:_MAX_VARINT_BYTES]):
        number |= (byte & 0x7F) << (7 * position)
        if byte < 0x80:
            if byte == 0 and position > 0:
                raise EncodingError("the varint is not in its shortest form")
            return number, data[position + 1 :]
    raise EncodingError("the varint has no end")
