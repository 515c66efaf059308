"""A newsroom over a database of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from operators import MIGRATIONS as OPERATORS
from registry import MIGRATIONS
from storage import MIGRATIONS as STORAGE
from tests.databases import Place, migrated
from tests.registry.editing.newsroom import Newsroom


@pytest.fixture
async def newsroom(place: Place, tmp_path: Path) -> AsyncIterator[Newsroom]:
    async with migrated(place, (*STORAGE, *OPERATORS, *MIGRATIONS)) as database:
        yield await Newsroom(database, tmp_path).open()


@pytest.fixture
async def bare(place: Place, tmp_path: Path) -> AsyncIterator[Newsroom]:
    """One in which nobody can approve."""
    async with migrated(place, (*STORAGE, *OPERATORS, *MIGRATIONS)) as database:
        yield await Newsroom(database, tmp_path).open(approvers=())
