"""What commands say on stderr, to people, where there is little or no data. In process."""

import os
import re
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from server.commands.cli import main
from server.commands.terminal import run
from tests.server.commands.operating import Operating

EXAMPLE_DRIVER = '[{"name":"bare","pattern":"did:example:.+","url":"http://localhost"}]'


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a directory with a database and keys, and without the sample."""
    monkeypatch.chdir(tmp_path)
    assert _run("init").exit_code == 0
    return tmp_path


def _run(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(main, arguments, env=environ)


def _said_at_a_terminal(*arguments: str, **environ: str) -> str:
    """Return what a command says on a stderr that is a terminal."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as stderr, redirect_stderr(stderr), pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit):
            main(arguments)
    with os.fdopen(ours, "rb", buffering=0) as heard:
        return heard.read(10_000).decode().replace("\r\n", "\n")


def test_a_pipe_that_breaks_and_is_not_stdout_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    async def work() -> None:
        reading, writing = os.pipe()
        os.close(reading)
        try:
            os.write(writing, b"x")
        finally:
            os.close(writing)

    with pytest.raises(SystemExit) as ended:
        run(work)

    assert ended.value.code == 1
    assert capsys.readouterr().err == "touchstone: the system: Broken pipe\n"


def _leaves(command: click.Command, *path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command that does something, by its words."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _leaves(inner, *path, name)
    else:
        yield " ".join(path), command


# They change nothing that others see. `serve` and `init` do what is in their names.
READING = {
    *("config show", "resolve", "did lint", "driver check", "serve", "init", "verify"),
    *("db check", "db backup", "db served", "db copy", "registry export", "registry list", "registry show"),
    *(
        "registry source list",
        "registry source show",
        "registry convert dcc",
        "registry convert pem",
        "registry convert lote",
    ),
    *("registry changes", "registry subscriber list"),
    *("registry plan", "registry check", "registry history"),
    *(f"registry report {name}" for name in ("access", "approvals", "reviews", "ends", "changes")),
    *(f"registry change-set {name}" for name in ("list", "show", "diff", "validate", "comments")),
    *(f"status {name}" for name in ("list", "find", "publish", "decode", "export")),
    *("alarm list", "principal list", "principal show", "key list"),
    *("issuer list", "issuer show", "issuer document", "issuer key list"),
    *("audit tail", "audit verify", "audit export", "audit anchor"),
    *("approval list", "approval show"),
}


def test_every_command_that_changes_something_takes_a_reason() -> None:
    without = {
        name
        for name, command in _leaves(main)
        if not any("--reason" in parameter.opts for parameter in command.params)
    }

    assert without - READING == set()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("driver check", "there are no drivers; TOUCHSTONE_DRIVERS and TOUCHSTONE_DRIVERS_FILE add some\n"),
    ],
)
@pytest.mark.usefixtures("deployment")
def test_where_there_is_nothing_a_person_is_told_and_a_job_is_not(command: str, said: str) -> None:
    at_terminal, by_job = _said_at_a_terminal(*command.split()), _run(*command.split())

    assert at_terminal == said
    assert (by_job.exit_code, by_job.stdout, by_job.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("alarm list", "no alarm is open\n"),
        (
            "registry source list",
            "the registry follows no source; `touchstone registry source add` adds one\n",
        ),
        ("registry list", "the registry grants nothing; `touchstone registry import` fills it\n"),
    ],
)
def test_where_a_server_has_nothing_a_person_is_told_and_a_job_is_not(
    operating: Operating, command: str, said: str
) -> None:
    at_terminal = _said_at_a_terminal(*command.split(), **operating.environment)
    by_job = operating.run(*command.split())

    assert at_terminal == said
    assert (by_job.exit_code, by_job.stdout, by_job.stderr) == (0, "", "")


def test_a_principal_without_keys_has_none_to_list(operating: Operating) -> None:
    operating.done("principal", "add", "bob", "--name", "Bob", "--grant", "viewer")
    none, some = operating.run("key", "list", "bob"), operating.run("key", "list")

    assert (none.exit_code, none.stdout, none.stderr) == (0, "", "")
    assert (some.stdout.count("\n"), some.stderr) == (1, "")
    assert _said_at_a_terminal("key", "list", "bob", **operating.environment) == "there are no API keys\n"


@pytest.mark.usefixtures("deployment")
def test_a_driver_that_cannot_be_checked_is_not_called_none() -> None:
    said = _said_at_a_terminal("driver", "check", TOUCHSTONE_DRIVERS=EXAMPLE_DRIVER)

    assert said == "bare has no test identifiers\n"


@pytest.mark.parametrize("options", [[], ["--all", "--host", "a.example"], ["--did", "did:web:a", "--all"]])
def test_a_purge_of_nothing_or_of_two_things_names_its_options(options: list[str]) -> None:
    done = _run("cache", "purge", *options)

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "touchstone: give exactly one of --did, --host and --all\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "a.example:8000"], "touchstone: --host: expected a host name "),
        (["--did", "a.example"], "touchstone: --did: "),
    ],
)
def test_a_purge_of_what_cannot_be_names_the_option(
    options: list[str], said: str, operating: Operating
) -> None:
    done = operating.run("cache", "purge", *options)

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(said)


def test_a_new_issuer_tells_where_its_keys_are(operating: Operating) -> None:
    added = operating.run("issuer", "add", "acme")

    assert re.fullmatch(
        rf"added the issuer acme: {operating.settings.did}:issuers:acme\n"
        r"created its signing key and a spare one: key-[0-9a-f]{12}\.pem, key-[0-9a-f]{12}\.pem\n"
        rf"they are in the key directory of the machine that answers at {operating.url},"
        r" or of one behind it where that is a load balancer\n"
        r"copy both to every other machine that runs this server\n",
        added.stderr,
    )
    assert added.stdout == ""
