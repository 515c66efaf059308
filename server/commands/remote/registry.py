"""
`touchstone registry`: who may issue what. Over the operator API.

Every running server answers from a new registry within a second.
"""

from pathlib import Path
from typing import Any

import click

from server.commands.registry_convert import registry_convert
from server.commands.remote.api import JSON, REASON, operator_api
from server.commands.remote.registry_feed import registry_changes, registry_subscriber
from server.commands.remote.registry_sources import registry_source
from server.commands.terminal import escaped, note, print_json, printable, say

PATH = "/operator/registry"


@click.group()
def registry() -> None:
    """Say who may issue what: the trust registry."""


registry.add_command(registry_source)
registry.add_command(registry_convert)
registry.add_command(registry_changes)
registry.add_command(registry_subscriber)


@registry.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--correct", is_flag=True, help="FILE may say something else of the past than the registry did."
)
@REASON
def registry_import(file: Path, correct: bool) -> None:
    """
    Make FILE what the registry says from now on. A running server shows it within a second.

    What FILE does not say any more ends now.
    """
    with operator_api() as api:
        from registry.files import ImportReport
        from registry.imports.registry_file import MAX_FILE_BYTES

        with file.open("rb") as opened:
            data = opened.read(MAX_FILE_BYTES + 1)  # A longer one is refused without the rest of it.
        say(str(api.send("PUT", PATH, ImportReport, data, corrects=correct or None)))


@registry.command("export")
def registry_export() -> None:
    """Print the registry, as a file to import."""
    with operator_api() as api:
        click.echo(escaped(api.fetch(PATH, JSON)).encode())


@registry.command("list")
def registry_list() -> None:
    """Print who may do what, and who recognises whom, as of now."""
    with operator_api() as api:
        from registry.listing import GrantPage

        for page in api.pages(f"{PATH}/grants", GrantPage):
            if not page.grants:
                note("the registry grants nothing; `touchstone registry import` fills it")
            for row in page.grants:
                about = f"{row.kind:13} {row.phase:11} {row.action} {row.resource}"
                for line in (about, f"    {row.entity}", f"    by {row.authority}: {row.message}"):
                    click.echo(printable(line))


@registry.command("show")
@click.argument("identifier")
def registry_show(identifier: str) -> None:
    """Print all about one entity, as JSON."""
    with operator_api() as api:
        print_json(api.get(f"{PATH}/profile", dict[str, Any], id=identifier))
