"""Authorization and recognition answered from a view: true, false, and what is not defined."""

import pytest
from msgspec import UNSET

from registry import AuthorityNotFound, DefinitionNotFound
from registry.asking.trqp_answers import authorization, recognition
from tests.registry.examples import EDU, LICENSING, NOW, UNI, a_grant, a_question, known_from

HISTORY = [
    {"state": "suspended", "since": "2025-03-01T00:00:00Z", "reason": "audit"},
    {"state": "active", "since": "2025-06-01T00:00:00Z"},
]


def test_a_grant_in_force_is_authorized_and_the_question_echoed() -> None:
    answer = authorization(known_from(), a_question(), NOW)

    assert answer.authorized is True
    assert (answer.entity_id, answer.authority_id) == (UNI, EDU)
    assert (answer.action, answer.resource) == ("issue", "Degree")
    assert answer.time_evaluated == "2026-11-24T12:00:00Z"
    assert answer.time_requested is UNSET
    assert answer.context is UNSET
    assert answer.message == "active since 2024-01-01T00:00:00Z until 2028-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("time", "authorized", "message"),
    [
        ("2023-12-31T23:59:59.999999Z", False, "not valid before 2024-01-01T00:00:00Z"),
        ("2024-01-01T00:00:00Z", True, "active since 2024-01-01T00:00:00Z until 2025-03-01T00:00:00Z"),
        ("2025-02-28T23:59:59Z", True, "active since 2024-01-01T00:00:00Z until 2025-03-01T00:00:00Z"),
        ("2025-03-01T00:00:00Z", False, "suspended since 2025-03-01T00:00:00Z: audit"),
        ("2025-05-31T23:59:59Z", False, "suspended since 2025-03-01T00:00:00Z: audit"),
        ("2025-06-01T00:00:00Z", True, "active since 2025-06-01T00:00:00Z until 2028-01-01T00:00:00Z"),
        ("2027-12-31T23:59:59.999Z", True, "active since 2025-06-01T00:00:00Z until 2028-01-01T00:00:00Z"),
        ("2028-01-01T00:00:00Z", False, "expired on 2028-01-01T00:00:00Z"),
    ],
)
def test_an_as_of_question_is_answered_for_its_time(time: str, authorized: bool, message: str) -> None:
    known = known_from(authorizations=[a_grant(history=HISTORY)])

    answer = authorization(known, a_question(context={"time": time, "locator": "x"}), NOW)

    assert (answer.authorized, answer.message) == (authorized, message)
    assert answer.time_requested == time
    assert answer.time_evaluated == "2026-11-24T12:00:00Z"
    assert answer.context == {"time": time, "locator": "x"}


def test_an_https_issuer_is_found_as_it_is_spelled_and_in_no_other_spelling() -> None:
    spelled = "https://FHIR.hospital.example/api/Keys/32001/SHC"
    known = known_from(
        entities=[{"id": spelled, "names": {"en": "Hospital"}}], authorizations=[a_grant(entity_id=spelled)]
    )

    found = [
        authorization(known, a_question(entity_id=asked), NOW).authorized
        for asked in (spelled, spelled.lower(), f"{spelled}/", spelled.replace("Keys", "%4Beys"))
    ]

    assert found == [True, False, False, False]


@pytest.mark.parametrize(
    ("time", "authorized"),
    [
        ("2025-01-01T00:00:00Z", True),
        ("2026-03-01T00:00:00Z", False),
        ("2026-07-01T00:00:00Z", True),
    ],
)
def test_a_grant_renewed_after_a_gap_holds_in_both_windows_only(time: str, authorized: bool) -> None:
    later = a_grant(valid_from="2026-06-01T00:00:00Z", valid_until=None)
    earlier = a_grant(valid_until="2026-01-01T00:00:00Z")
    known = known_from(authorizations=[later, earlier])

    assert authorization(known, a_question(context={"time": time}), NOW).authorized is authorized


def test_adjoining_windows_leave_no_gap() -> None:
    first = a_grant(valid_until="2026-01-01T00:00:00Z")
    second = a_grant(valid_from="2026-01-01T00:00:00Z")
    known = known_from(authorizations=[first, second])

    answer = authorization(known, a_question(context={"time": "2026-01-01T00:00:00Z"}), NOW)

    assert answer.authorized is True


@pytest.mark.parametrize(
    "changes",
    [{"entity_id": "did:web:nobody.example"}, {"action": "verify"}, {"entity_id": "not an identifier"}],
)
def test_a_missing_grant_is_false_and_no_error(changes: dict[str, str]) -> None:
    answer = authorization(known_from(), a_question(**changes), NOW)

    assert answer.authorized is False
    assert answer.message == "there is no such authorization of this entity"


def test_an_unknown_authority_is_not_found() -> None:
    with pytest.raises(AuthorityNotFound) as caught:
        authorization(known_from(), a_question(authority_id="did:web:other.example"), NOW)

    assert (caught.value.status, caught.value.pointer) == (404, "/authority_id")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"action": "revoke"}, "/action"),
        ({"resource": "Diploma"}, "/resource"),
        ({"action": "verify", "resource": "Licence"}, "/resource"),
        ({"action": "Issue"}, "/action"),
    ],
)
def test_what_the_authority_does_not_define_is_not_found(changes: dict[str, str], pointer: str) -> None:
    with pytest.raises(DefinitionNotFound) as caught:
        authorization(known_from(), a_question(**changes), NOW)

    assert (caught.value.status, caught.value.pointer) == (404, pointer)


def test_an_authority_recognises_another() -> None:
    answer = recognition(known_from(), a_question(authority_id=LICENSING, entity_id=EDU), NOW)

    assert answer.recognized is True


def test_recognition_is_not_mutual() -> None:
    answer = recognition(known_from(), a_question(authority_id=EDU, entity_id=LICENSING), NOW)

    assert answer.recognized is False


def test_no_authority_recognises_itself() -> None:
    answer = recognition(known_from(), a_question(entity_id=EDU), NOW)

    assert answer.recognized is False


def test_a_recognition_is_no_authorization_and_the_other_way_round() -> None:
    known = known_from()

    assert recognition(known, a_question(), NOW).recognized is False
    as_issuer = a_question(authority_id=LICENSING, entity_id=EDU)
    assert authorization(known, as_issuer, NOW).authorized is False
