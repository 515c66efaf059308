"""
The command line: `touchstone`. Data goes to stdout, talk to stderr.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 5 conflict, 6 something upstream cannot be reached.
"""

import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from server.commands.alarm import alarm
from server.commands.operators import issuer, key, principal
from server.commands.terminal import ACTOR, fail, run, say, settings_or_exit
from server.settings import Settings
from server.settings.drivers import tables_of, toml_of

if TYPE_CHECKING:
    from registry.registry import Registry


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="touchstone-vc")
def main() -> None:
    """
    Answers for those who check credentials: keys of DIDs, trusted issuers, status.

    Begin with `touchstone init`, then `touchstone serve`. Settings are environment variables, which
    docs/configuration.md lists.
    """


for group in (issuer, principal, key, alarm):
    main.add_command(group)


@main.command()
@click.option(
    "--sample", is_flag=True, help="Add a sample to play with: a registry, and one credential's status."
)
def init(sample: bool) -> None:
    """
    Create the database and the keys, once.

    That is the key that signs status lists, and an API key for the first operator, in a file. What is there stays.
    """
    from server.commands.bootstrap import initialise

    settings = settings_or_exit()
    run(lambda: initialise(settings, sample=sample, say=say))


@main.command()
@click.option("--init-sample", is_flag=True, help="First do what `touchstone init --sample` does.")
@click.option(
    "--workers",
    type=click.IntRange(0, 256),
    default=None,
    help="Processes that answer requests; 0: one per core.",
)
def serve(init_sample: bool, workers: int | None) -> None:
    """Run the server, until SIGTERM. Run `touchstone init` first, which creates what it needs."""
    from server.node.node import BindError, serve_node
    from server.settings.outbound import warn_of_dangers
    from server.telemetry.counters import configure_logging

    settings = settings_or_exit()
    configure_logging(settings.log_level)
    warn_of_dangers(settings)
    if init_sample:
        from server.commands.bootstrap import initialise

        run(lambda: initialise(settings, sample=True, say=say))
    _refuse_open_key(settings)
    run(lambda: _require_own_key(settings))
    count = (settings.workers if workers is None else workers) or len(os.sched_getaffinity(0))
    try:
        code = serve_node(settings, count, run, lambda: _announce(settings, count))
    except BindError as error:
        fail(str(error))
    sys.exit(code)


def _refuse_open_key(settings: Settings) -> None:
    """Whoever reads the operator key may do everything; it may be gone, but not open to others."""
    from server.commands.bootstrap import operator_key_path

    path = operator_key_path(settings)
    if path.exists() and path.stat().st_mode & 0o077:
        fail(f"{path}: others may read this key; run: chmod 600 {path}")


async def _require_own_key(settings: Settings) -> None:
    """
    Fail at the start, before there are processes, where our own signing key is unsafe or gone.

    Only here: to a process that is started later, and to an issuer beside us, an alarm is raised instead.
    """
    from server.commands.opened import open_principals
    from server.identity import DEFAULT_ISSUER, require_same_identity, signer_for

    async with open_principals(settings) as principals:
        own = await principals.find_issuer(DEFAULT_ISSUER)
        require_same_identity(settings, own)
        if own is not None:
            signer_for(settings, own)


def _announce(settings: Settings, workers: int) -> None:
    from server.commands.bootstrap import CHECK_FILE, operator_key_path

    url = settings.public_url
    processes = "one process" if workers == 1 else f"{workers} processes"
    say(f"Touchstone is ready: {url} ({processes}, listening on {settings.bind})")
    say(f"What you can ask: {url}/docs")
    say(f"For operators: {settings.operator_bind}, with the API key in {operator_key_path(settings)}\n")
    if (check := settings.state_dir / CHECK_FILE).exists():
        _suggest(settings, check)


def _suggest(settings: Settings, check: Path) -> None:
    """Print a command for each of the three questions, about the sample; `check` is the body of the third."""
    url, is_json = settings.public_url, "-H 'Content-Type: application/json'"
    question = msgspec.json.encode(sample_question(settings)).decode()
    say(f"Which keys does the sample's issuer have?\n  curl {url}/1.0/identifiers/{settings.did}\n")
    say(f"May it issue course certificates?\n  curl {url}/trqp/authorization {is_json} -d '{question}'\n")
    say(f"Does the sample's certificate still hold?\n  curl {url}/status/check {is_json} -d @{check}\n")


def sample_question(settings: Settings) -> dict[str, str]:
    """Return a TRQP question that the sample ecosystem answers with yes."""
    return {
        "entity_id": settings.did,
        "authority_id": "did:web:education.example",
        "action": "issue",
        "resource": "CourseCompletionCredential",
    }


@main.group()
def config() -> None:
    """Show the settings."""


@config.command("show")
def config_show() -> None:
    """Print every setting in force, as TOML."""
    settings = settings_or_exit()
    for name, value in msgspec.structs.asdict(settings).items():
        if name != "drivers" and value is not None:  # Those are tables, which stand at the end.
            click.echo(f"{name} = {toml_of(value)}")
    for line in tables_of(settings.drivers):
        click.echo(line)


@main.command()
@click.argument("did")
def resolve(did: str) -> None:
    """Resolve a DID here, without a server. `python -m resolver` does the same."""
    from resolver.__main__ import main as resolve_main

    sys.exit(resolve_main([did]))


@main.group()
def registry() -> None:
    """Say who may issue what: the trust registry."""


@registry.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def registry_import(file: Path) -> None:
    """Replace the registry by FILE. A running server shows it within a second."""

    data = file.read_bytes()

    async def work(wing: "Registry") -> None:
        say(str(await wing.import_file(data, ACTOR)))

    _with_registry(work)


@registry.command("export")
def registry_export() -> None:
    """Print the registry, as a file to import."""

    async def work(wing: "Registry") -> None:
        click.echo(await wing.export())

    _with_registry(work)


@registry.command("list")
def registry_list() -> None:
    """Print who may do what, and who recognises whom, as of now."""

    async def work(wing: "Registry") -> None:
        for row in wing.list_grants():
            question = f"{row.kind:13} {row.phase:11} {row.action} {row.resource}"
            click.echo(f"{question}\n    {row.entity_id}\n    by {row.authority_id}: {row.message}")

    _with_registry(work)


@registry.command("show")
@click.argument("identifier")
def registry_show(identifier: str) -> None:
    """Print all about one authority or entity, as JSON."""

    async def work(wing: "Registry") -> None:
        click.echo(msgspec.json.format(msgspec.json.encode(wing.show(identifier)), indent=2))

    _with_registry(work)


def _with_registry(work: Callable[["Registry"], Coroutine[Any, Any, None]]) -> None:
    from server.commands.opened import open_registry

    settings = settings_or_exit()

    async def opened() -> None:
        async with open_registry(settings) as wing:
            await work(wing)

    run(opened)


def _register() -> None:
    """Add the groups that have a file of their own; they import what is above."""
    from server.commands.cache import cache
    from server.commands.db import db
    from server.commands.did import did
    from server.commands.driver import driver

    main.add_command(db)
    main.add_command(cache)
    main.add_command(did)
    main.add_command(driver)


_register()
