"""As for the rest of the room; and issuers whose keys are files."""

from pathlib import Path

import pytest

from storage import Engine
from tests.clock import Clock
from tests.operators.conftest import clock, database
from tests.operators.issuers.desk import Desk

__all__ = ["clock", "database"]


@pytest.fixture
def desk(database: Engine, clock: Clock, tmp_path: Path) -> Desk:
    key_dir = tmp_path / "keys"
    key_dir.mkdir()
    return Desk(database, clock, key_dir)
