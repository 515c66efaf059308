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

pytestmark = pytest.mark.anyio

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
    wanted = {"id": "badges", "issuerId": "acme", "purposes": ("revocation",), "cadenceSeconds": 3_600}
    to_its_time = delay_of("badges", 3_600_000, since_published=None, now=wing.clock())
    wing.clock.set_by = to_its_time + 60  # It was published a minute ago, and is not for 59.
    await wing.sets.create_set(ROOT, msgspec.convert(wanted, CreateSet))
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
