"""Lists of trusted entities: in force or not, and of whom."""

import hashlib
from typing import Any

import msgspec
import pytest

from registry.errors import ListExpired, ListNotTrusted, ListWentBack, RegistryFileError
from registry.imports.lote.reading import CurrentList, Seen, read_list
from registry.imports.lote.signature import verify_list
from tests.proofs.authorities import NOW
from tests.registry.imports.lists import (
    ANCHORS,
    AT,
    GRANTED,
    document,
    entity,
    header,
    identity,
    instance,
    service,
    sign,
    signer,
)

SECOND = 1_000_000
DID = "did:web:issuer.example"


def read(payload: object, *, now: int = AT, last: Seen | None = None, **subject: str) -> CurrentList:
    head = header(signer(**subject)) if subject else None
    return read_list(verify_list(sign(payload, head), ANCHORS, now=now), now=now, last=last)


def test_a_list_in_force_is_read() -> None:
    found = read(document(entity("Issuer", service(identity(DID)))))

    assert found.seen == Seen(
        7, hashlib.sha256(msgspec.json.encode(document(entity("Issuer", service(identity(DID)))))).hexdigest()
    )
    assert found.next_update - found.issued_at == (184) * 86_400 * SECOND
    assert [len(each.trusted_entity_services) for each in found.content.trusted_entities_list] == [1]
    assert found.pointer == "/LoTE"


def test_a_list_without_the_member_around_it_is_read_too() -> None:
    found = read(document(entity("Issuer", service(identity(DID))))["LoTE"])

    assert len(found.content.trusted_entities_list) == 1
    assert found.pointer == ""


@pytest.mark.parametrize(
    ("subject", "is_operator"),
    [
        ({"country": "DE"}, True),
        ({"country": "de"}, True),
        ({"country": "AT"}, True),  # where the operator is; the territory is DE
        ({"country": "FR"}, False),
        ({"organisation": "Amt"}, True),
        ({"organisation": "amt"}, False),
        ({"organisation": "Agency of Example "}, False),
    ],
)
def test_the_signer_is_the_operator_of_the_scheme(subject: dict[str, str], is_operator: bool) -> None:
    if is_operator:
        assert read(document(), **subject)
    else:
        with pytest.raises(ListNotTrusted, match="signer's certificate"):
            read(document(), **subject)


def test_a_list_that_does_not_say_where_it_is_from_is_refused() -> None:
    with pytest.raises(ListNotTrusted, match="country"):
        read(document(SchemeTerritory=None, SchemeOperatorAddress=None))


@pytest.mark.parametrize(
    ("issued", "until", "why"),
    [
        ("2026-05-30T00:00:00Z", "2026-11-30T00:00:01Z", "at most 6 months"),
        ("2026-02-28T00:00:00Z", "2026-08-29T00:00:00Z", "at most 6 months"),
        ("2026-05-30T00:00:00Z", "2026-05-30T00:00:00Z", "at most 6 months"),
        ("2026-05-30T00:00:00Z", "2026-05-01T00:00:00Z", "at most 6 months"),
        ("2026-06-01T00:01:01Z", "2026-07-01T00:00:00Z", "issued in the future"),
        ("2026-02-30T00:00:00Z", "2026-07-01T00:00:00Z", "ListIssueDateTime"),
    ],
)
def test_a_list_with_other_times_than_it_may_have_is_refused(issued: str, until: str, why: str) -> None:
    with pytest.raises(ListNotTrusted, match=why):
        read(document(ListIssueDateTime=issued, NextUpdate=until))


@pytest.mark.parametrize(
    ("issued", "until"),
    [
        ("2026-05-30T00:00:00Z", "2026-11-30T00:00:00Z"),
        ("2026-06-01T00:01:00Z", "2026-12-01T00:01:00Z"),
        ("2025-12-31T00:00:00Z", "2026-06-30T00:00:00Z"),
    ],
)
def test_six_months_end_on_the_same_day(issued: str, until: str) -> None:
    assert read(document(ListIssueDateTime=issued, NextUpdate=until))


def test_a_list_that_was_to_be_replaced_is_no_empty_list() -> None:
    ending = document(NextUpdate=f"{NOW:%Y-%m-%dT%H:%M:%SZ}")

    assert read(ending, now=AT - 1)
    with pytest.raises(ListExpired, match="was to be replaced at 2026-06-01T00:00:00Z"):
        read(ending)


def test_a_list_never_goes_back() -> None:
    first, same_number = read(document()), document(entity("Issuer", service(identity(DID))))

    assert read(document(), last=first.seen).seen == first.seen
    assert read(document(LoTESequenceNumber=8), last=first.seen).seen.sequence == 8
    with pytest.raises(ListWentBack, match="number 7 was seen before"):
        read(document(LoTESequenceNumber=6), last=first.seen)
    with pytest.raises(ListWentBack, match="with other content"):
        read(same_number, last=first.seen)


def test_every_fault_of_the_shape_has_its_pointer() -> None:
    broken = document(
        entity("Issuer", service(identity(DID), GRANTED, "2026-01-01"), TEName=[{"lang": "en", "value": ""}]),
        entity("Other", service({"X509Certificates": [{}]}, None, None, instance({}, GRANTED, "yesterday"))),
        LoTESequenceNumber="7",
        LoTEVersionIdentifier=2,
    )

    with pytest.raises(RegistryFileError) as refused:
        read(broken)

    entities = "/LoTE/TrustedEntitiesList"
    services = f"{entities}/1/TrustedEntityServices/0"
    assert [fault.pointer for fault in refused.value.faults] == [
        "/LoTE/ListAndSchemeInformation/LoTEVersionIdentifier",
        "/LoTE/ListAndSchemeInformation/LoTESequenceNumber",
        f"{entities}/0/TrustedEntityInformation/TEName/0/value",
        f"{entities}/0/TrustedEntityServices/0/ServiceInformation/StatusStartingTime",
        f"{services}/ServiceInformation/ServiceDigitalIdentity/X509Certificates/0",
        f"{services}/ServiceHistory/0/StatusStartingTime",
    ]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        b'{"LoTE":{}}',
        b'{"LoTE":{},"LoTE":{}}',
        b'{"LoTE":' + b"[" * 40,
        b"\xff",
        b'{"LoTE":NaN}',
    ],
)
def test_what_is_no_list_is_refused(payload: bytes) -> None:
    with pytest.raises(RegistryFileError):
        read(payload)


def members_missing() -> list[Any]:
    scheme = document()["LoTE"]["ListAndSchemeInformation"]
    needed = (
        "LoTEVersionIdentifier",
        "LoTESequenceNumber",
        "SchemeOperatorName",
        "ListIssueDateTime",
        "NextUpdate",
    )
    assert set(needed) <= scheme.keys()
    return list(needed)


@pytest.mark.parametrize("name", members_missing())
def test_a_scheme_without_what_the_schema_requires_is_refused(name: str) -> None:
    with pytest.raises(RegistryFileError, match=f"the member `{name}` is missing"):
        read(document(**{name: None}))
