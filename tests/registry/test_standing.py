"""What a grant is at every boundary of its window and of its history."""

import pytest

from registry.model import Grant, Standing, StateChange, standing_at

DAY = 86_400_000_000  # microseconds
FROM, SUSPENDED, REINSTATED, UNTIL = 100 * DAY, 120 * DAY, 130 * DAY, 200 * DAY


def a_grant(*history: StateChange, until: int | None = UNTIL) -> Grant:
    return Grant(
        id="g-1",
        kind="authorization",
        authority_id="a",
        entity_id="e",
        action="issue",
        resource="Degree",
        valid_from=FROM,
        valid_until=until,
        history=history,
    )


@pytest.mark.parametrize(
    ("at", "phase"),
    [
        (FROM - 1, "not_yet_valid"),
        (FROM, "active"),
        (UNTIL - 1, "active"),
        (UNTIL, "expired"),
        (UNTIL + 1, "expired"),
    ],
)
def test_the_window_is_half_open(at: int, phase: str) -> None:
    assert standing_at(a_grant(), at).phase == phase


def test_a_window_without_an_end_never_expires() -> None:
    assert standing_at(a_grant(until=None), 10**18) == Standing("active", FROM)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (SUSPENDED - 1, Standing("active", FROM, SUSPENDED)),
        (SUSPENDED, Standing("suspended", SUSPENDED, REINSTATED, "audit")),
        (REINSTATED - 1, Standing("suspended", SUSPENDED, REINSTATED, "audit")),
        (REINSTATED, Standing("active", REINSTATED, UNTIL)),
        (UNTIL - 1, Standing("active", REINSTATED, UNTIL)),
        (UNTIL, Standing("expired", UNTIL)),
    ],
)
def test_a_suspension_and_its_end_are_seen_at_their_very_microsecond(at: int, expected: Standing) -> None:
    grant = a_grant(
        StateChange(state="suspended", since=SUSPENDED, reason="audit"),
        StateChange(state="active", since=REINSTATED),
    )

    assert standing_at(grant, at) == expected


def test_a_grant_still_suspended_at_its_end_expires() -> None:
    assert standing_at(a_grant(StateChange(state="suspended", since=SUSPENDED)), UNTIL).phase == "expired"


@pytest.mark.parametrize("at", [SUSPENDED, UNTIL - 1, UNTIL, UNTIL + DAY])
def test_a_revocation_outlives_the_window(at: int) -> None:
    grant = a_grant(StateChange(state="revoked", since=SUSPENDED, reason="fraud"))

    assert standing_at(grant, at) == Standing("revoked", SUSPENDED, None, "fraud")


def test_before_a_revocation_the_grant_was_active() -> None:
    assert (
        standing_at(a_grant(StateChange(state="revoked", since=SUSPENDED)), SUSPENDED - 1).phase == "active"
    )


def test_a_grant_may_begin_suspended() -> None:
    grant = a_grant(StateChange(state="suspended", since=FROM))

    assert standing_at(grant, FROM).phase == "suspended"
    assert standing_at(grant, FROM - 1).phase == "not_yet_valid"
