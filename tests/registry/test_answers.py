"""What an answer of TRQP says beside yes or no: state, window, when it was learned, until when it is good."""

from pathlib import Path
from typing import Any

import pytest

from registry.errors import TimeOutOfRange
from registry.model import Delegation, Identifier
from registry.trqp import LIFECYCLE_PROFILE
from tests.registry.examples import LICENSING, UNI
from tests.registry.told import NOW, a_grant, a_registry, a_state, an_authority, an_entity, at
from wire import MalformedBody, format_utc

pytestmark = pytest.mark.anyio

WINDOW = {"validFrom": "2024-01-01T00:00:00Z", "validUntil": "2028-01-01T00:00:00Z"}
DEAN = "did:web:dean.example"


def lifecycle(answer: dict[str, Any]) -> dict[str, Any]:
    names = ("status", "validFrom", "validUntil", "revokedAt", "suspendedAt", "statusReason")
    assert answer["lifecycleProfile"] == LIFECYCLE_PROFILE
    return {name: answer[name] for name in names if name in answer}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, {"status": "active", **WINDOW}),
        ({"valid_until": None}, {"status": "active", "validFrom": WINDOW["validFrom"]}),
        (
            {"valid_from": at("2027-01-01")},
            {"status": "pending", **WINDOW, "validFrom": "2027-01-01T00:00:00Z"},
        ),
        (
            {"valid_until": at("2026-01-01")},
            {"status": "expired", **WINDOW, "validUntil": "2026-01-01T00:00:00Z"},
        ),
        (
            {"history": (a_state("suspended", "2026-11-01", reason="audit"),)},
            {
                "status": "suspended",
                **WINDOW,
                "suspendedAt": "2026-11-01T00:00:00Z",
                "statusReason": "audit",
            },
        ),
        (
            {"history": (a_state("suspended", "2026-10-01"), a_state("active", "2026-11-01"))},
            {"status": "active", **WINDOW},
        ),
        (
            {"history": (a_state("revoked", "2026-11-01", reason="closed"),)},
            {"status": "revoked", **WINDOW, "revokedAt": "2026-11-01T00:00:00Z", "statusReason": "closed"},
        ),
        (
            {"history": (a_state("superseded", "2026-11-01", superseded_by="g2"),)},
            {"status": "revoked", **WINDOW, "revokedAt": "2026-11-01T00:00:00Z"},
        ),
        (
            {"history": (a_state("revoked", "2026-12-01", compromised_since=at("2026-06-01")),)},
            {"status": "revoked", **WINDOW, "revokedAt": "2026-06-01T00:00:00Z"},
        ),
    ],
)
async def test_the_state_of_a_grant_is_told_in_the_words_of_the_lifecycle_draft(
    tmp_path: Path, changes: dict[str, Any], told: dict[str, Any]
) -> None:
    async with a_registry(tmp_path, a_grant(**changes)) as registry:
        answer = await registry.ask()

    assert lifecycle(answer) == told
    assert answer["authorized"] is (told["status"] == "active")
    assert answer["decision"] == {"authorized": "true" if answer["authorized"] else "false"}


async def test_of_what_was_never_granted_the_state_is_unknown_and_the_decision_false(tmp_path: Path) -> None:
    async with a_registry(tmp_path) as registry:
        answers = [await registry.ask(), await registry.ask(entity_id="did:web:nobody.example")]

    assert [lifecycle(answer) for answer in answers] == [{"status": "unknown"}] * 2
    assert [answer["decision"] for answer in answers] == [{"authorized": "false"}] * 2


async def test_before_a_compromise_the_answer_is_no_yes_and_the_decision_indeterminate(
    tmp_path: Path,
) -> None:
    revoked = a_state("revoked", "2026-12-01", compromised_since=at("2026-06-01"))
    async with a_registry(tmp_path, a_grant(history=(revoked,))) as registry:
        answer = await registry.ask(context={"time": "2026-05-01T00:00:00Z"})

    assert answer["authorized"] is False
    assert answer["decision"] == {"authorized": "indeterminate"}
    assert answer["status"] == "unknown"


async def test_a_recognition_has_the_same_members_under_its_own_name(tmp_path: Path) -> None:
    recognition = a_grant(kind="recognition", entity_id="lic")
    async with a_registry(tmp_path, recognition) as registry:
        answer = await registry.ask("recognition", entity_id=LICENSING)

    assert answer["recognized"] is True
    assert answer["decision"] == {"recognized": "true"}
    assert lifecycle(answer) == {"status": "active", **WINDOW}
    assert answer["meta"] == {
        "time_evaluated": "2026-11-24T12:00:00Z",
        "expires_at": "2026-11-24T12:05:00Z",
    }


@pytest.mark.parametrize(
    ("grant", "authority", "expires_at"),
    [
        ({}, {}, "2026-11-24T12:05:00Z"),
        ({}, {"freshness_seconds": 60}, "2026-11-24T12:01:00Z"),
        ({}, {"valid_until": NOW + 7_000_000}, "2026-11-24T12:00:07Z"),
        ({"valid_until": NOW + 9_000_000}, {}, "2026-11-24T12:00:09Z"),
        (
            {"history": (a_state("suspended", "2026-11-24T12:00:08Z"),)},
            {"freshness_seconds": 60},
            "2026-11-24T12:00:08Z",
        ),
        ({"valid_from": NOW + 9_000_000}, {}, "2026-11-24T12:00:09Z"),
    ],
)
async def test_an_answer_expires_as_its_authority_says_and_never_after_a_change_that_is_known(
    tmp_path: Path, grant: dict[str, Any], authority: dict[str, Any], expires_at: str
) -> None:
    async with a_registry(tmp_path, an_authority("edu", **authority), a_grant(**grant)) as registry:
        answer = await registry.ask()

    assert answer["meta"] == {"time_evaluated": "2026-11-24T12:00:00Z", "expires_at": expires_at}


@pytest.mark.parametrize(
    "facts",
    [
        (an_entity("uni", Identifier(value=UNI, valid_until=NOW + 5_000_000)), a_grant()),
        (an_entity("uni", Identifier(value=UNI, valid_from=NOW + 5_000_000)), a_grant()),
        (an_entity("uni", Identifier(value=UNI, compromised_since=NOW + 5_000_000)), a_grant()),
        (an_entity("uni", UNI, valid_until=NOW + 5_000_000), a_grant()),
        (a_grant(valid_until=at("2025-01-01")), a_grant("g2", valid_from=NOW + 5_000_000)),
    ],
)
async def test_an_answer_expires_when_an_identifier_ends_or_begins_or_another_grant_begins(
    tmp_path: Path, facts: tuple[Any, ...]
) -> None:
    async with a_registry(tmp_path, *facts) as registry:
        answer = await registry.ask()

    assert answer["meta"]["expires_at"] == "2026-11-24T12:00:05Z"


async def test_an_answer_about_the_past_says_when_the_registry_learned_it_and_whether_it_was_late(
    tmp_path: Path,
) -> None:
    async with a_registry(tmp_path, a_grant()) as registry:
        in_time = await registry.ask(context={"time": "2025-06-01T00:00:00Z"})
        corrected = a_grant(history=(a_state("suspended", "2025-05-01"), a_state("active", "2025-07-01")))
        await registry.tell(corrected, when=at("2026-01-01"))
        late = await registry.ask(context={"time": "2025-06-01T00:00:00Z"})
        same = await registry.ask(context={"time": "2025-01-01T00:00:00Z"})

    assert (in_time["authorized"], in_time["recorded_at"]) == (True, "2024-01-01T00:00:00Z")
    assert "late" not in in_time
    assert (late["authorized"], late["late"], late["recorded_at"]) == (False, True, "2026-01-01T00:00:00Z")
    assert same["authorized"] is True
    assert "late" not in same, "the correction changed nothing of that time"


async def test_what_was_granted_before_anybody_told_us_is_late(tmp_path: Path) -> None:
    async with a_registry(tmp_path) as registry:
        await registry.tell(a_grant(), when=at("2026-01-01"))

        late = await registry.ask(context={"time": "2025-06-01T00:00:00Z"})

    assert (late["authorized"], late["late"]) == (True, True)


async def test_known_at_asks_what_was_known_then_and_the_answer_never_changes(tmp_path: Path) -> None:
    then = {"time": "2025-06-01T00:00:00Z", "known_at": "2025-12-31T00:00:00Z"}
    async with a_registry(tmp_path, a_grant()) as registry:
        before = await registry.ask(context=then)
        corrected = a_grant(history=(a_state("suspended", "2025-05-01"),))
        await registry.tell(corrected)
        after, now = await registry.ask(context=then), await registry.ask(context={"time": then["time"]})

    assert after == before
    assert after["known_at"] == "2025-12-31T00:00:00Z"
    assert (after["authorized"], now["authorized"]) == (True, False)


async def test_a_known_at_a_little_ahead_is_answered_for_now_and_says_so(tmp_path: Path) -> None:
    async with a_registry(tmp_path, a_grant()) as registry:
        answer = await registry.ask(context={"known_at": format_utc(NOW + 30_000_000)})

    assert answer["known_at"] == "2026-11-24T12:00:00Z"


@pytest.mark.parametrize("name", ["time", "known_at"])
async def test_a_time_more_than_a_minute_ahead_is_refused(tmp_path: Path, name: str) -> None:
    async with a_registry(tmp_path, a_grant()) as registry:
        answered = await registry.ask(context={"time": format_utc(NOW + 60_000_000)})

        with pytest.raises(TimeOutOfRange) as caught:
            await registry.ask(context={name: format_utc(NOW + 61_000_000)})

    assert answered["authorized"] is True
    assert (caught.value.status, caught.value.pointer) == (400, f"/context/{name}")


@pytest.mark.parametrize("value", [None, 1, True, "now", "2025-01-01", {}])
async def test_a_malformed_known_at_is_never_answered_for_now(tmp_path: Path, value: object) -> None:
    async with a_registry(tmp_path, a_grant()) as registry:
        with pytest.raises(MalformedBody) as caught:
            await registry.ask(context={"known_at": value})

    assert caught.value.pointer == "/context/known_at"


async def test_a_delegated_grant_is_shown_with_the_chain_of_who_passed_the_power_on(tmp_path: Path) -> None:
    power = {"authority_id": "edu", "actions": ("issue",), "valid_from": at("2024-01-01")}
    facts = (
        an_entity("dean", DEAN),
        Delegation(id="d1", grantor_id="edu", delegate_id="lic", further=1, **power),
        Delegation(id="d2", grantor_id="lic", delegate_id="dean", **power),
        a_grant(granted_by="dean"),
    )
    async with a_registry(tmp_path, *facts) as registry:
        answer = await registry.ask()

    assert answer["authorized"] is True
    assert answer["chain"] == [
        {"entity_id": LICENSING, "delegation_id": "d1"},
        {"entity_id": DEAN, "delegation_id": "d2"},
    ]


async def test_a_grant_by_one_without_the_power_is_no_grant(tmp_path: Path) -> None:
    async with a_registry(tmp_path, a_grant(granted_by="lic")) as registry:
        answer = await registry.ask()

    assert (answer["authorized"], answer["status"]) == (False, "unknown")
    assert "chain" not in answer


async def test_an_entity_is_found_by_each_kind_of_identifier(tmp_path: Path) -> None:
    digest = "u2HEKTTdKpzuPcXEDHb3u4XTjqqJVd1QrPUXOfaExQc"
    spelled = "https://FHIR.uni.example/Keys/1"
    key = f"urn:ietf:params:oauth:jwk-thumbprint:sha-256:{digest}"
    entity = an_entity("uni", UNI, spelled, key, f"ni:///sha-256;{digest}")
    async with a_registry(tmp_path, entity, a_grant()) as registry:
        asked = (UNI, spelled, key, f"ni:///sha-256;{digest}", f"x509_hash:{digest}")
        answers = [await registry.ask(entity_id=each) for each in asked]

    assert [answer["authorized"] for answer in answers] == [True] * 5
    assert [answer["entity_id"] for answer in answers] == list(asked)


async def test_an_identifier_counts_while_it_is_the_entitys(tmp_path: Path) -> None:
    moved = an_entity("uni", Identifier(value=UNI, valid_until=at("2026-01-01")), DEAN)
    async with a_registry(tmp_path, moved, a_grant()) as registry:
        before = await registry.ask(context={"time": "2025-06-01T00:00:00Z"})
        after = await registry.ask()

    assert (before["authorized"], after["authorized"]) == (True, False)
    assert after["status"] == "unknown"
