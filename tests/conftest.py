"""The house rules of every test: no network but loopback, asyncio's event loop; and the PostgreSQL they share."""

import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Place, PostgresPlace, SqlitePlace
from tests.machine import PostgresMissing
from tests.postgres import Cluster
from tests.softhsm import SoftHsm, SoftHsmMissing

_real_connect = socket.socket.connect


def _loopback_only(self: socket.socket, address: object) -> None:
    if self.family == socket.AF_UNIX:
        return _real_connect(self, address)  # type: ignore[arg-type]
    host = str(address[0]) if isinstance(address, tuple) else ""
    if host not in ("127.0.0.1", "::1", "localhost") and not host.startswith("127."):
        raise AssertionError(f"a test tried to reach {host}: only loopback is allowed")
    return _real_connect(self, address)  # type: ignore[arg-type]


@pytest.fixture(autouse=True, scope="session")
def _network_off() -> Iterator[None]:
    """Refuse every connection that does not go to loopback or to a Unix socket."""
    socket.socket.connect = _loopback_only  # type: ignore[method-assign, assignment]
    yield
    socket.socket.connect = _real_connect  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """One PostgreSQL for the session, from the first test that asks; each has a database of its own."""
    try:
        cluster = Cluster()
    except PostgresMissing as missing:
        pytest.skip(str(missing))
    with cluster:
        yield cluster


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An empty database, on each engine in turn."""
    if request.param == "sqlite":
        yield SqlitePlace(tmp_path / "touchstone.db")
        return
    place = PostgresPlace(request.getfixturevalue("postgres"))
    yield place
    place.give_back()


@pytest.fixture
def softhsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoftHsm]:
    """A PKCS#11 token of the test's own, in software; processes that the test starts find it too."""
    try:
        token = SoftHsm(tmp_path / "softhsm")
    except SoftHsmMissing as missing:
        pytest.skip(str(missing))
    for name, value in token.environment.items():
        monkeypatch.setenv(name, value)
    yield token
    token.close()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Make a test slow on PostgreSQL where its file says so: each takes a database of its own there."""
    values = (
        item.callspec.params.values()
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
        else ()
    )
    if item.get_closest_marker("slow_on_postgres") and "postgres" in values:
        item.add_marker(pytest.mark.slow)


def pytest_collection_finish() -> None:
    """Thousands of tests stay to the end: to look through them for garbage takes a fifth of the time."""
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where CI set TOUCHSTONE_NO_SKIPS, a test skipped for want of something fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("TOUCHSTONE_NO_SKIPS") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
