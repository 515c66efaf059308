"""Fixtures of the status list tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.databases import mark_slow_on_postgres
from tests.statuslist.house import House, open_house

SLOW_ON_POSTGRES = (
    "statuslist/entries/test_sets.py",
    "statuslist/entries/test_store.py",
    "statuslist/publishing/test_publisher.py",
    "statuslist/recovery/test_epoch.py",
)
BUT = (
    "test_no_index_is_allocated_twice_by_concurrent_calls",
    "test_what_is_final_is_final_for_raw_sql_too",
    "test_only_the_holder_of_the_lease_publishes_and_the_others_follow",
    "test_no_set_gives_an_index_and_each_can_still_be_revoked",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    mark_slow_on_postgres(items, SLOW_ON_POSTGRES, but=BUT)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A checker between our own wing and the fake web."""
    async with open_house(tmp_path) as opened:
        yield opened
