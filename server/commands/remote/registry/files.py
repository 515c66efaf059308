"""
`touchstone registry import | export | list | show`: the registry as a file, and what is in it.
"""

from pathlib import Path
from typing import Any

import click

from server.commands.remote.api import JSON, REASON, OperatorApi, operator_api
from server.commands.terminal import escaped, note, print_json, printable, say

PATH = "/operator/registry"
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("file", type=FILE)
@click.option("--dry-run", is_flag=True, help="Change nothing; print what would be, as `plan` does.")
@click.option(
    "--correct", is_flag=True, help="FILE may say something else of the past than the registry did."
)
@REASON
def registry_import(file: Path, dry_run: bool, correct: bool) -> None:
    """
    Make FILE what the registry says from now on. A running server shows it within a second.

    What FILE does not say any more ends now.
    """
    with operator_api() as api:
        from registry.files import ImportReport
        from server.commands.remote.registry.differences import print_difference

        if dry_run:
            print_difference(difference_of(api, file, correct=correct))
        else:
            say(str(api.send("PUT", PATH, ImportReport, bytes_of(file), corrects=_flag(correct))))


@click.command("export")
def registry_export() -> None:
    """Print the registry, as a file to import."""
    with operator_api() as api:
        click.echo(escaped(api.fetch(PATH, JSON)).encode())


@click.command("list")
def registry_list() -> None:
    """Print who may do what, and who recognises whom, as of now."""
    with operator_api() as api:
        from registry.listing import GrantPage

        is_any = False
        for page in api.pages(f"{PATH}/grants", GrantPage):
            for row in page.grants:
                is_any = True
                about = f"{row.kind:13} {row.phase:11} {row.action} {row.resource}"
                for line in (about, f"    {row.entity}", f"    by {row.authority}: {row.message}"):
                    click.echo(printable(line))
        if not is_any:
            note("the registry grants nothing; `touchstone registry import` fills it")


@click.command("show")
@click.argument("identifier")
def registry_show(identifier: str) -> None:
    """Print all about one entity, by its id or an identifier, as JSON."""
    with operator_api() as api:
        print_json(api.get(f"{PATH}/profile", dict[str, Any], id=identifier))


def difference_of(api: OperatorApi, file: Path, *, correct: bool) -> Any:
    """Return what the import of a file would change."""
    from registry.editing.shapes import Difference

    return api.send("PUT", PATH, Difference, bytes_of(file), corrects=_flag(correct), dry_run="true")


def bytes_of(file: Path) -> bytes:
    """Return what is in a registry file; of one that is too long, enough for it to be refused."""
    from registry.imports.registry_file import MAX_FILE_BYTES

    with file.open("rb") as opened:
        return opened.read(MAX_FILE_BYTES + 1)


def _flag(is_set: bool) -> str | None:
    return "true" if is_set else None
