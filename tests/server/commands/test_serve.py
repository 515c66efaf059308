"""`touchstone serve` before it serves: ports, and what it says once it answers. In process, but for one test."""

import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from server.commands.cli import main
from server.commands.database.bootstrap import CHECK_FILE
from server.commands.serve import announce, bound_or_exit
from server.node.process import BindError, bind_sockets, listen
from server.settings import Settings
from tests.process import DIE_WITH_US, START_SECONDS, Server, free_port
from tests.server.running import settings_in


@pytest.fixture
def taken() -> Iterator[str]:
    """Yield the address of another program's listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("name", "names_public_url"), [("TOUCHSTONE_BIND", True), ("TOUCHSTONE_OPERATOR_BIND", False)]
)
def test_a_port_that_is_taken_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: str, name: str, names_public_url: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    addresses = {"TOUCHSTONE_BIND": "127.0.0.1:0", "TOUCHSTONE_OPERATOR_BIND": "127.0.0.1:0", name: taken}

    done = CliRunner().invoke(main, ["serve", "--init-sample"], env=addresses)

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"touchstone: {name}={taken}: Address already in use. ")
    assert ("TOUCHSTONE_PUBLIC_URL" in done.stderr) == names_public_url
    assert list(tmp_path.iterdir()) == []


def _announced(settings: Settings, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Return what is said on stderr, and the URL of the public listener."""
    settings.state_dir.mkdir()
    (settings.state_dir / CHECK_FILE).touch()
    with bound_or_exit(settings) as sockets:
        announce(settings, sockets, 2)
        port = sockets.public.getsockname()[1]
    said = capsys.readouterr()
    assert said.out == ""
    return said.err, f"http://{settings.bind.rpartition(':')[0]}:{port}"


def test_the_public_url_is_said_where_it_leads_straight_to_the_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_in(tmp_path)

    said, _ = _announced(settings, capsys)

    assert said.startswith(f"Touchstone is ready: {settings.public_url} (2 processes answer requests)\n")
    assert said.count(f"curl {settings.public_url}/") == 3
    assert "Others know it" not in said


@pytest.mark.parametrize(
    "changes",
    [
        {"bind": "127.0.0.1:0"},
        {"bind": "127.0.0.1:0", "public_url": "http://localhost"},
        {"public_url": "https://trust.example.com"},
    ],
)
def test_another_public_url_is_said_to_lead_here_and_no_command_goes_to_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, Any]
) -> None:
    settings = msgspec.structs.replace(settings_in(tmp_path), **changes)

    said, url = _announced(settings, capsys)

    assert said.startswith(f"Touchstone is ready: {url} (2 processes answer requests)\n")
    assert f"Others know it as {settings.public_url} (TOUCHSTONE_PUBLIC_URL)" in said
    assert said.count(f"curl {url}/") == 3


def test_who_listens_on_every_address_is_reached_as_localhost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = msgspec.structs.replace(
        settings_in(tmp_path), bind="0.0.0.0:0", public_url="https://trust.example.com"
    )

    said, url = _announced(settings, capsys)

    assert said.startswith(f"Touchstone is ready: {url.replace('0.0.0.0', 'localhost')} ")


@pytest.mark.parametrize(
    ("public", "bound"), [("127.0.0.1", "[::1]"), ("localhost", "127.0.0.2"), ("[::1]", "127.0.0.1")]
)
def test_the_same_port_of_another_address_is_not_the_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], public: str, bound: str
) -> None:
    port = free_port()
    settings = msgspec.structs.replace(
        settings_in(tmp_path), bind=f"{bound}:{port}", public_url=f"http://{public}:{port}"
    )

    said, url = _announced(settings, capsys)

    assert said.startswith(f"Touchstone is ready: {url} ")
    assert f"Others know it as {settings.public_url} " in said


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_localhost_is_said_where_it_stands_for_the_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    port = free_port()
    settings = msgspec.structs.replace(
        settings_in(tmp_path), bind=f"{host}:{port}", public_url=f"http://localhost:{port}"
    )

    said, _ = _announced(settings, capsys)

    assert said.startswith(f"Touchstone is ready: http://localhost:{port} ")
    assert "Others know it" not in said


def test_nobody_connects_to_listeners_that_are_only_bound(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    with closing(bind_sockets(settings)) as sockets:
        for bound in (sockets.public, sockets.operator):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(bound.getsockname())

        listen(sockets, settings)

        for bound in (sockets.public, sockets.operator):
            socket.create_connection(bound.getsockname()).close()


def test_of_two_servers_bound_at_once_the_second_to_listen_is_told_which_setting_to_change(
    tmp_path: Path,
) -> None:
    settings = settings_in(tmp_path)
    with closing(bind_sockets(settings)) as first, closing(bind_sockets(settings)) as second:
        listen(first, settings)

        with pytest.raises(BindError, match=f"^TOUCHSTONE_BIND={settings.bind}: Address already in use"):
            listen(second, settings)


@pytest.mark.slow
def test_a_server_takes_no_connection_while_it_finds_out_that_it_cannot_start(tmp_path: Path) -> None:
    """Its database's host accepts, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(START_SECONDS)
        url = f"postgresql://touchstone@127.0.0.1:{silent.getsockname()[1]}/touchstone"
        server = Server(tmp_path, workers=2, database_url=url)
        with _serving(server), silent.accept()[0]:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", server.port))

            with socket.socket() as other, pytest.raises(OSError, match="Address already in use"):
                other.bind(("127.0.0.1", server.port))


@contextmanager
def _serving(server: Server) -> Iterator[None]:
    """Have a process that serves, or tries to, for as long as the block."""
    process = subprocess.Popen(
        [*DIE_WITH_US, server.program, *server.command, "serve"],
        cwd=server.directory,
        env=server.environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()
