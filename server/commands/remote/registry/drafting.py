"""
How commands make a change set and submit it, and what is said of it then.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from server.commands.remote.api import OperatorApi
from server.commands.terminal import row, say

if TYPE_CHECKING:
    from registry.editing.shapes import ChangeSetView, Operation

CHANGE_SETS = "/operator/registry/change-sets"
_OPTIONS = (
    click.option("--title", metavar="TEXT", help="What the change set is called."),
    click.option(
        "--at",
        metavar="TIME",
        help="When it takes effect, such as 2026-01-31T12:00:00Z; else once it is approved.",
    ),
    click.option("--draft", is_flag=True, help="Do not submit it yet."),
)
F = TypeVar("F", bound=Callable[..., Any])


def proposes(command: F) -> F:
    """Give a command the options of what it proposes, which `propose` takes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def propose(
    api: OperatorApi,
    what: str,
    operations: list["Operation"],
    *,
    title: str | None,
    at: str | None,
    draft: bool,
    base_version: int | None = None,
) -> None:
    """
    Draft a change set and, unless it is to stay a draft, submit it; print its number and its state.

    Args:
        what: its title, where none is given.
    """
    from registry.editing.shapes import ChangeSetView, Draft

    asked = Draft(
        title=title or what[:200], operations=operations, effective_at=at, base_version=base_version
    )
    made = api.change("POST", CHANGE_SETS, ChangeSetView, asked)
    if not draft:
        made = submit(api, made.number, made.revision)
    tell(made)


def submit(api: OperatorApi, number: int, revision: int | None = None) -> "ChangeSetView":
    """Submit a change set; in another revision than the one that is meant it is refused."""
    from registry.editing.shapes import ChangeSetView

    if_match = None if revision is None else f'"{revision}"'
    return api.change("POST", f"{CHANGE_SETS}/{number}/submit", ChangeSetView, if_match=if_match)


def tell(found: "ChangeSetView") -> None:
    """Print number and state of a change set; say what comes next."""
    row(str(found.number), found.state)
    number = found.number
    match found.state:
        case "draft" | "needs_information" | "conflict":
            say(f"look at it: touchstone registry change-set diff {number}, and ... validate {number}")
            say(f"then: touchstone registry change-set submit {number}")
        case "submitted":
            say(f"it waits for another person: touchstone approval approve {found.approval} --reason ...")
        case "scheduled":
            say(f"it takes effect on {found.effective_at}")
        case "effective":
            say(f"the registry is at version {found.version}")
            say(f"to take it back: touchstone registry change-set rollback {number}")
    if found.problem:
        say(found.problem)
