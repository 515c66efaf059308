"""
`touchstone approval`: what waits for another person, and deciding it. Over the operator API.
"""

from typing import TYPE_CHECKING

import click

from server.commands.remote.api import NEEDED_REASON, REASON, given_reason, operator_api
from server.commands.terminal import note, print_json, row, say

if TYPE_CHECKING:
    from operators.approvals.change import ApprovalView

APPROVALS = "/operator/approvals"
STATES = ("pending", "approved", "rejected", "withdrawn", "expired", "alone", "break-glass")
NUMBER = click.argument("number", metavar="APPROVAL", type=click.IntRange(1, 2**53))


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
@NEEDED_REASON
def approval_approve(number: int) -> None:
    """Approve a request of somebody else. What it asks for is done at once."""
    decided = _decide(number, "approve", "approved")
    say(f"approved {number}: {_told(decided)} is done, in the name of {decided.author}")


@approval.command("reject")
@NUMBER
@NEEDED_REASON
def approval_reject(number: int) -> None:
    """Reject a request of somebody else."""
    decided = _decide(number, "reject", "rejected")
    say(f"rejected {number}: {_told(decided)} is not done")


@approval.command("withdraw")
@NUMBER
@REASON
def approval_withdraw(number: int) -> None:
    """Take your own request back."""
    decided = _decide(number, "withdraw", "withdrawn")
    say(f"withdrew {number}: {_told(decided)} is not done")


@approval.command("break-glass")
@NUMBER
@NEEDED_REASON
def approval_break_glass(number: int) -> None:
    """
    Do what a request asks for, though nobody approved it.

    For the role break-glass. An alarm tells everybody.
    """
    decided = _decide(number, "break-glass", "break-glass")
    say(f"let {number} go past approval: {_told(decided)} is done, in the name of {decided.author}")
    say("there is an alarm, which somebody must acknowledge: touchstone alarm list")


def _decide(number: int, how: str, state: str) -> "ApprovalView":
    from operators.approvals.change import ApprovalView
    from operators.approvals.views import Decide

    asked = None if how == "withdraw" else Decide(reason=given_reason() or "")
    with operator_api() as api:
        decided = api.post(f"{APPROVALS}/{number}/{how}", ApprovalView, asked)
        is_it = (decided.approval, decided.state) == (number, state)
        api.expect(is_it, f"that the approval {decided.approval} is {decided.state}")
        return decided


def _told(decided: "ApprovalView") -> str:
    return f"{decided.action} of {decided.subject}"
