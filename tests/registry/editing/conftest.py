"""A newsroom over a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from operators import MIGRATIONS as OPERATORS
from registry import MIGRATIONS
from storage import MIGRATIONS as STORAGE
from tests.databases import Place, migrated
from tests.registry.editing.newsroom import Newsroom

# Of these on PostgreSQL the whole story is fast; the others are slow tests, which CI runs.
FAST_ON_POSTGRES = (
    "test_what_another_person_approves_takes_effect",
    "test_a_scheduled_change_set_takes_effect",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        is_here = item.path.parent.name == "editing"
        if is_here and parameters.get("place") == "postgres" and not item.name.startswith(FAST_ON_POSTGRES):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
async def newsroom(place: Place, tmp_path: Path) -> AsyncIterator[Newsroom]:
    async with migrated(place, (*STORAGE, *OPERATORS, *MIGRATIONS)) as database:
        yield await Newsroom(database, tmp_path).open()


@pytest.fixture
async def bare(place: Place, tmp_path: Path) -> AsyncIterator[Newsroom]:
    """One in which nobody can approve."""
    async with migrated(place, (*STORAGE, *OPERATORS, *MIGRATIONS)) as database:
        yield await Newsroom(database, tmp_path).open(approvers=())
