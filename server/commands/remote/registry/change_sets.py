"""
`touchstone registry change-set`: what is to be changed, from the draft to the effect and back.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from server.commands.remote.api import REASON, operator_api, segment
from server.commands.remote.registry.drafting import CHANGE_SETS, submit, tell
from server.commands.remote.registry.files import FILE
from server.commands.terminal import EXIT_USAGE, fail, note, print_json, printable, row

if TYPE_CHECKING:
    from registry.editing.shapes import Draft

STATES = (
    *("draft", "submitted", "needs_information", "scheduled"),
    *("effective", "rejected", "withdrawn", "conflict"),
)
NUMBER = click.argument("number", type=click.IntRange(1, 2**53))
TEXT = click.argument("text")
_DRAFT = click.option("-f", "--file", required=True, type=FILE, help="The draft, as JSON: title, operations.")


@click.group("change-set")
def change_set() -> None:
    """Draft changes, look at them, submit them, take them back."""


@change_set.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
def change_set_list(state: str | None) -> None:
    """
    Print the change sets that you may see.

    One a line, separated by tabs: number, state, author, scope, number of operations, approval, title.
    """
    with operator_api() as api:
        from registry.editing.shapes import ChangeSetPage

        is_any = False
        for page in api.pages(CHANGE_SETS, ChangeSetPage, state=state):
            for found in page.change_sets:
                is_any = True
                approval = "-" if found.approval is None else str(found.approval)
                row(
                    *(str(found.number), found.state, found.author, found.scope),
                    *(str(found.operation_count), approval, found.title),
                )
        if not is_any:
            note("there is none")


@change_set.command("show")
@NUMBER
def change_set_show(number: int) -> None:
    """Print a change set, as JSON."""
    with operator_api() as api:
        print_json(api.get(_path(number), dict[str, Any]))


@change_set.command("diff")
@NUMBER
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def change_set_diff(number: int, as_json: bool) -> None:
    """Print what a change set would change, or did, as `plan` does."""
    with operator_api() as api:
        from registry.editing.shapes import Difference
        from server.commands.remote.registry.differences import print_difference

        found = api.get(f"{_path(number)}/diff", Difference)
        print_json(found) if as_json else print_difference(found)


@change_set.command("validate")
@NUMBER
def change_set_validate(number: int) -> None:
    """
    Print what an approver should know of a change set.

    One a line, separated by tabs: a word for machines, the place, what was found. A fault, or a conflict, ends the
    command with another exit code.
    """
    with operator_api() as api:
        from registry.editing.shapes import Validation

        found = api.change("POST", f"{_path(number)}/validate", Validation)
        for caution in found.warnings:
            row(caution.reason, caution.pointer, caution.detail)
        if not found.warnings:
            note("there is nothing to be said about it")


@change_set.command("new")
@_DRAFT
@REASON
def change_set_new(file: Path) -> None:
    """Draft a change set. Prints its number and its state, separated by a tab."""
    with operator_api() as api:
        from registry.editing.shapes import ChangeSetView

        tell(api.change("POST", CHANGE_SETS, ChangeSetView, _draft_of(file)))


@change_set.command("edit")
@NUMBER
@_DRAFT
@click.option(
    "--revision", required=True, type=click.IntRange(1, 2**53), help="The one that you looked at: see `show`."
)
@REASON
def change_set_edit(number: int, file: Path, revision: int) -> None:
    """Let a draft say something else. Where somebody edited it since, it is refused."""
    with operator_api() as api:
        from registry.editing.shapes import ChangeSetView

        draft = _draft_of(file)
        tell(api.change("PUT", _path(number), ChangeSetView, draft, if_match=f'"{revision}"'))


@change_set.command("submit")
@NUMBER
@REASON
def change_set_submit(number: int) -> None:
    """Let it take effect, once another person agrees."""
    with operator_api() as api:
        tell(submit(api, number))


@change_set.command("withdraw")
@NUMBER
@REASON
def change_set_withdraw(number: int) -> None:
    """Take a change set back that has not taken effect."""
    _act(number, "withdraw")


@change_set.command("rollback")
@NUMBER
@click.option("--submit", "is_submitted", is_flag=True, help="Submit it at once.")
@REASON
def change_set_rollback(number: int, is_submitted: bool) -> None:
    """
    Draft what takes an effective change set back, from then on.

    Prints the number and the state of the draft.
    """
    with operator_api() as api:
        from registry.editing.shapes import ChangeSetView

        made = api.change("POST", f"{_path(number)}/rollback", ChangeSetView)
        tell(submit(api, made.number, made.revision) if is_submitted else made)


@change_set.command("ask")
@NUMBER
@TEXT
@REASON
def change_set_ask(number: int, text: str) -> None:
    """Give a submitted change set back to its author, with the question TEXT. For approvers."""
    _act(number, "request-information", text)


@change_set.command("comment")
@NUMBER
@TEXT
@REASON
def change_set_comment(number: int, text: str) -> None:
    """Say something about a change set."""
    with operator_api() as api:
        from registry.editing.shapes import CommentPage, NewComment

        api.change("POST", f"{_path(number)}/comments", CommentPage, NewComment(text=text))


@change_set.command("comments")
@NUMBER
def change_set_comments(number: int) -> None:
    """Print what was said. One comment a line, separated by tabs: when, who, what."""
    with operator_api() as api:
        from registry.editing.shapes import CommentPage

        for said in api.get(f"{_path(number)}/comments", CommentPage).comments:
            click.echo(f"{said.at}\t{printable(said.author)}\t{printable(said.text)}")


@change_set.command("challenge")
@NUMBER
@REASON
def change_set_challenge(number: int) -> None:
    """
    Print a text for each DID that a change set adds, for its owner to sign. Good for ten minutes.

    One a line, separated by tabs: id, DID, text.
    """
    with operator_api() as api:
        from registry.editing.shapes import ChallengePage

        made = api.change("POST", f"{_path(number)}/challenges", ChallengePage)
        for each in made.challenges:
            row(each.id, each.identifier, each.challenge)
        if not made.challenges:
            note("it adds no DID")


@change_set.command("meet")
@NUMBER
@click.argument("challenge_id", metavar="CHALLENGE")
@click.argument("jws")
@REASON
def change_set_meet(number: int, challenge_id: str, jws: str) -> None:
    """
    Show that a DID is its owner's, who signed the text of CHALLENGE: JWS is in compact form.

    Prints the DID and the key that signed, separated by a tab.
    """
    with operator_api() as api:
        from registry.editing.shapes import Met, Response

        path = f"{_path(number)}/challenges/{segment(challenge_id)}"
        met = api.change("POST", path, Met, Response(jws=jws))
        row(met.identifier, met.key)


def _act(number: int, what: str, text: str | None = None) -> None:
    with operator_api() as api:
        from registry.editing.shapes import ChangeSetView, NewComment

        asked = None if text is None else NewComment(text=text)
        tell(api.change("POST", f"{_path(number)}/{what}", ChangeSetView, asked))


def _path(number: int) -> str:
    return f"{CHANGE_SETS}/{number}"


def _draft_of(file: Path) -> "Draft":
    from registry.editing.shapes import MAX_BYTES, Draft
    from wire import JsonError, decode

    try:
        return decode(file.read_bytes(), Draft, max_bytes=MAX_BYTES, max_values=None)
    except JsonError as error:
        fail(f"{file}: {error}", EXIT_USAGE)
