"""Whose list is published next: each tenant has its turn, and no tenant has every slot."""

from statuslist.publishing.turns import CALM_AFTER, Lane, Turns

URGENT = Lane("small", is_change=True, is_urgent=True)


def lane(tenant: str, *, is_change: bool = True) -> Lane:
    return Lane(tenant, is_change)


def offered(turns: Turns, tenant: str, count: int, *, is_change: bool = True) -> None:
    for number in range(count):
        turns.offer(f"{tenant}-{number}", lane(tenant, is_change=is_change))


def taken(turns: Turns) -> list[str]:
    """Take what may begin, until none may."""
    return list(iter(turns.take, None))


def taken_one_by_one(turns: Turns, count: int) -> list[str]:
    found = []
    for _ in range(count):
        list_id = turns.take()
        assert list_id is not None
        turns.end(list_id)
        found.append(list_id)
    return found


def test_tenants_take_turns() -> None:
    turns = Turns(slots=1, per_tenant=1)
    offered(turns, "big", 60)
    assert taken_one_by_one(turns, 2) == ["big-0", "big-1"]

    offered(turns, "small", 2)

    assert taken_one_by_one(turns, 5) == ["big-2", "small-0", "big-3", "small-1", "big-4"]


def test_a_tenant_has_its_part_of_the_slots_and_the_rest_stays_free_for_others() -> None:
    turns = Turns(slots=4, per_tenant=2)
    offered(turns, "big", 60)

    assert taken(turns) == ["big-0", "big-1"]
    offered(turns, "small", 1)
    assert taken(turns) == ["small-0"]
    turns.end("big-1")
    assert taken(turns) == ["big-2"]


def test_all_tenants_together_have_no_more_than_all_slots() -> None:
    turns = Turns(slots=4, per_tenant=2)
    for tenant in "abcd":
        offered(turns, tenant, 10)

    assert taken(turns) == ["a-0", "b-0", "c-0", "d-0"]


def test_a_list_waits_once() -> None:
    turns = Turns(slots=4, per_tenant=4)
    for _ in range(3):
        turns.offer("list", lane("a"))

    assert taken(turns) == ["list"]
    turns.offer("list", lane("a"))
    assert taken(turns) == []
    turns.end("list")
    turns.offer("list", lane("a"))
    assert taken(turns) == ["list"]


def test_changes_do_not_wait_for_lists_that_are_signed_anew() -> None:
    turns = Turns(slots=1, per_tenant=1)
    offered(turns, "a", 60, is_change=False)
    turns.offer("changed", lane("a"))

    assert taken_one_by_one(turns, 3) == ["a-0", "changed", "a-1"]


def test_a_list_that_is_changed_before_it_is_signed_anew_moves_up() -> None:
    turns = Turns(slots=1, per_tenant=1)
    offered(turns, "a", 60, is_change=False)

    turns.offer("a-59", lane("a"))

    assert taken_one_by_one(turns, 60).index("a-59") == 1
    assert turns.take() is None


def test_what_is_cleared_does_not_begin() -> None:
    turns = Turns(slots=2, per_tenant=1)
    offered(turns, "a", 3)
    assert taken(turns) == ["a-0"]

    turns.clear()
    turns.end("a-0")

    assert taken(turns) == []
    offered(turns, "a", 1)
    assert taken(turns) == ["a-0"]


def test_others_have_one_slot_while_something_urgent_is_under_way_and_for_a_while_after_it() -> None:
    turns = Turns(slots=8, per_tenant=4)
    offered(turns, "big", 60)
    turns.offer("urgent", URGENT)

    assert taken(turns) == ["urgent", "big-0"]
    turns.end("urgent")
    one_by_one = []
    for number in range(CALM_AFTER - 1):
        turns.end(f"big-{number}")
        one_by_one.append(taken(turns))
    assert one_by_one == [[f"big-{number + 1}"] for number in range(CALM_AFTER - 2)] + [
        [f"big-{number}" for number in range(CALM_AFTER - 1, CALM_AFTER + 3)]
    ]


def test_what_is_urgent_without_end_stops_no_other() -> None:
    turns = Turns(slots=8, per_tenant=4)
    offered(turns, "big", 60)
    begun: list[str] = []

    for number in range(20):
        turns.offer(f"urgent-{number}", URGENT)
        begun += (found := taken(turns))
        for set_id in found:
            turns.end(set_id)

    assert [f"big-{number}" for number in range(20)] == [found for found in begun if found.startswith("big")]
