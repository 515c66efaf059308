"""
The command line: `touchstone`. Data goes to stdout, talk to stderr.

Exit codes: 0 done or waiting for an approval, 1 failed, 2 wrong usage, 3 not found, 4 not allowed, 5 conflict, 6
the server, or something that it needs, cannot be reached, or what answers is no operator API of this release. Of
`registry plan` 2 means that something would change, too. 7 and 8 are verdicts of `verify`.
"""

import sys

import click
import msgspec

from server.commands.database.break_glass import break_glass
from server.commands.remote.alarm import alarm
from server.commands.remote.issuers import issuer
from server.commands.remote.keys import key
from server.commands.remote.principals import principal
from server.commands.remote.registry.group import registry
from server.commands.serve import serve
from server.commands.status.group import status
from server.commands.terminal import run, say, settings_or_exit
from server.settings.drivers import tables_of, toml_of
from server.settings.loading import TABLES


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="touchstone-vc")
def main() -> None:
    """
    Answers for those who check credentials: keys of DIDs, trusted issuers, status.

    Begin with `touchstone init`, then `touchstone serve`. Most other commands ask a running server, here or
    elsewhere, with an API key: docs/access.md. Settings are environment variables, which docs/configuration.md
    lists.
    """


for command in (issuer, principal, key, registry, status, alarm, serve, break_glass):
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
    from server.commands.database.bootstrap import initialise

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
        if name not in TABLES and value is not None:  # Those stand at the end.
            click.echo(f"{name} = {toml_of(value)}")
    for name in sorted(TABLES):
        for line in tables_of(getattr(settings, name), name):
            click.echo(line)


@main.command()
@click.argument("did")
def resolve(did: str) -> None:
    """Resolve a DID here, without a server. `python -m resolver` does the same."""
    from resolver.__main__ import main as resolve_main

    sys.exit(resolve_main([did]))


def _register() -> None:
    """Add the groups that have a file of their own; they import what is above."""
    from server.commands.database.db import db
    from server.commands.did import did
    from server.commands.driver import driver
    from server.commands.remote.approvals import approval
    from server.commands.remote.audit import audit
    from server.commands.remote.cache import cache
    from server.commands.verify import verify

    main.add_command(approval)
    main.add_command(audit)
    main.add_command(db)
    main.add_command(cache)
    main.add_command(did)
    main.add_command(driver)
    main.add_command(verify)


_register()
