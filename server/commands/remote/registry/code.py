"""
`touchstone registry plan | apply`: the registry as code, a file under version control.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from server.commands.remote.api import REASON, operator_api
from server.commands.remote.registry.drafting import propose, proposes
from server.commands.remote.registry.files import difference_of
from server.commands.terminal import EXIT_CONFLICT, fail, print_json, say

if TYPE_CHECKING:
    from registry.editing.shapes import Difference, Operation

EXIT_CHANGES = 2  # Others who plan have it so; a wrong option gives the same code, and no line on stdout.


def _readable(_: click.Context, __: click.Parameter, file: Path) -> Path:
    """Refuse a file that is not there, though not as click does: 2 would say that something would change."""
    if file.is_dir() or not os.access(file, os.R_OK):
        fail(f"{file} is no file that can be read")
    return file


_FILE = click.option(
    "-f",
    "--file",
    required=True,
    type=click.Path(path_type=Path),
    callback=_readable,
    help="The registry as it shall be: a registry file.",
)
_CORRECT = click.option(
    "--correct", is_flag=True, help="FILE may say something else of the past than the registry did."
)


@click.command("plan")
@_FILE
@_CORRECT
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def registry_plan(file: Path, correct: bool, as_json: bool) -> None:
    """
    Print what would change if the registry were what FILE says.

    Lines begin with + (new), ~ (changed), ! (the past is corrected), - (ends), ? (a question that is answered
    otherwise). Exit codes: 0 nothing would change, 2 something would; others as everywhere.
    """
    with operator_api() as api:
        from server.commands.remote.registry.differences import print_difference

        found = difference_of(api, file, correct=correct)
        if as_json:
            print_json(found)
        else:
            print_difference(found)
        if not found.fact_count:
            say(f"nothing would change; the registry is at version {found.version}")
            return
        say(f"{found.fact_count} facts would change; the registry is at version {found.version}")
        say(f"to do so: touchstone registry apply -f {file} --version {found.version}")
    raise SystemExit(EXIT_CHANGES)


@click.command("apply")
@_FILE
@_CORRECT
@click.option(
    "--version",
    type=click.IntRange(0, 2**53),
    help="The version of the registry that was planned with; what changed since is refused, not overwritten.",
)
@proposes
@REASON
def registry_apply(file: Path, correct: bool, version: int | None, **proposal: Any) -> None:
    """
    Submit what would change if the registry were what FILE says, as a change set.

    Prints its number and its state, separated by a tab.
    """
    with operator_api() as api:
        found = difference_of(api, file, correct=correct)
        if not found.fact_count:
            say(f"nothing changes; the registry is at version {found.version}")
            return
        if len(found.facts) < found.fact_count:
            fail(
                f"{found.fact_count} facts would change, and a change set has at most {len(found.facts)}:"
                " use touchstone registry import, which is one change set of any size"
            )
        planned = found.version if version is None else version
        if planned > found.version:
            fail(f"the registry is at version {found.version}, and never was at {planned}", EXIT_CONFLICT)
        propose(api, f"What {file.name} says", operations_of(found), base_version=planned, **proposal)


def operations_of(found: "Difference") -> list["Operation"]:
    """Return the operations of a change set that makes a difference."""
    from registry.editing.shapes import WITH_FACT, Operation

    return [
        Operation(
            op=fact.op,
            kind=fact.kind,
            id=fact.id,
            if_match=fact.revision,
            fact=fact.after if fact.op in WITH_FACT else None,
        )
        for fact in found.facts
    ]
