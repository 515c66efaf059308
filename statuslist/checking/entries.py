"""
The status entries of a credential, of either standard. Pure.

Verifiable Credentials Data Model 2.0, section 4.10 (`credentialStatus`); Token Status List (draft-21), section 6
(the claim `status`, with a member for each mechanism). A mechanism that is not known here is no fault of the
credential.
"""

from collections.abc import Iterable

import msgspec
from msgspec import UNSET

from credentials.errors import MalformedValue
from credentials.members import Members
from statuslist.formats.bitstring_entry import ENTRY_TYPES, Entry, read_entry
from statuslist.formats.token_entry import TokenEntry, read_token_entry

MAX_ENTRIES = 8  # status entries of one credential
STATUS_LIST = "status_list"


class UnsupportedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a mechanism that is not known here: its `type`, or the name of the member of `status`."""

    type: str


AnyEntry = Entry | TokenEntry | UnsupportedEntry


def read_entries(credential_status: object, status: object = UNSET) -> list[AnyEntry]:
    """
    Read `credentialStatus`, one entry or an array, and the claim `status`; UNSET where there is no such member.

    Raises:
        MalformedValue: no entry, more than 8, or one that is malformed; its pointer begins at the credential.
    """
    w3c = () if credential_status is UNSET else _placed(credential_status)
    ietf = () if status is UNSET else _mechanisms(status)
    placed = [*w3c, *ietf]
    if not 1 <= len(placed) <= MAX_ENTRIES:
        raise _not_as_many("/status" if credential_status is UNSET else "/credentialStatus")
    return [_read(name, value, pointer) for name, value, pointer in placed]


def read_held_entry(value: object) -> list[AnyEntry]:
    """
    Read one of a credential's entries as it is: of a W3C credential, or the claim `status`, which may hold several.

    Raises:
        MalformedValue: it is malformed.
    """
    if isinstance(value, dict) and value and "type" not in value:
        return [_read(*placed) for placed in _mechanisms(value)]
    return [_read("", value, "/credentialStatus")]


Placed = tuple[str, object, str]  # the mechanism's name ("" of a W3C entry), the entry, its pointer


def _placed(credential_status: object) -> Iterable[Placed]:
    if isinstance(credential_status, list):
        return [("", entry, f"/credentialStatus/{number}") for number, entry in enumerate(credential_status)]
    if not isinstance(credential_status, dict):
        raise _not_as_many("/credentialStatus")
    return [("", credential_status, "/credentialStatus")]


def _mechanisms(status: object) -> Iterable[Placed]:
    if not isinstance(status, dict):
        raise MalformedValue("expected the claim status, an object with a mechanism", pointer="/status")
    return [(name, value, f"/status/{name}") for name, value in status.items()]


def _not_as_many(pointer: str) -> MalformedValue:
    return MalformedValue(f"expected 1 to {MAX_ENTRIES} status entries", pointer=pointer)


def _read(mechanism: str, value: object, pointer: str) -> AnyEntry:
    if mechanism == STATUS_LIST:
        return read_token_entry(value, pointer)
    if mechanism:
        return UnsupportedEntry(type=mechanism)
    return _read_w3c(value, pointer)


def _read_w3c(value: object, pointer: str) -> AnyEntry:
    if not isinstance(value, dict):
        raise MalformedValue("expected a status entry, a JSON object", pointer=pointer)
    types = Members(value, MalformedValue, pointer).strings("type")
    if not set(types) & set(ENTRY_TYPES):
        return UnsupportedEntry(type=" ".join(types)[:200])
    try:
        return read_entry(value)
    except MalformedValue as error:
        raise MalformedValue(error.detail, pointer=pointer + (error.pointer or "")) from None
