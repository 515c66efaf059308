"""How lists are signed anew: not all at one time, before they end, whatever somebody does to the clock."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from operators import AlarmKind
from statuslist.publishing.published import Published, renew_at
from tests.databases import SqlitePlace
from tests.statuslist.wing import Wing

pytestmark = pytest.mark.anyio

LIST = "badges-revocation"
LIFE = 86_400  # seconds
STEP = 600.0  # seconds between two looks at a clock that is turned


@pytest.fixture
async def wing(tmp_path: Path) -> AsyncIterator[Wing]:
    async with Wing.open(SqlitePlace(tmp_path / "test.db")) as opened:
        yield opened


def _published(wing: Wing) -> Published:
    current = wing.publisher.lists.current(LIST)
    assert current is not None
    return current


def test_a_thousand_lists_made_together_are_signed_anew_over_an_eighth_of_their_life() -> None:
    end = LIFE * 1_000_000
    due = [renew_at(f"set-{number}-revocation", 0, end) / end for number in range(1_000)]

    parts = Counter(int((1 / 2 - at) * 64) for at in due)

    assert 3 / 8 < min(due) < max(due) <= 1 / 2
    assert set(parts) == set(range(8))
    assert max(parts.values()) < 250, "an eighth of that time has no more than twice its part"


async def test_sets_made_together_are_signed_anew_apart_and_none_before_its_time_or_past_its_end(
    wing: Wing,
) -> None:
    for number in range(24):
        await wing.create(f"set-{number}")
    await wing.publisher.publish_dirty()
    ends = {found.list_id: found.valid_until for found in wing.publisher.lists}
    anew: list[int] = []

    for _ in range(int(LIFE / 2 / STEP) + 1):
        wing.clock.ahead += STEP
        anew.append(await wing.publisher.publish_dirty())
        assert (wing.publisher.lists.remaining_seconds() or 0) > LIFE / 2 - STEP

    assert sum(anew) >= 24
    assert max(anew) <= 12
    assert sum(anew[: int(LIFE * 3 / 8 / STEP) - 1]) == 0
    assert all(found.valid_until > ends[found.list_id] for found in wing.publisher.lists)


@pytest.mark.parametrize("jump", [-7_200.0, 3.0 * LIFE])
async def test_a_clock_that_jumps_while_changes_are_published_breaks_no_promise(
    wing: Wing, jump: float
) -> None:
    """Versions only grow, what is dated follows the clock, and each revocation is in what is published after it."""
    await wing.create("badges")
    indices = await wing.allocate("badges", 3)
    versions = []

    for index, set_by in zip(indices, (0.0, jump, 0.0), strict=True):
        wing.clock.set_by = set_by
        await wing.revoke("badges", index)
        await wing.publisher.publish_dirty()
        current = _published(wing)
        versions.append(current.version)
        assert wing.published_status(LIST, index) == 1
        assert current.valid_from / 1_000_000 <= wing.clock() < current.valid_until / 1_000_000
        assert wing.clock() - current.valid_from / 1_000_000 < 120

    assert versions == sorted(set(versions))
    assert [wing.published_status(LIST, index) for index in indices] == [1, 1, 1]


async def test_lists_from_before_a_jump_forward_ended_are_told_of_and_made_anew(wing: Wing) -> None:
    await wing.create("badges")
    await wing.publisher.publish_dirty()
    before = _published(wing)

    wing.clock.set_by = 3.0 * LIFE
    remaining = wing.publisher.lists.remaining_seconds()
    near_end = [list_id for list_id, _ in wing.publisher.lists.near_end()]
    await wing.publisher.publish_dirty()

    after = _published(wing)
    assert remaining == 0
    assert LIST in near_end
    assert after.version == before.version + 1
    assert after.valid_until / 1_000_000 > wing.clock()


async def test_a_clock_that_went_back_is_an_alarm_while_lists_are_dated_in_the_future(wing: Wing) -> None:
    await wing.create("badges")
    await wing.publisher.publish_dirty()
    wing.clock.set_by = -7_200.0

    await wing.publisher.publish_dirty()
    held = dict(wing.alarms)
    await wing.publisher.publish_dirty()

    assert (AlarmKind.CLOCK, "lists") in held
    assert (AlarmKind.CLOCK, "lists") not in wing.alarms
