"""
How a command ends that the operator API did not serve: what is said, and the exit code.

The words of an answer are those of whoever answers, who may be the wrong one: a terminal is given nothing to obey.
"""

from pathlib import Path
from typing import NoReturn

import click
import msgspec

from server.commands.terminal import EXIT_AWAY, EXIT_BY_STATUS, EXIT_FAILED, fail, printable, say
from storage import RELEASE

MAX_CHARS = 20_000  # characters of a text that is repeated
_PLACE = "say in TOUCHSTONE_OPERATOR_URL where it is"
_OTHER_KEY = "name another file in TOUCHSTONE_OPERATOR_KEY_FILE"


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one member of a request."""

    pointer: str = ""
    detail: str = ""


class ShownProblem(msgspec.Struct, frozen=True):
    """What is told of a problem document (RFC 9457)."""

    title: str = ""
    detail: str = ""
    errors: tuple[Fault, ...] = ()


class Awaited(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is told of a change that needs an approval."""

    approval: int
    scope: str = ""
    expires_at: str = ""
    state: str = "pending"
    hint: str = ""


def fail_refused(status: int, problem: ShownProblem, key_file: Path) -> NoReturn:
    """End with what a problem document says, and with what to do where the key was refused."""
    message = "\n".join(map(printable, (problem.detail or problem.title)[:MAX_CHARS].splitlines()))
    if len(problem.errors) == 1 and problem.errors[0].detail == problem.detail and problem.errors[0].pointer:
        message = (
            f"{_place_of(problem.errors[0].pointer)}: {message}"  # Several are told in the detail itself.
        )
    if status == 401:
        message += (
            f"\nthe key in {key_file} is not accepted: {_OTHER_KEY}, or ask an administrator for a new key"
        )
    elif status == 403:
        message += (
            f"\nit was asked with the key in {key_file}: {_OTHER_KEY}, or ask an administrator for the role"
        )
    fail(message, EXIT_BY_STATUS.get(status, EXIT_FAILED))


def fail_strange(url: str, found: str) -> NoReturn:
    """End because it is not the operator API that answers at `url`."""
    fail(f"{url} answered {printable(found)[:MAX_CHARS]}. That is not the operator API; {_PLACE}", EXIT_AWAY)


def fail_other_release(url: str) -> NoReturn:
    """End because `url` has no route for what this command asks."""
    fail(
        f"{url} cannot do this: it is a server of another release (this command is of {RELEASE}), or its public"
        f" listener. Use the command of its release, or {_PLACE}",
        EXIT_AWAY,
    )


def fail_away(url: str, why: str) -> NoReturn:
    """End because nothing answers at `url`."""
    fail(
        f"{url} does not answer: {printable(why)[:MAX_CHARS]}\n"
        f"start the server there (touchstone serve), or {_PLACE}",
        EXIT_AWAY,
    )


def end_awaited(awaited: Awaited) -> NoReturn:
    """End well, though nothing may have changed yet."""
    if awaited.state == "alone":
        say(
            f"this is done: nobody else could approve it, and a setting lets you go ahead ({awaited.approval})"
        )
        raise SystemExit(0)
    if awaited.state != "pending":
        say(
            f"this was asked for before: the approval {awaited.approval} is {printable(awaited.state)[:MAX_CHARS]}"
        )
        raise SystemExit(0)
    scope = f" for {printable(awaited.scope)[:MAX_CHARS]}" if awaited.scope else ""
    until = f", until {printable(awaited.expires_at)[:MAX_CHARS]}" if awaited.expires_at else ""
    say(f"this waits for the approval {awaited.approval}: another person, an approver{scope}, decides{until}")
    say("it is done when they approve it; nothing has changed yet")
    if awaited.hint:
        say(printable(awaited.hint)[:MAX_CHARS])
    raise SystemExit(0)


def _place_of(pointer: str) -> str:
    """Return what to call the member at fault: the option that gave it, where there is one."""
    option = f"--{pointer.removeprefix('/')}"
    options = {name for given in click.get_current_context().command.params for name in given.opts}
    return option if option in options else printable(pointer)[:MAX_CHARS]
