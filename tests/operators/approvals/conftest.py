"""As for the rest of the room; and an office."""

from pathlib import Path

import pytest

from storage import Engine
from tests.clock import Clock
from tests.operators.approvals.office import Office
from tests.operators.conftest import clock, database

__all__ = ["clock", "database"]


@pytest.fixture
async def office(database: Engine, clock: Clock, tmp_path: Path) -> Office:
    key_dir = tmp_path / "keys"
    key_dir.mkdir()
    return await Office(database, clock, key_dir).open()
