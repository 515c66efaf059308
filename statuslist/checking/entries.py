"""
The status entries of a credential. Pure.

Verifiable Credentials Data Model 2.0, section 4.10.
"""

from credentials.errors import MalformedValue
from statuslist.formats.bitstring_entry import Entry, read_entry

MAX_ENTRIES = 8  # status entries of one credential


def read_entries(value: object) -> list[Entry]:
    """
    Read `credentialStatus` of a credential: one entry or an array.

    Raises:
        MalformedValue: none, more than 8, or one that is malformed; its pointer begins at the credential.
    """
    if isinstance(value, dict):
        return [_read_entry(value, "/credentialStatus")]
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_ENTRIES:
        raise MalformedValue(f"expected 1 to {MAX_ENTRIES} status entries", pointer="/credentialStatus")
    return [_read_entry(entry, f"/credentialStatus/{number}") for number, entry in enumerate(value)]


def _read_entry(value: object, pointer: str) -> Entry:
    if not isinstance(value, dict):
        raise MalformedValue("expected a status entry, a JSON object", pointer=pointer)
    try:
        return read_entry(value)
    except MalformedValue as error:
        raise MalformedValue(error.detail, pointer=pointer + (error.pointer or "")) from None
