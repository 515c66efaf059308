"""`touchstone db forget-references`: refused while anything speaks against it, and audited. In process."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from server.commands.cli import main
from tests.databases import SqlitePlace


@pytest.fixture
def key_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a directory with a database and keys; return the key of references."""
    monkeypatch.chdir(tmp_path)
    assert _run("init").exit_code == 0
    return tmp_path / "var/keys/references.key"


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def _forget(*options: str) -> Result:
    return _run("db", "forget-references", *options)


def test_a_lost_key_is_given_up_when_the_operator_says_so_and_why(key_file: Path) -> None:
    lost = key_file.read_bytes()
    key_file.unlink()
    unsure = _forget("--reason", "gone")
    silent = _forget("--key-is-lost")
    absent = not key_file.exists()
    done = _forget("--key-is-lost", "--reason", "ticket 815")

    assert (unsure.exit_code, silent.exit_code, absent) == (1, 2, True)
    assert "on all machines" in unsure.stderr
    assert "--key-is-lost" in unsure.stderr
    assert (done.exit_code, done.stdout) == (0, "")
    assert "forgot 0 references, and made a new key" in done.stderr
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert key_file.read_bytes() != lost
    ((why,),) = SqlitePlace(key_file.parents[1] / "touchstone.db").query(
        "SELECT detail FROM audit WHERE action = 'database.forget-references'"
    )
    assert "ticket 815" in why


def test_a_key_that_is_there_is_not_given_up(key_file: Path) -> None:
    before = key_file.read_bytes()
    refused = _forget("--key-is-lost", "--reason", "by mistake")

    assert refused.exit_code == 5
    assert "there is a key of references" in refused.stderr
    assert key_file.read_bytes() == before
