"""Windows and histories that contradict themselves are refused at import."""

import pytest

from registry.asking.trqp_answers import authorization
from tests.registry.examples import (
    EDU,
    LICENSING,
    NOW,
    a_grant,
    a_question,
    a_registry,
    grants_from,
    known_from,
)
from tests.registry.faults import places_in


def window(begins: str, ends: str | None) -> dict[str, object]:
    until = f"{ends}T00:00:00Z" if ends else None
    return a_grant(valid_from=f"{begins}T00:00:00Z", valid_until=until)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (window("2024-01-01", "2025-01-01"), window("2024-06-01", "2024-07-01")),
        (window("2024-01-01", "2025-01-01"), window("2024-12-31", "2026-01-01")),
        (window("2024-01-01", None), window("2030-01-01", None)),
        (window("2024-01-01", None), window("2024-01-01", None)),
        (window("2024-01-01", "2025-01-01"), window("2024-01-01", "2025-01-01")),
    ],
)
def test_windows_of_one_grant_do_not_overlap(first: dict[str, object], second: dict[str, object]) -> None:
    assert places_in(a_registry(authorizations=[first, second])) == ["/authorizations/1"]


def test_a_long_window_overlaps_what_follows_a_short_one_inside_it() -> None:
    grants = [
        window("2024-01-01", "2030-01-01"),
        window("2025-01-01", "2026-01-01"),
        window("2027-01-01", "2028-01-01"),
    ]

    assert places_in(a_registry(authorizations=grants)) == ["/authorizations/1", "/authorizations/2"]


def test_windows_in_any_order_may_touch() -> None:
    grants = [
        window("2026-01-01", None),
        window("2024-01-01", "2025-01-01"),
        window("2025-01-01", "2026-01-01"),
    ]

    assert len(grants_from(authorizations=grants, recognitions=[])) == 3


def test_windows_of_different_grants_may_overlap() -> None:
    grants = [window("2024-01-01", None), a_grant(action="verify")]
    recognition = a_grant(authority_id=LICENSING, entity_id=EDU)

    assert len(grants_from(authorizations=grants, recognitions=[recognition])) == 3


def change(state: str, since: str) -> dict[str, str]:
    return {"state": state, "since": f"{since}T00:00:00Z"}


@pytest.mark.parametrize(
    ("history", "place"),
    [
        ([change("active", "2025-01-01")], "0/state"),
        ([change("suspended", "2025-01-01"), change("suspended", "2025-02-01")], "1/state"),
        ([change("suspended", "2025-02-01"), change("active", "2025-01-01")], "1/since"),
        ([change("suspended", "2025-02-01"), change("active", "2025-02-01")], "1/since"),
        ([change("suspended", "2023-12-31")], "0/since"),
        ([change("suspended", "2028-01-01")], "0/since"),
        ([change("revoked", "2025-01-01"), change("active", "2025-02-01")], "1"),
        ([change("revoked", "2025-01-01"), change("revoked", "2025-02-01")], "1"),
        ([change("suspended", "2025-02-30")], "0/since"),
        ([change("paused", "2025-02-01")], "0/state"),
        ([change("suspended", "2025-01-01") | {"reason": "a\u202eb"}], "0/reason"),
    ],
)
def test_a_history_that_contradicts_itself_is_refused(history: list[dict[str, str]], place: str) -> None:
    registry = a_registry(authorizations=[a_grant(history=history)])

    assert places_in(registry) == [f"/authorizations/0/history/{place}"]


def test_what_was_revoked_may_be_granted_again_inside_the_old_window() -> None:
    revoked = window("2024-01-01", "2030-01-01") | {"history": [change("revoked", "2025-03-01")]}
    again = window("2025-03-01", "2029-01-01")
    known = known_from(authorizations=[again, revoked], recognitions=[])

    def phase(time: str) -> tuple[bool, str]:
        question = a_question(context={"time": f"{time}T00:00:00Z"})
        answer = authorization(known, question, NOW)
        return answer.authorized, answer.message

    assert phase("2025-02-28")[0]
    assert phase("2025-03-01") == (True, "active since 2025-03-01T00:00:00Z until 2029-01-01T00:00:00Z")
    assert phase("2029-06-01") == (False, "expired on 2029-01-01T00:00:00Z")


def test_two_grants_do_not_begin_at_once_even_where_the_first_was_revoked_at_once() -> None:
    revoked = window("2024-01-01", None) | {"history": [change("revoked", "2024-01-01")]}
    again = window("2024-01-01", None)

    assert places_in(a_registry(authorizations=[revoked, again])) == ["/authorizations/1"]


@pytest.mark.parametrize("state", ["revoked", "suspended"])
def test_a_window_still_overlaps_before_the_revocation_and_after_a_suspension(state: str) -> None:
    first = window("2024-01-01", "2030-01-01") | {"history": [change(state, "2025-03-01")]}
    second = window("2025-02-28" if state == "revoked" else "2025-04-01", None)

    assert places_in(a_registry(authorizations=[first, second])) == ["/authorizations/1"]


def test_a_grant_may_be_suspended_reinstated_and_revoked() -> None:
    history = [
        change("suspended", "2024-01-01"),
        change("active", "2025-01-01"),
        change("revoked", "2027-12-31"),
    ]

    assert len(grants_from(authorizations=[a_grant(history=history)])[0].history) == 3
