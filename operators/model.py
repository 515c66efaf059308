"""
Issuers, and what ids and names for people look like. Pure.
"""

import re

import msgspec

from wire import BadRequest

MAX_TEXT_CHARS = 256  # characters of a name for people to read
# One LDH label (RFC 5890, section 2.3.1) in lower case.
_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """
    An issuer whose lists we publish.

    Attributes:
        id: an LDH label; "default" is the service itself.
        did: what its lists name as `issuer`.
        owner: who answers for it, for people to read.
    """

    id: str
    did: str
    owner: str = ""


def is_id(text: str) -> bool:
    """Tell whether `text` can be the id of an issuer or a principal."""
    return _ID.fullmatch(text) is not None


def check_id(text: str, *, pointer: str = "/id") -> str:
    """
    Return `text` where it can be the id of an issuer or a principal.

    Raises:
        BadRequest: it is not 1 to 63 lower-case letters, digits and inner hyphens.
    """
    if not is_id(text):
        raise BadRequest("expected 1 to 63 lower-case letters, digits and inner hyphens", pointer=pointer)
    return text


def check_text(text: str, *, pointer: str) -> str:
    """
    Return `text` where it can be a name for people to read.

    Raises:
        BadRequest: over 256 characters, or with a control character (PostgreSQL cannot store U+0000).
    """
    if len(text) > MAX_TEXT_CHARS or not all(char.isprintable() for char in text):
        raise BadRequest(
            f"expected up to {MAX_TEXT_CHARS} characters without control characters", pointer=pointer
        )
    return text
