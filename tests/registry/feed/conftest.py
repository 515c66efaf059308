"""What the tests of the feed share."""

from collections.abc import AsyncIterator

import pytest

from tests.clock import Clock
from tests.databases import Place
from tests.registry.examples import NOW
from tests.registry.feed.feeding import Feeding, feeding_at


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW / 1_000_000)


@pytest.fixture
async def feeding(place: Place, clock: Clock) -> AsyncIterator[Feeding]:
    async with feeding_at(place, clock) as feeding:
        yield feeding
