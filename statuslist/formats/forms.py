"""
How a list is named, and the forms in which each version of it is published. Pure.

    <base URL>/status-lists/<set id>-<purpose>                    negotiates; nothing refers to it
    <base URL>/status-lists/<set id>-<purpose>/credential.json    application/vc: Data Integrity proof
    <base URL>/status-lists/<set id>-<purpose>/credential.jwt     application/vc+jwt

Each form is a credential of its own, whose `id` is its permanent URL: a verifier compares the two (Bitstring
Status List v1.0, section 2.2, "id"). So an entry names the form that its verifier will read, which is the one
secured as the credential that carries the entry is (section 2, last note: the same mechanism for both).
"""

import re
from typing import Literal

FormName = Literal["credential.json", "credential.jwt"]
FormMediaType = Literal["application/vc", "application/vc+jwt"]

DATA_INTEGRITY: FormName = "credential.json"
JWT: FormName = "credential.jwt"
MEDIA_TYPES: dict[FormName, FormMediaType] = {DATA_INTEGRITY: "application/vc", JWT: "application/vc+jwt"}
MAX_FORM_BYTES = 16 * 1024 * 1024  # 16 MiB; 2^26 incompressible entries in base64, and the credential around
FORMS: dict[FormMediaType, FormName] = {media_type: form for form, media_type in MEDIA_TYPES.items()}

# A set id: one LDH label (RFC 5890, section 2.3.1) of at most 48 characters in lower case.
_SET_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?", re.ASCII)


def is_set_id(text: str) -> bool:
    """Tell whether `text` can be the id of a set: lower-case letters, digits, and hyphens inside."""
    return _SET_ID.fullmatch(text) is not None


def list_id_of(set_id: str, purpose: str) -> str:
    """Return the id of a set's list. No purpose holds a hyphen, so that no two sets share a list id."""
    return f"{set_id}-{purpose}"


def list_url(base_url: str, list_id: str, form: FormName) -> str:
    """Return the permanent URL of one form of a list: its credential's `id`."""
    return f"{base_url}/status-lists/{list_id}/{form}"


def parse_list_url(base_url: str, url: str) -> tuple[str, FormName] | None:
    """Return list id and form of a permanent URL below `base_url`; None for every other URL."""
    parts = url.removeprefix(f"{base_url}/status-lists/").split("/")
    if not url.startswith(f"{base_url}/status-lists/") or len(parts) != 2:
        return None
    return next(((parts[0], form) for form in MEDIA_TYPES if form == parts[1]), None)
