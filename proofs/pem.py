"""
The blocks of a text in PEM, strictly (RFC 7468). Pure.
"""

import binascii
import re
from base64 import b64decode

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----([A-Za-z0-9+/=\s]*+)-----END \1-----")
_BOUNDARY = re.compile(rb"-----BEGIN ")


def is_pem(data: bytes) -> bool:
    """Tell whether there is a block, or the beginning of one; words may come before it (section 2)."""
    return _BOUNDARY.search(data) is not None


def read_pem(text: bytes) -> list[tuple[str, bytes]]:
    """
    Return label and content of all blocks, in their order; words between them are skipped (section 2).

    Raises:
        ValueError: there is no block, one is cut off or has headers, or its content is no base64. The message
            quotes nothing but labels.
    """
    blocks = _BLOCK.findall(text)
    if not blocks or len(blocks) != len(_BOUNDARY.findall(text)):
        raise ValueError("expected blocks in PEM (RFC 7468)")
    return [(label.decode(), _decode(label, body)) for label, body in blocks]


def _decode(label: bytes, body: bytes) -> bytes:
    try:
        return b64decode(b"".join(body.split()), validate=True)
    except binascii.Error:
        raise ValueError(f"a {label.decode()} block is not base64") from None
