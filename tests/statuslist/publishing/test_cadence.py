"""When a change is published: soon, but not at a time that tells when it came, where a set is to hide that."""

from typing import Any

import pytest

from statuslist.publishing.cadence import delay_of
from statuslist.publishing.demand import Demand
from statuslist.publishing.set_versions import SetVersions

NOW = 1_790_000_000.0
HOUR = 3_600_000  # milliseconds


def rows(wanted: int, published: int, **changes: Any) -> SetVersions:
    values = {"is_change": True, "at_once": 0, "cadence_ms": 1_000, "changed": 0, "length": 131_072}
    return SetVersions("set", "issuer", wanted, published, **values | {"position": 0} | changes)


class Clock:
    """Seconds since 1970, which a test turns; the timer goes on beside it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def test_a_short_cadence_lets_the_first_change_through_and_gathers_those_behind_it() -> None:
    assert delay_of("set", 1_000, since_published=None, now=NOW) == 0
    assert delay_of("set", 1_000, since_published=30.0, now=NOW) == 0
    assert delay_of("set", 1_000, since_published=0.25, now=NOW) == pytest.approx(0.25)


def test_versions_of_a_long_cadence_are_a_whole_cadence_apart_whenever_the_changes_came() -> None:
    published = {
        round(NOW + after + delay_of("set", HOUR, since_published=None, now=NOW + after), 3)
        for after in range(0, 7_200, 7)
    }
    others = {
        round((NOW + delay_of(f"set-{number}", HOUR, since_published=None, now=NOW)) % 3_600)
        for number in range(50)
    }

    assert len(published) == 3
    assert max(published) - min(published) == pytest.approx(7_200)
    assert len(others) > 40, "each set has an offset of its own"


def test_a_change_waits_for_its_cadence_and_is_late_only_then() -> None:
    clock = Clock()
    demand = Demand(clock)
    demand.rows_say(rows(1, 1, cadence_ms=HOUR), 0.0)
    wait = delay_of("set", HOUR, since_published=None, now=NOW)

    demand.rows_say(rows(2, 1, cadence_ms=HOUR), 10.0)

    assert demand.waiting(10.0 + wait - 1) == []
    assert demand.longest_wait(10.0 + wait - 1) == 0
    assert demand.next_due(10.0) == pytest.approx(wait)
    assert demand.waiting(10.0 + wait) == ["set"]
    assert demand.longest_wait(10.0 + wait + 5) == pytest.approx(5)


@pytest.mark.parametrize("step", [-7_200.0, 3 * 86_400.0])
def test_a_clock_that_jumps_delays_a_change_by_a_cadence_at_most(step: float) -> None:
    clock = Clock()
    demand = Demand(clock)
    demand.rows_say(rows(1, 1, cadence_ms=HOUR), 0.0)
    demand.rows_say(rows(2, 1, cadence_ms=HOUR), 10.0)
    clock.now += step

    assert demand.waiting(10.0 + 3_600) == ["set"]


def test_what_is_urgent_takes_with_it_what_waits() -> None:
    demand = Demand(Clock())
    demand.rows_say(rows(1, 1, cadence_ms=HOUR), 0.0)
    demand.rows_say(rows(2, 1, cadence_ms=HOUR), 10.0)
    assert demand.waiting(11.0) == []

    demand.rows_say(rows(4, 1, cadence_ms=HOUR, at_once=3), 11.0)

    assert demand.waiting(11.0) == ["set"]
    assert demand.is_urgent("set")
    demand.is_published("set", 4, 11.0)
    assert not demand.is_urgent("set")


def test_neither_the_first_version_nor_a_fresh_signature_waits_for_a_cadence() -> None:
    demand = Demand(Clock())
    demand.rows_say(rows(1, 0, cadence_ms=HOUR), 0.0)
    assert demand.waiting(0.0) == ["set"]

    demand.rows_say(rows(1, 1, cadence_ms=HOUR), 1.0)
    demand.rows_say(rows(2, 1, cadence_ms=HOUR, is_change=False), 2.0)

    assert demand.waiting(2.0) == ["set"]
