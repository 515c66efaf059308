"""
The entry in a credential that points into a status list: build ours, read anyone's. Pure.

Bitstring Status List v1.0 (W3C REC, 2025-05-15), section 2.1. The reader is strict: what does not comply with a
MUST is refused with MALFORMED_VALUE_ERROR, and nothing is coerced (a numeric index, say). What the standard was
called before, Status List 2021 (W3C Credentials Community Group, 2023), has the same entry under another type,
without sizes and messages.
"""

import re

import msgspec

from credentials.errors import MalformedValue
from credentials.members import Members
from proofs import JsonObject

ENTRY_TYPE = "BitstringStatusListEntry"
FORMER_ENTRY_TYPE = "StatusList2021Entry"
ENTRY_TYPES = (ENTRY_TYPE, FORMER_ENTRY_TYPE)
MAX_STATUS_SIZE = 8  # bits; 256 messages of an entry fit into the body of a request, the next size hardly

# Section 2.1: an integer >= 0 "of arbitrary size" in base 10, here with one spelling and up to 100 digits:
# more digits than any list has are a matter of range, not of shape.
_INDEX = re.compile(r"0|[1-9][0-9]{0,99}", re.ASCII)
_STATUS = re.compile(r"0x[0-9A-Fa-f]{1,8}", re.ASCII)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """
    An entry as read.

    Attributes:
        type: one of `ENTRY_TYPES`.
        list_url: `statusListCredential`, an absolute URL.
        index: `statusListIndex`; perhaps beyond any list.
        purpose: `statusPurpose`.
        size: `statusSize` in bits, 1 where absent.
        messages: the message of each status, by status; empty where the entry has none.
    """

    list_url: str
    index: int
    purpose: str
    size: int = 1
    messages: tuple[str, ...] = ()
    type: str = ENTRY_TYPE


def status_entry(*, list_url: str, index: int, purpose: str) -> JsonObject:
    """Return a BitstringStatusListEntry (section 2.1); its `id` is the list's URL with `#` and the index."""
    return {
        "id": f"{list_url}#{index}",
        "type": ENTRY_TYPE,
        "statusPurpose": purpose,
        "statusListIndex": str(index),
        "statusListCredential": list_url,
    }


def read_entry(value: JsonObject) -> Entry:
    """
    Read one `credentialStatus` entry of a credential.

    Raises:
        MalformedValue: something does not comply with section 2.1; `pointer` is relative to the entry.
    """
    entry = Members(value, MalformedValue)
    entry_type, *others = entry.strings("type")
    if entry_type not in ENTRY_TYPES or others:
        raise entry.fault("type", " or ".join(ENTRY_TYPES))
    list_url = entry.url("statusListCredential")
    if entry.optional_url("id") == list_url:
        raise entry.fault("id", "another URL than that of the status list")
    if entry_type == FORMER_ENTRY_TYPE:
        purpose = entry.string("statusPurpose")
        return Entry(list_url=list_url, index=_index(entry), purpose=purpose, type=entry_type)
    if "statusReference" in value:
        entry.urls("statusReference")
    size = entry.optional_integer("statusSize", least=1) or 1
    return Entry(
        list_url=list_url,
        index=_index(entry),
        purpose=entry.string("statusPurpose"),
        size=size,
        messages=_messages(entry, size),
    )


def _index(entry: Members) -> int:
    text = entry.string("statusListIndex")
    if _INDEX.fullmatch(text) is None:
        raise entry.fault("statusListIndex", 'an integer as a string in base 10, such as "94567"')
    return int(text)


def _messages(entry: Members, size: int) -> tuple[str, ...]:
    """Read `statusMessage`: 2^size objects, each status once (a status with two messages means nothing)."""
    if "statusMessage" not in entry.members and size == 1:
        return ()
    values = entry.members.get("statusMessage")
    if size > MAX_STATUS_SIZE or not isinstance(values, list) or len(values) != 1 << size:
        raise entry.fault("statusMessage", f"2^statusSize messages, statusSize at most {MAX_STATUS_SIZE}")
    messages = dict(_message(entry, value) for value in values)
    if sorted(messages) != list(range(1 << size)):
        raise entry.fault("statusMessage", "each status once")
    return tuple(messages[status] for status in range(1 << size))


def _message(entry: Members, value: object) -> tuple[int, str]:
    status = value.get("status") if isinstance(value, dict) else None
    message = value.get("message") if isinstance(value, dict) else None
    if not isinstance(status, str) or _STATUS.fullmatch(status) is None or not isinstance(message, str):
        raise entry.fault("statusMessage", 'objects with a status such as "0x1" and a message')
    return int(status, 16), message
