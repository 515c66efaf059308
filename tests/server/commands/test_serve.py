"""`touchstone serve` before it serves: ports that are taken, and what it says once it answers. In process."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from server.commands.bootstrap import CHECK_FILE
from server.commands.cli import main
from server.commands.serve import announce, bind_or_exit
from server.settings import Settings
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
    with closing(bind_or_exit(settings)) as sockets:
        announce(settings, sockets, 2)
        port = sockets.public.getsockname()[1]
    said = capsys.readouterr()
    assert said.out == ""
    return said.err, f"http://127.0.0.1:{port}"


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

    assert said.startswith(f"Touchstone is ready: {url.replace('127.0.0.1', 'localhost')} ")
