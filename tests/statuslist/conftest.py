"""Fixtures of the status list tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.statuslist.house import House, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A checker between our own wing and the fake web."""
    async with open_house(tmp_path) as opened:
        yield opened
