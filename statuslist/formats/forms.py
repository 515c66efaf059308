"""
How a list is named, and the forms in which each version of it is published. Pure.

    <base URL>/status-lists/<set id>-<purpose>                    a W3C list; negotiates; nothing refers to it
    <base URL>/status-lists/<set id>-<purpose>/credential.json    application/vc: Data Integrity proof
    <base URL>/status-lists/<set id>-<purpose>/credential.jwt     application/vc+jwt
    <base URL>/status-lists/<set id>                              the set's token list (IETF); negotiates
    <base URL>/status-lists/<set id>/token.jwt                    application/statuslist+jwt
    <base URL>/status-lists/<set id>/token.cwt                    application/statuslist+cwt

Each form says its own permanent URL, in `id` or `sub`, and a verifier compares the two (Bitstring Status List v1.0,
section 2.2, "id"; Token Status List, section 8.3). So an entry names the form that its verifier will read, which is
the one secured as the credential that carries the entry is (Bitstring Status List, section 2, last note).
"""

import re
from typing import Literal

from statuslist.formats.purposes import PURPOSES

BitstringForm = Literal["credential.json", "credential.jwt"]
TokenForm = Literal["token.jwt", "token.cwt"]
FormName = BitstringForm | TokenForm
FormMediaType = Literal["application/vc", "application/vc+jwt"]

DATA_INTEGRITY: BitstringForm = "credential.json"
JWT: BitstringForm = "credential.jwt"
TOKEN_JWT: TokenForm = "token.jwt"
TOKEN_CWT: TokenForm = "token.cwt"
BITSTRING_FORMS: tuple[BitstringForm, ...] = (DATA_INTEGRITY, JWT)
TOKEN_FORMS: tuple[TokenForm, ...] = (TOKEN_JWT, TOKEN_CWT)
FORM_NAMES: tuple[FormName, ...] = (*BITSTRING_FORMS, *TOKEN_FORMS)
MEDIA_TYPES: dict[FormName, str] = {
    DATA_INTEGRITY: "application/vc",
    JWT: "application/vc+jwt",
    TOKEN_JWT: "application/statuslist+jwt",
    TOKEN_CWT: "application/statuslist+cwt",
}
FORMS: dict[FormMediaType, BitstringForm] = {"application/vc": DATA_INTEGRITY, "application/vc+jwt": JWT}
POPULATION_PATHS = ("aggregation", "bundle", "changes")  # below `/status-lists/`, beside the lists
MAX_FORM_BYTES = 32 * 1024 * 1024  # 32 MiB; 2^26 incompressible entries of two bits, in base64 twice

# A set id: one LDH label (RFC 5890, section 2.3.1) of at most 48 characters in lower case.
_SET_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?", re.ASCII)


_LIST_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", re.ASCII)  # and of a list: a purpose more


def is_set_id(text: str) -> bool:
    """Tell whether `text` can be the id of a set: lower-case letters, digits, and hyphens inside."""
    return _SET_ID.fullmatch(text) is not None


def is_reserved(set_id: str) -> bool:
    """
    Tell whether the id of a set is the name of something else below `/status-lists/`: of a W3C list, or of all
    lists of an issuer. The token list of a set has the id of its set, so that such a set cannot have one.
    """
    return set_id in POPULATION_PATHS or set_id.endswith(tuple(f"-{purpose}" for purpose in PURPOSES))


def list_id_of(set_id: str, purpose: str) -> str:
    """Return the id of a set's list. No purpose holds a hyphen, so that no two sets share a list id."""
    return f"{set_id}-{purpose}"


def token_list_id_of(set_id: str) -> str:
    """Return the id of a set's token list: its own."""
    return set_id


def set_id_of(list_id: str, form: FormName) -> str:
    """Return the id of the set that a list with such a form belongs to."""
    return list_id if form in TOKEN_FORMS else list_id.rpartition("-")[0]


def list_url(base_url: str, list_id: str, form: FormName) -> str:
    """Return the permanent URL of one form of a list: its credential's `id`, its token's `sub`."""
    return f"{base_url}/status-lists/{list_id}/{form}"


def paths_of(list_id: str) -> tuple[str, ...]:
    """Return every path at which a list may be read, of whichever kind it is."""
    path = f"/status-lists/{list_id}"
    return (path, *(f"{path}/{form}" for form in FORM_NAMES))


def is_list_path(path: str) -> bool:
    """Tell whether a relative path is that of a form of a list: `status-lists/<list id>/<form>`."""
    parts = path.split("/")
    return (
        len(parts) == 3
        and parts[0] == "status-lists"
        and _LIST_ID.fullmatch(parts[1]) is not None
        and parts[2] in FORM_NAMES
    )


def aggregation_url(base_url: str, issuer_id: str) -> str:
    """Return the URL at which all token lists of an issuer are named (Token Status List, section 9)."""
    return f"{base_url}/status-lists/aggregation/{issuer_id}"


def parse_list_url(base_url: str, url: str) -> tuple[str, FormName] | None:
    """Return list id and form of a permanent URL below `base_url`; None for every other URL."""
    parts = url.removeprefix(f"{base_url}/status-lists/").split("/")
    if not url.startswith(f"{base_url}/status-lists/") or len(parts) != 2:
        return None
    return next(((parts[0], form) for form in FORM_NAMES if form == parts[1]), None)
