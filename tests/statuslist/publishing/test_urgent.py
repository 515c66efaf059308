"""What is seen within a second, what waits for the cadence of its set, and what is urgent: by the loop, on rows."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest

from statuslist.entries.requests import CreateSet
from statuslist.publishing.cadence import delay_of
from storage import Leadership
from tests.databases import Place
from tests.statuslist.wing import ROOT, Wing, change_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow_on_postgres]

LIST = "badges-revocation"


@pytest.fixture
async def wing(place: Place) -> AsyncIterator[Wing]:
    async with Wing.open(place) as opened:
        yield opened


@asynccontextmanager
async def _publishing(wing: Wing) -> AsyncIterator[None]:
    loop = asyncio.create_task(wing.publisher.run(Leadership(wing.database.lease("publisher"))))
    try:
        yield
    finally:
        loop.cancel()
        with suppress(asyncio.CancelledError):
            await loop


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.005)


async def _create_an_hour_apart(wing: Wing) -> None:
    """Create a set that is published each hour, and was a minute ago."""
    wanted = {"id": "badges", "issuerId": "acme", "purposes": ("revocation",), "cadenceSeconds": 3_600}
    wing.clock.set_by = delay_of("badges", 3_600_000, since_published=None, now=wing.clock()) + 60
    await wing.sets.create_set(ROOT, msgspec.convert(wanted, CreateSet))


async def _revoke_urgently(wing: Wing, index: int) -> None:
    await wing.sets.set_statuses(ROOT, "badges", msgspec.structs.replace(change_of(index), urgent=True))


async def test_changes_that_follow_one_another_are_each_seen_within_a_second(wing: Wing) -> None:
    await wing.create("badges")
    indices = await wing.allocate("badges", 3)
    delays = []
    async with _publishing(wing):
        await _until(lambda: wing.publisher.lists.current(LIST) is not None)

        for index in indices:
            await wing.revoke("badges", index)
            acknowledged = time.perf_counter()
            await _until(lambda index=index: wing.published_status(LIST, index) == 1)
            delays.append(time.perf_counter() - acknowledged)

    assert max(delays) < 1.0


async def test_what_is_urgent_takes_with_it_what_waits_for_a_long_cadence(wing: Wing) -> None:
    await _create_an_hour_apart(wing)
    waiting, urgent = await wing.allocate("badges", 2)
    async with _publishing(wing):
        await _until(lambda: wing.publisher.lists.current(LIST) is not None)
        before = wing.publisher.lists.version_of_set("badges")

        await wing.revoke("badges", waiting)
        await asyncio.sleep(0.5)
        still = wing.published_status(LIST, waiting), wing.publisher.lists.version_of_set("badges")
        await _revoke_urgently(wing, urgent)
        await _until(lambda: wing.published_status(LIST, urgent) == 1)
        after = wing.published_status(LIST, waiting), wing.publisher.published

    assert still == (0, before)
    assert after == (1, 2), "one version for both"


async def test_what_turns_out_to_be_urgent_waits_no_longer_though_it_is_so_already(wing: Wing) -> None:
    await _create_an_hour_apart(wing)
    (index,) = await wing.allocate("badges", 1)
    await wing.publisher.publish_dirty()
    async with _publishing(wing):
        waits = await wing.sets.set_statuses(ROOT, "badges", change_of(index))
        again = await wing.sets.set_statuses(ROOT, "badges", change_of(index))
        assert wing.publisher.lists.version_of_set("badges") == 1
        urgent = await wing.sets.set_statuses(
            ROOT, "badges", msgspec.structs.replace(change_of(index), urgent=True)
        )
        await _until(lambda: wing.publisher.lists.version_of_set("badges") == 2)
    done = await wing.sets.set_statuses(
        ROOT, "badges", msgspec.structs.replace(change_of(index), urgent=True)
    )

    assert (again.changed, again.versions) == (0, {})
    assert (urgent.changed, urgent.versions) == (0, waits.versions)
    assert (done.changed, done.versions) == (0, {})


@pytest.mark.parametrize(
    ("later", "is_published"),
    [(0, False), (58 * 60, False), (59 * 60 + 1, False), (11.5 * 3_600, False), (23.5 * 3_600, True)],
    ids=["at once", "before its time", "after its time", "when it is signed anew", "before it ends"],
)
async def test_a_start_publishes_a_set_of_a_long_cadence_at_its_time_unless_its_lists_run_out(
    wing: Wing, later: float, is_published: bool
) -> None:
    """A start at another time would tell more of when somebody was revoked."""
    await _create_an_hour_apart(wing)
    (index,) = await wing.allocate("badges")
    await wing.publisher.publish_dirty()
    await wing.revoke("badges", index)
    wing.clock.ahead += later
    started = wing.another_publisher()
    await started.load()

    await started.publish_dirty()
    at_the_start = wing.published_status(LIST, index, started)
    wing.clock.ahead += started.demand.next_due(wing.clock.timer()) if not is_published else 0
    await started.publish_dirty()

    assert at_the_start == int(is_published)
    assert wing.published_status(LIST, index, started) == 1


async def test_a_start_publishes_the_first_version_of_a_set_of_a_long_cadence(wing: Wing) -> None:
    await _create_an_hour_apart(wing)
    started = wing.another_publisher()
    await started.load()

    assert await started.publish_dirty() == 1
