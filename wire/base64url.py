"""
Base64url without padding (RFC 4648, section 5), in its one spelling. Pure.
"""

import binascii

# The alphabet of base64url as that of base64; what base64 has beside it, base64url has not.
_AS_BASE64 = bytes.maketrans(b"-_+/=", b"+/!!!")
_AS_BASE64URL = bytes.maketrans(b"+/", b"-_")
# By the characters in the last group: those that may be the last one, since they set no bits after the last byte.
_LAST = {2: b"AQgw", 3: b"AEIMQUYcgkosw048"}


class SecondSpelling(ValueError):
    """Bits are set after the last byte: another spelling of the same bytes."""


def encode_base64url(data: bytes) -> str:
    """Return the base64url of `data`, without padding."""
    return binascii.b2a_base64(data, newline=False).translate(_AS_BASE64URL).rstrip(b"=").decode()


def decode_base64url(text: bytes | str) -> bytes:
    """
    Return the bytes of a base64url text without padding.

    Raises:
        SecondSpelling: bits are set after the last byte.
        ValueError: a character that is not in the alphabet, padding, or an impossible length.
    """
    plain = text.encode("ascii") if isinstance(text, str) else text
    over = len(plain) % 4
    padded = plain.translate(_AS_BASE64) + b"=" * (-len(plain) % 4)
    data = binascii.a2b_base64(padded, strict_mode=True)  # refuses a single character over, too
    if over and plain[-1] not in _LAST[over]:
        raise SecondSpelling("bits are set after the last byte")
    return data
