"""The status list entry: what we build, and how strictly anyone's is read."""

from typing import Any

import pytest

from credentials.errors import MalformedValue
from proofs import JsonObject
from statuslist.formats.bitstring_entry import Entry, read_entry, status_entry
from tests.statuslist.lists import URL, an_entry, messages


def message(status: object) -> JsonObject:
    return {"status": status, "message": "a message"}


def test_our_entry_has_the_shape_of_the_specification() -> None:
    """Section 2.1, example 1; the index is a string (a peer emits a number)."""
    assert status_entry(
        list_url="https://example.com/credentials/status/3", index=94_567, purpose="revocation"
    ) == {
        "id": "https://example.com/credentials/status/3#94567",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "94567",
        "statusListCredential": "https://example.com/credentials/status/3",
    }


def test_our_entry_is_read_as_it_was_built() -> None:
    assert read_entry(an_entry(5)) == Entry(list_url=URL, index=5, purpose="revocation")


ACCEPTED_ENTRIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "no id": ({"id": None}, {}),
    "index zero": ({"statusListIndex": "0"}, {"index": 0}),
    "index beyond any list": ({"statusListIndex": "9" * 100}, {"index": 10**100 - 1}),
    "type in an array": ({"type": ["BitstringStatusListEntry"]}, {}),
    "another purpose": ({"statusPurpose": "refresh"}, {"purpose": "refresh"}),
    "references": ({"statusReference": ["https://a.example/", "https://b.example/"]}, {}),
    "size one": ({"statusSize": 1}, {"size": 1, "messages": ()}),
    "messages at size one": ({"statusMessage": messages(2)}, {"messages": ("message 0", "message 1")}),
    "messages in any order": ({"statusMessage": messages(2)[::-1]}, {"messages": ("message 0", "message 1")}),
    "size two": ({"statusSize": 2, "statusMessage": messages(4)}, {"size": 2}),
    "a status with leading zeros": ({"statusMessage": [message("0x0"), message("0x01")]}, {"size": 1}),
    "a capital digit": ({"statusSize": 4, "statusMessage": [*messages(15), message("0xF")]}, {"size": 4}),
}


@pytest.mark.parametrize("name", ACCEPTED_ENTRIES)
def test_an_entry_in_any_shape_that_the_specification_allows_is_read(name: str) -> None:
    changes, expected = ACCEPTED_ENTRIES[name]
    found = read_entry(an_entry(**changes))

    assert {member: getattr(found, member) for member in expected} == expected


REFUSED_ENTRIES: dict[str, tuple[dict[str, Any], str]] = {
    "no type": ({"type": None}, "/type"),
    "another type": ({"type": "RevocationList2020Status"}, "/type"),
    "two types": ({"type": ["BitstringStatusListEntry", "StatusList2021Entry"]}, "/type"),
    "id of the list": ({"id": URL}, "/id"),
    "id that is no URL": ({"id": "94567"}, "/id"),
    "no list": ({"statusListCredential": None}, "/statusListCredential"),
    "relative list": ({"statusListCredential": "/status-lists/7"}, "/statusListCredential"),
    "list with a space": ({"statusListCredential": "https://a.example/ b"}, "/statusListCredential"),
    "no purpose": ({"statusPurpose": None}, "/statusPurpose"),
    "purposes": ({"statusPurpose": ["revocation"]}, "/statusPurpose"),
    "no index": ({"statusListIndex": None}, "/statusListIndex"),
    "index as a number": ({"statusListIndex": 94567}, "/statusListIndex"),
    "size zero": ({"statusSize": 0}, "/statusSize"),
    "negative size": ({"statusSize": -1}, "/statusSize"),
    "size as a string": ({"statusSize": "1"}, "/statusSize"),
    "size as a float": ({"statusSize": 1.0}, "/statusSize"),
    "size as a truth value": ({"statusSize": True}, "/statusSize"),
    "size two without messages": ({"statusSize": 2}, "/statusMessage"),
    "too few messages": ({"statusSize": 2, "statusMessage": messages(3)}, "/statusMessage"),
    "too many messages": ({"statusSize": 2, "statusMessage": messages(5)}, "/statusMessage"),
    "endless size": ({"statusSize": 2**70, "statusMessage": messages(4)}, "/statusSize"),
    "messages as an object": ({"statusSize": 1, "statusMessage": {}}, "/statusMessage"),
    "a status twice": ({"statusMessage": [messages(1)[0], messages(1)[0]]}, "/statusMessage"),
    "a status out of range": ({"statusMessage": [messages(1)[0], messages(3)[2]]}, "/statusMessage"),
    "a status as a number": ({"statusMessage": [message("0x0"), message(1)]}, "/statusMessage"),
    "a status in base 10": ({"statusMessage": [message("0x0"), message("1")]}, "/statusMessage"),
    "a message missing": ({"statusMessage": [messages(1)[0], {"status": "0x1"}]}, "/statusMessage"),
    "a reference that is no URL": ({"statusReference": "not a url"}, "/statusReference"),
    "a reference among others that is no URL": (
        {"statusReference": ["https://a.example/", "/b"]},
        "/statusReference",
    ),
    "a reference as a number": ({"statusReference": 1}, "/statusReference"),
}


@pytest.mark.parametrize("name", REFUSED_ENTRIES)
def test_an_entry_that_does_not_comply_is_refused_at_the_member(name: str) -> None:
    changes, pointer = REFUSED_ENTRIES[name]

    with pytest.raises(MalformedValue) as caught:
        read_entry(an_entry(**changes))

    assert caught.value.pointer == pointer
    assert caught.value.status == 422


@pytest.mark.parametrize(
    "index",
    [
        "-1",
        "+1",
        "007",
        "00",
        "1.0",
        "1e3",
        "0x10",
        " 1",
        "1 ",
        "1\n",
        "1_000",
        "٣",
        "９",
        "9" * 101,
        "NaN",
    ],
)
def test_an_index_has_one_spelling(index: str) -> None:
    with pytest.raises(MalformedValue, match="base 10"):
        read_entry(an_entry(statusListIndex=index))


@pytest.mark.parametrize("value", [None, [], "entry", 1], ids=str)
def test_an_entry_is_an_object(value: Any) -> None:
    with pytest.raises(MalformedValue, match="object"):
        read_entry(value)
