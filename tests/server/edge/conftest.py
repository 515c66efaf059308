"""The real server, with hot answers given in front and by the protocol: one for a test, or one for a file."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.running import Running, running_in

MANY = 1_000_000.0  # of requests a second, so that no test uses up what another needs


@pytest.fixture(params=[False, True], ids=["front", "protocol"])
async def running(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    """A server of the test's own."""
    async with running_in(tmp_path, hot_protocol=request.param) as started:
        yield started


@pytest.fixture(params=[False, True], ids=["front", "protocol"], scope="module")
async def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    """One server for the tests of a file that change nothing in it, count nothing, and expect no cold answer."""
    directory = tmp_path_factory.mktemp("shared")
    rates = {"rate_hot_per_second": MANY, "rate_cpu_per_second": MANY}
    async with running_in(directory, hot_protocol=request.param, **rates) as started:
        yield started
