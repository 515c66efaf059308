"""
`touchstone verify`: may I rely on the credential in a file now? Asks a server, which needs no key for that.
"""

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from server.commands.terminal import (
    EXIT_AWAY,
    EXIT_FAILED,
    EXIT_NO,
    EXIT_UNKNOWN,
    fail,
    print_json,
    read_file,
    row,
    run,
    say,
    settings_or_exit,
)
from verification.policies import POLICIES

if TYPE_CHECKING:
    from verification.client import Verification, VerifyRequest

MAX_FILE_BYTES = 1_048_576  # 1 MiB, as a server reads
_NO_QUESTION = (400, 413, 422)  # statuses that speak of what was asked; others of the server


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--at", metavar="TIME", help="Ask about this time, such as 2026-01-31T12:00:00Z, not now.")
@click.option(
    "--authority", metavar="ID", help="Whose word on the issuer counts, instead of any authority's."
)
@click.option("--action", metavar="NAME", default="issue", help="What the issuer must be trusted to do.")
@click.option("--policy", type=click.Choice(list(POLICIES)), default="strict", help="What must be yes.")
@click.option("--max-stale", type=click.IntRange(0), help="Seconds, with --policy stale.")
@click.option("--nonce", help="What the holder was asked to sign, with --audience.")
@click.option("--audience", help="What the verifier called itself to the holder, with --nonce.")
@click.option(
    "--evidence",
    type=click.Choice(["safe", "full"]),
    default="safe",
    help="full: show what tells the holder apart.",
)
@click.option("--explain", is_flag=True, help="Tell each step, as a person would.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole answer, as JSON.")
def verify(file: Path, as_json: bool, **options: Any) -> None:
    """
    Tell whether you may rely on the credential in FILE; - is standard input.

    Prints a line for each verdict. Exits with 0 if you may rely on it; with 7 if a verdict that the policy asks for
    is no; with 8 if none is no, and one is unknown. docs/verify.md lists the reasons.

    Asks the server at TOUCHSTONE_PUBLIC_URL, and believes it.
    """
    from verification.client import VerifyRequest

    url = settings_or_exit().public_url
    request = VerifyRequest(credential=_credential(read_file(file, MAX_FILE_BYTES)), **options)
    run(lambda: _verify(url, request, as_json=as_json))


async def _verify(url: str, request: "VerifyRequest", *, as_json: bool) -> None:
    from verification.client import RequestRefused, VerificationClient, VerificationUnavailable

    try:
        async with VerificationClient(url) as client:
            told = await client.verify(request)
    except RequestRefused as error:
        fail(f"{url}: {error}", EXIT_FAILED if error.status in _NO_QUESTION else EXIT_AWAY)
    except VerificationUnavailable as error:
        fail(f"{url}: {error}; say in TOUCHSTONE_PUBLIC_URL where a server is", EXIT_AWAY)
    print_json(told) if as_json else _print(told)
    sys.exit(exit_code_of(told))


def exit_code_of(told: "Verification") -> int:
    """Return 0 where the credential may be relied on; else which kind of verdict stands against it."""
    if told.rely:
        return 0
    asked_for = POLICIES[told.policy].asks_for if told.policy in POLICIES else told.verdicts
    is_no = any(found.verdict == "no" for name, found in told.verdicts.items() if name in asked_for)
    return EXIT_NO if is_no else EXIT_UNKNOWN


def _print(told: "Verification") -> None:
    for name, found in told.verdicts.items():
        row(name, found.verdict, found.reason, found.detail)
    for step in told.steps:
        say(step)


def _credential(body: bytes) -> Any:
    """Return what a file has as a server is sent it: JSON as it is, a token as text, other bytes as base64url."""
    if not body.isascii() and not body.lstrip().startswith(b"{"):
        return base64.urlsafe_b64encode(body).decode().rstrip("=")
    text = body.strip()
    return _json(text) if text.startswith(b"{") else text.decode()


def _json(body: bytes) -> msgspec.Raw:
    """Return JSON in its own spelling; it is read once before, so that nothing in it speaks to the server."""
    from wire import JsonError, read

    try:
        read(body, max_bytes=MAX_FILE_BYTES)
    except JsonError as error:
        fail(f"the credential is not the JSON that is accepted: {error}")
    return msgspec.Raw(body)
