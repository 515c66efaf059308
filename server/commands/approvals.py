"""
`touchstone approval`: what waits for another person, and deciding it. Over the operator API.
"""

from typing import TYPE_CHECKING

import click

from server.commands.api import MAX_REASON_CHARS, REASON, operator_api
from server.commands.principals import print_json
from server.commands.terminal import note, row, say

if TYPE_CHECKING:
    from operators.approvals.change import ApprovalView

APPROVALS = "/operator/approvals"
STATES = ("pending", "approved", "rejected", "withdrawn", "expired", "alone", "break-glass")
NUMBER = click.argument("number", metavar="APPROVAL", type=click.IntRange(1, 2**53))


def _said(_context: click.Context, _parameter: click.Parameter, reason: str) -> str:
    if not reason.strip() or len(reason) > MAX_REASON_CHARS:
        raise click.BadParameter(f"expected 1 to {MAX_REASON_CHARS} characters")
    return reason


WHY = click.option(
    "--reason", metavar="TEXT", required=True, callback=_said, help="Why, for everybody to read."
)


@click.group()
def approval() -> None:
    """Approve or reject what another person asks for."""


@approval.command("list")
@click.option("--state", type=click.Choice([*STATES, "any"]), default="pending", help="Default: pending.")
def approval_list(state: str) -> None:
    """
    Print the requests for approval that you may see.

    One a line, separated by tabs: number, state, action, scope, subject, author, when it ends.
    """
    from operators.approvals.views import ApprovalPage

    is_any = False
    with operator_api() as api:
        for page in api.pages(APPROVALS, ApprovalPage, state=None if state == "any" else state):
            for found in page.approvals:
                is_any = True
                whom = found.author if found.person is None else f"{found.author} ({found.person})"
                row(
                    *(str(found.approval), found.state, found.action, found.scope),
                    *(found.subject, whom, found.expires_at),
                )
    if not is_any:
        note("no request waits" if state == "pending" else "there is no such request")


@approval.command("show")
@NUMBER
def approval_show(number: int) -> None:
    """Print all about a request, as JSON."""
    from operators.approvals.change import ApprovalView

    with operator_api() as api:
        print_json(api.get(f"{APPROVALS}/{number}", ApprovalView))


@approval.command("approve")
@NUMBER
@WHY
def approval_approve(number: int, reason: str) -> None:
    """Approve a request of somebody else. What it asks for is done at once."""
    decided = _decide(number, "approve", reason)
    say(f"approved {number}: {_told(decided)} is done, in the name of {decided.author}")


@approval.command("reject")
@NUMBER
@WHY
def approval_reject(number: int, reason: str) -> None:
    """Reject a request of somebody else."""
    decided = _decide(number, "reject", reason)
    say(f"rejected {number}: {_told(decided)} is not done")


@approval.command("withdraw")
@NUMBER
@REASON
def approval_withdraw(number: int) -> None:
    """Take your own request back."""
    decided = _decide(number, "withdraw", None)
    say(f"withdrew {number}: {_told(decided)} is not done")


@approval.command("break-glass")
@NUMBER
@WHY
def approval_break_glass(number: int, reason: str) -> None:
    """
    Do what a request asks for, though nobody approved it.

    For the role break-glass. An alarm tells everybody.
    """
    decided = _decide(number, "break-glass", reason)
    say(f"let {number} go past approval: {_told(decided)} is done, in the name of {decided.author}")
    say("there is an alarm, which somebody must acknowledge: touchstone alarm list")


def _decide(number: int, how: str, reason: str | None) -> "ApprovalView":
    from operators.approvals.change import ApprovalView
    from operators.approvals.views import Decide

    asked = None if reason is None else Decide(reason=reason)
    with operator_api() as api:
        return api.post(f"{APPROVALS}/{number}/{how}", ApprovalView, asked)


def _told(decided: "ApprovalView") -> str:
    return f"{decided.action} of {decided.subject}"
