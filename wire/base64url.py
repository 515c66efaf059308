"""
Base64url without padding (RFC 4648, section 5), in its one spelling. Pure.
"""

import base64
import binascii

# The alphabet of base64url as that of base64; what base64 has beside it, base64url has not.
_AS_BASE64 = bytes.maketrans(b"-_+/=", b"+/!!!")


class SecondSpelling(ValueError):
    """Bits are set after the last byte: another spelling of the same bytes."""


def encode_base64url(data: bytes) -> str:
    """Return the base64url of `data`, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_base64url(text: bytes | str) -> bytes:
    """
    Return the bytes of a base64url text without padding.

    Raises:
        SecondSpelling: bits are set after the last byte.
        ValueError: a character that is not in the alphabet, padding, or an impossible length.
    """
    plain = text.encode("ascii") if isinstance(text, str) else text
    padded = plain.translate(_AS_BASE64) + b"=" * (-len(plain) % 4)
    data = binascii.a2b_base64(padded, strict_mode=True)  # refuses a single character over, too
    if encode_base64url(data[-(len(data) % 3 or 3) :])[-1:].encode() != plain[-1:]:
        raise SecondSpelling("bits are set after the last byte")
    return data
