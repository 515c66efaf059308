"""Since when a list says less than its rows, and when one that failed is tried again; by a monotonic clock."""

from statuslist.publishing.demand import MAX_BACKOFF_SECONDS, Demand
from statuslist.publishing.set_versions import SetVersions


def rows(wanted: int, published: int, list_id: str = "list", *, is_change: bool = True) -> SetVersions:
    return SetVersions(list_id, "issuer", wanted, published, is_change, 0, 1_000, 0, 131_072, 0)


def test_a_list_waits_from_the_oldest_change_that_is_not_published() -> None:
    demand = Demand(lambda: 1_790_000_000.0)
    demand.rows_say(rows(1, 0), 10.0)
    demand.rows_say(rows(2, 0), 12.0)

    assert demand.longest_wait(15.0) == 5.0
    assert demand.waiting(15.0) == ["list"]


def test_what_was_wanted_while_a_version_was_made_waits_since_then() -> None:
    demand = Demand(lambda: 1_790_000_000.0)
    demand.rows_say(rows(1, 0), 10.0)
    demand.rows_say(rows(2, 0), 12.0)

    demand.is_published("list", 1, 11.0)

    assert demand.longest_wait(15.0) == 3.5
    demand.is_published("list", 2, 14.0)
    assert demand.longest_wait(15.0) == 0.0


def test_a_look_older_than_a_publication_takes_nothing_back() -> None:
    demand = Demand(lambda: 1_790_000_000.0)
    demand.rows_say(rows(1, 0), 10.0)
    demand.is_published("list", 1, 10.5)

    demand.rows_say(rows(1, 0), 11.0)

    assert demand.waiting(12.0) == []
    assert demand.never_published == 0


def test_a_list_that_fails_is_tried_again_after_pauses_that_grow_to_a_bound() -> None:
    demand = Demand(lambda: 1_790_000_000.0)
    demand.rows_say(rows(1, 0), 0.0)
    pauses = []
    for _ in range(2_000):
        demand.has_failed("list", "no key", 0.0)
        pauses.append(next(pause for pause in (1, 2, 4, 60, 61) if demand.may_begin("list", pause)))

    assert pauses[:3] == [1, 2, 4]
    assert pauses[-1] == MAX_BACKOFF_SECONDS
    demand.retry()
    assert demand.waiting(0.0) == ["list"]


def test_a_list_that_another_process_published_has_not_failed() -> None:
    demand = Demand(lambda: 1_790_000_000.0)
    demand.rows_say(rows(2, 1), 0.0)
    demand.has_failed("list", "no key", 5.0)

    demand.rows_say(rows(2, 2), 6.0)

    assert list(demand.late(before=100.0, anew_before=0.0)) == []
    assert demand.may_begin("list", 6.0)


def test_a_failure_is_told_since_it_first_failed() -> None:
    demand = Demand(lambda: 1_790_000_000.0)
    demand.rows_say(rows(1, 1), 0.0)
    demand.has_failed("list", "no key", 5.0)
    demand.has_failed("list", "no key at all", 8.0)

    assert list(demand.late(before=4.0, anew_before=0.0)) == []
    assert list(demand.late(before=5.0, anew_before=0.0)) == [("list", "no key at all")]
    demand.is_well("list")
    assert list(demand.late(before=100.0, anew_before=0.0)) == []


def test_nobody_waits_for_a_signature_until_it_is_very_late() -> None:
    demand = Demand(lambda: 1_790_000_000.0)
    demand.rows_say(rows(2, 1, is_change=False), 10.0)

    assert demand.longest_wait(15.0) == 0.0
    assert demand.waiting(15.0) == ["list"]
    assert list(demand.late(before=100.0, anew_before=9.0)) == []
    assert list(demand.late(before=0.0, anew_before=10.0)) == [("list", "it waits to be signed anew")]


def test_a_change_waits_from_when_it_was_made_and_not_from_the_signature_that_was_wanted_before() -> None:
    demand = Demand(lambda: 1_790_000_000.0)
    demand.rows_say(rows(2, 1, is_change=False), 10.0)

    demand.rows_say(rows(3, 1), 12.0)

    assert demand.is_change("list")
    assert demand.longest_wait(15.0) == 3.0
    demand.rows_say(rows(2, 1, is_change=False), 13.0)  # An older look.
    assert demand.is_change("list")
