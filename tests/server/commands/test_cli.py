"""The command line as its user meets it: data on stdout, talk on stderr, exit codes, no traceback."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process import Server

pytestmark = pytest.mark.slow


class Terminal:
    def __init__(self, directory: Path) -> None:
        self.server = Server(directory)

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "server", *arguments],
            cwd=self.server.directory,
            env=self.server.environment | environ,
            capture_output=True,
            text=True,
            timeout=30,
        )


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path)
    yield made
    made.server.kill()


@pytest.mark.parametrize("command", [("serve",), ("registry", "list"), ("registry", "export")])
def test_before_init_a_command_tells_the_next_step(terminal: Terminal, command: tuple[str, ...]) -> None:
    done = terminal.run(*command)

    assert done.returncode in (1, 6)
    assert done.stdout == ""
    assert "touchstone init" in done.stderr
    assert "Traceback" not in done.stderr


def test_output_that_nobody_reads_on_is_no_failure_to_tell_of(terminal: Terminal) -> None:
    """As behind `| head`."""
    terminal.run("init", "--sample")
    terminal.server.start()
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "server", "registry", "list"],
        cwd=terminal.server.directory,
        env=terminal.server.environment,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)

    assert done.stderr == ""


def test_a_key_that_others_may_read_is_told_with_the_remedy_while_the_server_serves(
    terminal: Terminal,
) -> None:
    server = terminal.server
    terminal.run("init")
    for path in (server.directory / "var/keys").glob("key-*.pem"):
        path.chmod(0o640)
    try:
        server.start()
        stopped = server.terminate()
    finally:
        server.kill()
    said = (server.directory / "server.log").read_text()

    assert stopped == 0
    assert "warning: the lists of the issuer default cannot be signed" in said
    assert "chmod 600" in said
    assert "Traceback" not in said


def test_an_operator_key_that_others_may_read_is_refused_with_the_remedy(terminal: Terminal) -> None:
    terminal.run("init")
    (terminal.server.directory / "var/keys/operator.key").chmod(0o644)
    served = terminal.run("serve")

    assert served.returncode == 1
    assert "chmod 600" in served.stderr
    assert "Traceback" not in served.stderr


def test_another_public_url_on_the_same_database_is_refused_with_the_remedy(terminal: Terminal) -> None:
    terminal.run("init")
    for command in ("serve", "init"):
        done = terminal.run(command, TOUCHSTONE_PUBLIC_URL="https://vc.example")

        assert done.returncode == 1
        assert "did:web:vc.example" in done.stderr
        assert "TOUCHSTONE_PUBLIC_URL back" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_path_in_the_way_is_a_message(terminal: Terminal) -> None:
    (terminal.server.directory / "var").write_text("")
    done = terminal.run("init")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_database_that_is_none_is_a_message(terminal: Terminal) -> None:
    terminal.run("init")
    (terminal.server.directory / "var/touchstone.db").write_bytes(b"junk" * 4_096)
    done = terminal.run("serve")

    assert done.returncode in (1, 6)
    assert "Traceback" not in done.stderr


def test_init_prints_no_data_and_no_key(terminal: Terminal) -> None:
    done = terminal.run("init", "--sample")

    assert (done.returncode, done.stdout) == (0, "")
    assert terminal.server.operator_key not in done.stderr


def test_config_show_is_toml_that_reads_back(terminal: Terminal) -> None:
    rule = {"claim": "realm_access.roles", "value": "a b", "role": "viewer", "scope": "everything"}
    shown = terminal.run(
        "config",
        "show",
        TOUCHSTONE_TRUSTED_PROXIES="10.0.0.0/8",
        TOUCHSTONE_SIGN_IN_ISSUER="https://id.example/",
        TOUCHSTONE_SIGN_IN_JWKS_URL="https://id.example/jwks?v=1",
        TOUCHSTONE_SIGN_IN_CLIENT_ID="touchstone",
        TOUCHSTONE_SIGN_IN_GRANTS=json.dumps([rule, rule]),
    ).stdout
    file = terminal.server.directory / "touchstone.toml"
    file.write_text(shown)
    again = terminal.run("config", "show", TOUCHSTONE_CONFIG=str(file)).stdout

    assert tomllib.loads(shown)["trusted_proxies"] == ["10.0.0.0/8"]
    assert tomllib.loads(shown)["sign_in_grants"] == [rule, rule]
    assert again == shown


def test_a_wrong_setting_is_told_by_name(terminal: Terminal) -> None:
    done = terminal.run("config", "show", TOUCHSTONE_COLOUR="red")

    assert done.returncode == 1
    assert "TOUCHSTONE_COLOUR" in done.stderr


def test_wrong_usage_is_exit_code_2(terminal: Terminal) -> None:
    assert terminal.run("registry", "import", "missing.json").returncode == 2
    assert terminal.run("dance").returncode == 2


def test_a_did_is_resolved_without_a_server(terminal: Terminal) -> None:
    did = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
    done = terminal.run("resolve", did)

    assert done.returncode == 0
    assert did in done.stdout


def test_a_did_document_is_linted_without_a_deployment(terminal: Terminal) -> None:
    (terminal.server.directory / "did.json").write_text('{"id":"did:web:a.example","keyAgreement":["#none"]}')

    done, helped = terminal.run("did", "lint", "did.json", "--json"), terminal.run("did", "lint", "--help")

    assert done.returncode == 1
    assert '"code": "dangling-reference"' in done.stdout
    assert done.stderr == ""
    assert "Exit codes" in helped.stdout
