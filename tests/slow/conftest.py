"""A deployment of its own for each test; its process never outlives the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    deployment = Server(tmp_path)
    yield deployment
    deployment.kill()
