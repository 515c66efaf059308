"""A database with the tables of operators, and a clock."""

from collections.abc import AsyncIterator

import pytest

from operators import MIGRATIONS
from storage import MIGRATIONS as STORAGE
from storage import Engine
from tests.clock import Clock
from tests.databases import Place, migrated


@pytest.fixture
def clock() -> Clock:
    return Clock(1_800_000_000.0)


@pytest.fixture
async def database(place: Place) -> AsyncIterator[Engine]:
    async with migrated(place, (*STORAGE, *MIGRATIONS)) as database:
        yield database
