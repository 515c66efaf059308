"""The status list credential: what we build, and how strictly anyone's is read."""

from typing import Any

import pytest

from proofs import Transformation, add_proof
from statuslist.errors import MalformedStatusList
from statuslist.formats.bitstring_credential import (
    StatusListCredential,
    read_status_list_credential,
    status_list_credential,
)
from tests.proofs.documents import SIGNER
from tests.statuslist.lists import HOUR, NOW, URL, a_list


def test_our_list_has_the_shape_of_the_specification() -> None:
    document = status_list_credential(
        url=URL,
        issuer="did:web:lists.example",
        purpose="suspension",
        encoded_list="uH4s",
        valid_from=NOW,
        valid_until=NOW + HOUR,
        ttl_ms=60_000,
    )

    assert document == {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": URL,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": "did:web:lists.example",
        "validFrom": "2026-01-01T00:00:00Z",
        "validUntil": "2026-01-01T01:00:00Z",
        "credentialSubject": {
            "id": f"{URL}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "suspension",
            "encodedList": "uH4s",
            "ttl": 60_000,
        },
    }


@pytest.mark.parametrize("transformation", ["jcs", "rdfc"])
def test_our_list_is_one_that_both_transformations_cover(transformation: Transformation) -> None:
    assert "proof" in add_proof(a_list(), SIGNER, transformation)


def test_our_list_is_read_as_it_was_built() -> None:
    document = a_list()

    assert read_status_list_credential(document) == StatusListCredential(
        id=URL,
        issuer="did:web:lists.example",
        purposes=("revocation",),
        encoded_list=document["credentialSubject"]["encodedList"],
        ttl_ms=300_000,
        valid_from=NOW - HOUR,
        valid_until=NOW + HOUR,
    )


MIDNIGHT = "2026-01-01T00:00:00Z"

ACCEPTED_LISTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "no id": ({"id": None}, {"id": None}),
    "no window": ({"validFrom": None, "validUntil": None}, {"valid_from": None, "valid_until": None}),
    "a moment": ({"validFrom": MIDNIGHT, "validUntil": MIDNIGHT}, {"valid_from": NOW, "valid_until": NOW}),
    "an offset": ({"validUntil": "2026-01-01T03:00:00+02:00"}, {"valid_until": NOW + HOUR}),
    "issuer as an object": ({"issuer": {"id": "did:key:z6Mk", "name": "A"}}, {"issuer": "did:key:z6Mk"}),
    "a further context": ({"@context": ["https://www.w3.org/ns/credentials/v2", {"x": "urn:x"}]}, {}),
    "a further type": ({"type": ["VerifiableCredential", "X", "BitstringStatusListCredential"]}, {}),
    "subject in an array": ({"credentialSubject": [a_list()["credentialSubject"]]}, {}),
    "several purposes": ({"subject": {"statusPurpose": ["refresh", "x"]}}, {"purposes": ("refresh", "x")}),
    "types of the subject": ({"subject": {"type": ["BitstringStatusList"]}}, {}),
    "no ttl": ({"subject": {"ttl": None}}, {"ttl_ms": None}),
    "no caching": ({"subject": {"ttl": 0}}, {"ttl_ms": 0}),
    "a size": ({"subject": {"statusSize": 2}}, {"status_size": 2}),
    "members that we do not know": ({"x": 1, "subject": {"y": 2}}, {}),
}


@pytest.mark.parametrize("name", ACCEPTED_LISTS)
def test_a_list_in_any_shape_that_the_specification_allows_is_read(name: str) -> None:
    changes, expected = ACCEPTED_LISTS[name]
    found = read_status_list_credential(a_list(**changes))

    assert {member: getattr(found, member) for member in expected} == expected


REFUSED_LISTS: dict[str, tuple[dict[str, Any], str]] = {
    "no context": ({"@context": None}, "/@context"),
    "context as a string": ({"@context": "https://www.w3.org/ns/credentials/v2"}, "/@context"),
    "context of VCDM 1.1": ({"@context": ["https://www.w3.org/2018/credentials/v1"]}, "/@context"),
    "v2 context second": ({"@context": ["urn:x", "https://www.w3.org/ns/credentials/v2"]}, "/@context"),
    "no type": ({"type": None}, "/type"),
    "no VerifiableCredential": ({"type": ["BitstringStatusListCredential"]}, "/type"),
    "an old kind of list": ({"type": ["VerifiableCredential", "StatusList2021Credential"]}, "/type"),
    "type with a number": ({"type": ["VerifiableCredential", "BitstringStatusListCredential", 1]}, "/type"),
    "endless types": (
        {"type": ["VerifiableCredential", "BitstringStatusListCredential", *["x"] * 40]},
        "/type",
    ),
    "no issuer": ({"issuer": None}, "/issuer"),
    "issuer that is no URL": ({"issuer": "Example Ltd"}, "/issuer"),
    "issuer without id": ({"issuer": {"name": "Example Ltd"}}, "/issuer/id"),
    "issuers": ({"issuer": ["did:web:a.example"]}, "/issuer"),
    "id that is no URL": ({"id": "7"}, "/id"),
    "id as a number": ({"id": 7}, "/id"),
    "endless id": ({"id": "urn:" + "x" * 9000}, "/id"),
    "time without offset": ({"validFrom": "2026-01-01T00:00:00"}, "/validFrom"),
    "time as a number": ({"validUntil": 1}, "/validUntil"),
    "no such day": ({"validUntil": "2026-02-30T00:00:00Z"}, "/validUntil"),
    "year 0": ({"validFrom": "0000-01-01T00:00:00Z"}, "/validFrom"),
    "window turned round": ({"validFrom": "2026-01-01T02:00:00Z"}, "/validUntil"),
    "no subject": ({"credentialSubject": None}, "/credentialSubject"),
    "two subjects": ({"credentialSubject": [a_list()["credentialSubject"]] * 2}, "/credentialSubject"),
    "subject as a string": ({"credentialSubject": "urn:x"}, "/credentialSubject"),
    "another type of subject": ({"subject": {"type": "StatusList2021"}}, "/credentialSubject/type"),
    "no purpose": ({"subject": {"statusPurpose": None}}, "/credentialSubject/statusPurpose"),
    "empty purposes": ({"subject": {"statusPurpose": []}}, "/credentialSubject/statusPurpose"),
    "empty purpose": ({"subject": {"statusPurpose": ""}}, "/credentialSubject/statusPurpose"),
    "purpose as an object": ({"subject": {"statusPurpose": {}}}, "/credentialSubject/statusPurpose"),
    "no list": ({"subject": {"encodedList": None}}, "/credentialSubject/encodedList"),
    "list in an array": ({"subject": {"encodedList": ["uH4s"]}}, "/credentialSubject/encodedList"),
    "ttl as a string": ({"subject": {"ttl": "300000"}}, "/credentialSubject/ttl"),
    "ttl as a float": ({"subject": {"ttl": 300000.0}}, "/credentialSubject/ttl"),
    "negative ttl": ({"subject": {"ttl": -1}}, "/credentialSubject/ttl"),
    "ttl as a truth value": ({"subject": {"ttl": True}}, "/credentialSubject/ttl"),
    "size zero": ({"subject": {"statusSize": 0}}, "/credentialSubject/statusSize"),
}


@pytest.mark.parametrize("name", REFUSED_LISTS)
def test_a_list_that_does_not_comply_is_refused_at_the_member(name: str) -> None:
    changes, pointer = REFUSED_LISTS[name]

    with pytest.raises(MalformedStatusList) as caught:
        read_status_list_credential(a_list(**changes))

    assert caught.value.pointer == pointer
