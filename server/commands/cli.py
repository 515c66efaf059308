"""
The command line: `touchstone`. Data goes to stdout, talk to stderr.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 not allowed, 5 conflict, 6 the server, or something that
it needs, cannot be reached.
"""

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from server.commands.alarm import alarm
from server.commands.issuers import issuer
from server.commands.keys import key
from server.commands.principals import principal
from server.commands.serve import serve
from server.commands.terminal import ACTOR, note, run, say, settings_or_exit
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


for command in (issuer, principal, key, alarm, serve):
    main.add_command(command)


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
        rows = wing.list_grants()
        if not rows:
            note("the registry grants nothing; `touchstone registry import` fills it")
        for row in rows:
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
