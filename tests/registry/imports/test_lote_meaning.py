"""What a list of trusted entities says in our words."""

from typing import Any

import pytest
from cryptography import x509

from registry.errors import RegistryFileError
from registry.identifiers import certificate_identifier, key_identifier
from registry.imports.lote.meaning import ListMeaning, ListTerms, meaning_of
from registry.imports.lote.reading import read_list
from registry.imports.lote.signature import verify_list
from registry.imports.terms import Right
from registry.items import ChangeItem
from registry.model import State
from tests.proofs.authorities import Authority, der
from tests.registry.imports.lists import (
    ANCHORS,
    AT,
    GRANTED,
    ISSUANCE,
    REVOCATION,
    WITHDRAWN,
    document,
    entity,
    identity,
    instance,
    service,
    sign,
)
from tests.registry.imports.reading import AUTHORITY, entities, facts, grants

ISSUE, STATUS = Right("issue", "PID"), Right("status", "PID")
TERMS = ListTerms(authority_id=AUTHORITY, rights={ISSUANCE: (ISSUE,), REVOCATION: (STATUS,)})
DID, OTHER = "did:web:issuer.example", "did:web:other.example"
CA = Authority("Issuing authority")
LATER = Authority("Later authority")
BEGUN = "2026-05-01T00:00:00Z"
EC_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}


def meaning(*listed: object, terms: ListTerms = TERMS) -> ListMeaning:
    signed = verify_list(sign(document(*listed)), ANCHORS, now=AT)
    found = meaning_of(read_list(signed, now=AT, last=None), terms, lambda *_: 1_777_593_600_000_000)
    facts(found.items, ("issue", "PID"), ("status", "PID"))
    return found


def ni(certificate: x509.Certificate) -> str:
    return certificate_identifier(der(certificate))


def test_whoever_is_listed_is_granted_what_the_terms_say_of_its_service() -> None:
    found = meaning(entity("Issuer", service(identity(DID))))

    (issuer,) = entities(found.items).values()
    assert issuer.names == {"en": "Issuer"}
    assert [(link.rel, link.href) for link in issuer.links] == [("about", "https://issuer.example/about")]
    (grant,) = grants(found.items)
    assert (grant.authority_id, grant.entity_id) == (AUTHORITY, DID)
    assert (grant.action, grant.resource, grant.valid_from, grant.valid_until) == (
        "issue",
        "PID",
        BEGUN,
        None,
    )
    assert found.remarks == ()


def test_identifiers_are_dids_certificates_with_their_window_and_keys() -> None:
    ski = x509.SubjectKeyIdentifier(b"\x0a\x0b")
    ca = Authority("With an id", extensions={x509.SubjectKeyIdentifier: (ski, False)}).certificate
    found = meaning(
        entity(
            "Issuer", service(identity(DID, "NTRDE-1", certificates=[ca], keys=[EC_KEY], X509SKIs=["AAAA"]))
        )
    )

    ((names, issuer),) = entities(found.items).items()
    assert names == (DID, ni(ca), key_identifier(EC_KEY))
    assert issuer.identifiers[1].ski == "0a0b"
    assert (issuer.identifiers[1].valid_from, issuer.identifiers[1].valid_until) == (
        "2025-06-01T00:00:00Z",
        "2027-06-01T00:00:01Z",
    )
    assert found.remarks == ()


def test_what_cannot_be_taken_for_an_identifier_is_passed_over_and_told() -> None:
    private = EC_KEY | {"d": "AAAA"}
    found = meaning(
        entity(
            "Issuer",
            service(
                identity(DID, "did:web:", keys=[private], X509Certificates=[{"val": "AAAA"}, {"val": "!"}])
            ),
            service(identity("NTRDE-1", X509SKIs=["AAAA"], X509SubjectNames=["CN=Issuer"])),
        )
    )

    services = "/LoTE/TrustedEntitiesList/0/TrustedEntityServices"
    known_by = f"{services}/0/ServiceInformation/ServiceDigitalIdentity"
    assert [tuple(each) for each in entities(found.items)] == [(DID,)]
    assert [pointer for pointer, _ in found.remarks] == [
        f"{known_by}/OtherIds/1",
        f"{known_by}/X509Certificates/0/val",
        f"{known_by}/X509Certificates/1/val",
        f"{known_by}/PublicKeyValues/0",
        f"{services}/1/ServiceInformation/ServiceDigitalIdentity",
    ]


def test_a_certificate_of_one_service_is_not_taken_for_that_of_another() -> None:
    """An organisation with a DID for all, and a certificate for each service."""
    found = meaning(
        entity(
            "Issuer",
            service(identity(DID, certificates=[CA.certificate])),
            service(identity(DID, certificates=[LATER.certificate]), type=REVOCATION),
        )
    )

    assert set(entities(found.items)) == {(DID,), (ni(CA.certificate),), (ni(LATER.certificate),)}
    assert {(grant.entity_id, grant.action) for grant in grants(found.items)} == {
        (DID, "issue"),
        (DID, "status"),
        (ni(CA.certificate), "issue"),
        (ni(LATER.certificate), "status"),
    }


def test_services_that_are_known_by_the_same_are_one_entity() -> None:
    known_by = identity(DID, certificates=[CA.certificate])

    found = meaning(entity("Issuer", service(known_by), service(known_by, type=REVOCATION)))

    assert list(entities(found.items)) == [(DID, ni(CA.certificate))]
    assert [grant.action for grant in grants(found.items)] == ["issue", "status"]


def test_a_service_of_a_type_without_rights_is_passed_over_and_told() -> None:
    found = meaning(
        entity(
            "Issuer", service(identity(DID), type="https://x.example"), service(identity(OTHER), type=None)
        )
    )

    assert found.items == ()
    assert [pointer[-1] for pointer, _ in found.remarks] == ["0", "1"]


def history(*said: tuple[str, str | None], current: tuple[str, str]) -> ListMeaning:
    """Return the meaning of a service with one identifier: status and time of each period."""
    known_by = identity(DID)
    then = [instance(known_by, status or GRANTED, since) for since, status in said]
    return meaning(entity("Issuer", service(known_by, current[1], current[0], *then)), terms=WITH_SUSPENSION)


WITH_SUSPENSION = ListTerms(
    authority_id=AUTHORITY, rights={ISSUANCE: (ISSUE,)}, states={"https://x.example/suspended": "suspended"}
)
SUSPENDED = "https://x.example/suspended"
T1, T2, T3, T4 = (f"202{year}-01-01T00:00:00Z" for year in (2, 3, 4, 5))


@pytest.mark.parametrize(
    ("said", "current", "windows"),
    [
        ([], (T1, GRANTED), [(T1, None, [])]),
        ([], (T1, WITHDRAWN), []),
        ([(T1, GRANTED)], (T2, GRANTED), [(T1, None, [])]),
        ([(T1, GRANTED)], (T2, WITHDRAWN), [(T1, None, [("revoked", T2)])]),
        ([(T1, SUSPENDED)], (T2, GRANTED), [(T1, None, [("suspended", T1), ("active", T2)])]),
        (
            [(T1, GRANTED), (T2, SUSPENDED)],
            (T3, WITHDRAWN),
            [(T1, None, [("suspended", T2), ("revoked", T3)])],
        ),
        # The order in the file is the list's own.
        (
            [(T3, GRANTED), (T1, GRANTED), (T2, WITHDRAWN)],
            (T4, SUSPENDED),
            [(T1, None, [("revoked", T2)]), (T3, None, [("suspended", T4)])],
        ),
        ([(T1, GRANTED)], (T2, "https://x.example/unknown"), [(T1, T2, [])]),
    ],
)
def test_the_history_of_a_service_is_that_of_its_grants(
    said: list[tuple[str, str | None]], current: tuple[str, str], windows: list[Any]
) -> None:
    found = history(*said, current=current)

    assert [
        (grant.valid_from, grant.valid_until, [(change.state, change.since) for change in grant.history])
        for grant in grants(found.items)
    ] == windows


def test_yesterdays_certificate_was_good_yesterday_and_todays_is_good_today() -> None:
    found = meaning(
        entity(
            "Issuer",
            service(
                identity(DID, certificates=[LATER.certificate]),
                GRANTED,
                T2,
                instance(identity(DID, certificates=[CA.certificate]), GRANTED, T1),
            ),
        )
    )

    assert {grant.entity_id: (grant.valid_from, grant.valid_until) for grant in grants(found.items)} == {
        DID: (T1, None),
        ni(CA.certificate): (T1, T2),
        ni(LATER.certificate): (T2, None),
    }


def test_a_history_without_identifiers_is_that_of_those_after_it() -> None:
    known_by = identity(certificates=[CA.certificate])
    found = meaning(
        entity("Issuer", service(known_by, GRANTED, T2, instance({"X509SKIs": ["AAAA"]}, GRANTED, T1)))
    )

    assert [grant.valid_from for grant in grants(found.items)] == [T1]


def test_of_two_services_with_the_same_right_the_better_one_counts() -> None:
    known_by = identity(DID)
    found = meaning(
        entity(
            "Issuer",
            service(known_by, WITHDRAWN, T3, instance(known_by, GRANTED, T1)),
            service(known_by, GRANTED, T2),
        )
    )

    assert [(grant.valid_from, grant.history) for grant in grants(found.items)] == [(T1, [])]


def test_an_unknown_status_grants_nothing_and_is_told() -> None:
    found = meaning(entity("Issuer", service(identity(DID), "https://x.example/granted", T1)))

    assert found.items == ()
    assert found.remarks[0][0].endswith("/ServiceInformation/ServiceStatus")


@pytest.mark.parametrize("state", ["active", "suspended", "revoked"])
def test_the_terms_say_what_a_status_means(state: State) -> None:
    terms = ListTerms(authority_id=AUTHORITY, rights={ISSUANCE: (ISSUE,)}, states={GRANTED: state})

    found = meaning(entity("Issuer", service(identity(DID), GRANTED, T1)), terms=terms)

    changes = {"active": [[]], "suspended": [[ChangeItem(state="suspended", since=T1)]], "revoked": []}
    assert [grant.history for grant in grants(found.items)] == changes[state]


def test_names_are_by_language_in_one_spelling() -> None:
    found = meaning(
        entity(
            "",
            service(identity(DID)),
            TEName=[
                {"lang": "EN", "value": " Issuer "},
                {"lang": "en", "value": "Second"},
                {"lang": "de-DE", "value": "A\u0308mter"},
                {"lang": "en-x-y", "value": "?"},
            ],
        )
    )

    assert next(iter(entities(found.items).values())).names == {
        "en": "Issuer",
        "de-DE": "\u00c4mter",
        "und": "?",
    }


@pytest.mark.parametrize(
    ("listed", "pointer"),
    [
        (service(identity(DID), GRANTED, "2026-02-30T00:00:00Z"), "ServiceInformation/StatusStartingTime"),
        (service(identity(DID), GRANTED, None, instance({}, GRANTED, T1)), "ServiceInformation"),
        (
            service(identity(DID), GRANTED, T1, instance({}, GRANTED, T1)),
            "ServiceHistory/0/StatusStartingTime",
        ),
        (
            service(identity(DID), GRANTED, T1, instance({}, GRANTED, T2)),
            "ServiceHistory/0/StatusStartingTime",
        ),
    ],
)
def test_times_that_tell_no_story_are_refused_with_their_place(listed: object, pointer: str) -> None:
    with pytest.raises(RegistryFileError) as refused:
        meaning(entity("Issuer", listed))

    assert [fault.pointer for fault in refused.value.faults] == [
        f"/LoTE/TrustedEntitiesList/0/TrustedEntityServices/0/{pointer}"
    ]
