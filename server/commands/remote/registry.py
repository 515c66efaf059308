"""
`touchstone registry`: who may issue what. Over the operator API.

Every running server answers from a new registry within a second.
"""

from pathlib import Path
from typing import Any

import click

from server.commands.remote.api import JSON, REASON, operator_api
from server.commands.terminal import EXIT_CONFLICT, escaped, fail, note, print_json, printable, say

PATH = "/operator/registry"


@click.group()
def registry() -> None:
    """Say who may issue what: the trust registry."""


@registry.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@REASON
def registry_import(file: Path) -> None:
    """Replace the registry by FILE. A running server shows it within a second."""
    with operator_api() as api:
        from registry.imports.registry_file import MAX_FILE_BYTES
        from registry.registry import ImportReport

        with file.open("rb") as opened:
            data = opened.read(MAX_FILE_BYTES + 1)  # A longer one is refused without the rest of it.
        say(str(api.send("PUT", PATH, ImportReport, data)))


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

        version = None
        for page in api.pages(f"{PATH}/grants", GrantPage):
            if version not in (None, page.version):
                fail("the registry changed while it was listed; run the command again", EXIT_CONFLICT)
            if not page.grants:
                note("the registry grants nothing; `touchstone registry import` fills it")
            version = page.version
            for row in page.grants:
                about = f"{row.kind:13} {row.phase:11} {row.action} {row.resource}"
                for line in (about, f"    {row.entity_id}", f"    by {row.authority_id}: {row.message}"):
                    click.echo(printable(line))


@registry.command("show")
@click.argument("identifier")
def registry_show(identifier: str) -> None:
    """Print all about one authority or entity, as JSON."""
    with operator_api() as api:
        print_json(api.get(f"{PATH}/profile", dict[str, Any], id=identifier))
