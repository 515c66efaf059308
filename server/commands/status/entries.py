"""
`touchstone status allocate`, `set`, `release`, `find`: entries and their statuses.
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import msgspec

from server.commands.remote.api import REASON, given_reason, operator_api
from server.commands.status.sets import SETS
from server.commands.terminal import EXIT_NOT_FOUND, EXIT_USAGE, fail, printable, row, say

# What a person says of an entry, as a purpose and a bit.
STATUSES = {
    "revoked": ("revocation", 1),
    "suspended": ("suspension", 1),
    "resumed": ("suspension", 0),
}
FORMATS = ("application/vc", "application/vc+jwt", "dc+sd-jwt", "mso_mdoc")


@click.command()
@click.argument("set_id", metavar="SET")
@click.option("--count", type=int, default=1, show_default=True, help="How many, for one credential each.")
@click.option("--format", "wanted", type=click.Choice(FORMATS), default=FORMATS[0], show_default=True)
@click.option("--batch", metavar="NAME", help="Your name for all of them together.")
@click.option(
    "--references",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="A file with your name for each entry, one a line; - is standard input. Sets --count.",
)
@click.option("--expires", "expires_at", metavar="TIME", help="When the last of the credentials expires.")
@REASON
def allocate(set_id: str, count: int, wanted: Any, references: Path | None, **named: Any) -> None:
    """
    Take entries of SET, and print what goes into each credential: a line of JSON for each.

    Their order is that of the references.
    """
    from statuslist.entries.requests import Allocate, Allocated

    names = None if references is None else _lines_of(references)
    asked = Allocate(
        count=count if names is None else len(names),
        format=wanted,
        reference=named["batch"],
        references=msgspec.UNSET if names is None else names,
        expires_at=named["expires_at"],
    )
    with operator_api() as api:
        found = api.post(f"{_path(set_id)}/allocations", Allocated, asked)
        api.expect(len(found.entries) == asked.count, "another number of entries")
        for entry in found.entries:
            click.echo(msgspec.json.encode(entry).decode())


@click.command("set")
@click.argument("set_id", metavar="SET")
@click.argument("status", type=click.Choice(list(STATUSES)))
@click.argument("index", required=False)
@click.option("--reference", help="Instead of INDEX: your name for the entry.")
@click.option("--urgent", is_flag=True, help="Publish it now, whatever the cadence of the set.")
@REASON
def set_status(set_id: str, status: str, index: str | None, reference: str | None, urgent: bool) -> None:
    """
    Say that the entry INDEX of SET is revoked, suspended or resumed; print the version that shows it.

    A revocation is final. With --reference it is of all entries that have this name, one for each format. One line
    for each list: its id and the version, separated by a tab.
    """
    from statuslist.entries.requests import Changed, ChangeStatuses, StatusChange

    purpose, bit = STATUSES[status]
    change = StatusChange(
        **_named(index, reference),
        status_purpose=purpose,  # type: ignore[arg-type]
        status=bit,  # type: ignore[arg-type]
        reason=given_reason(),
    )
    with operator_api() as api:
        asked = ChangeStatuses(changes=(change,), urgent=urgent)
        changed = api.post(f"{_path(set_id)}/statuses", Changed, asked)
        if not changed.changed:
            say("it was so already")
        elif changed.changed > 1:
            say(f"{changed.changed} entries have that name; all are {status} now")
        for list_id, version in sorted(changed.versions.items()):
            row(list_id, str(version))


@click.command()
@click.argument("set_id", metavar="SET")
@click.argument("index", required=False)
@click.option("--reference", help="Instead of INDEX: your name for the entry.")
@REASON
def release(set_id: str, index: str | None, reference: str | None) -> None:
    """
    Give up the entry INDEX of SET: its credential was never issued, and never will be.

    No list changes, nothing can revoke it any more, and nobody else gets it.
    """
    from statuslist.entries.requests import NamedEntry, Released, ReleaseEntries

    asked = ReleaseEntries(entries=(NamedEntry(**_named(index, reference)),))
    with operator_api() as api:
        done = api.post(f"{_path(set_id)}/releases", Released, asked)
        say("released" if done.released else "it was released already")


@click.command()
@click.argument("reference")
@click.option("--issuer", "issuer_id", metavar="ISSUER", help="Whose sets; default: your own issuer's.")
def find(reference: str, issuer_id: str | None) -> None:
    """
    Print the entries that have your name REFERENCE.

    One a line, separated by tabs: set, index, format or `-`, and what it is: valid, revoked, suspended, released.
    """
    from statuslist.entries.requests import FindEntries, FoundEntries

    asked = FindEntries(reference=reference, issuer_id=issuer_id)
    with operator_api() as api:
        found = api.post("/operator/status-entries/find", FoundEntries, asked)
    for entry in found.entries:
        said = {each.status_purpose for each in entry.statuses if each.status}
        words = [word for word, (purpose, bit) in STATUSES.items() if bit and purpose in said]
        words += ["released"] if entry.is_released else []
        row(entry.set_id, entry.status_list_index, entry.format or "-", ",".join(words) or "valid")
    if not found.entries:
        fail("no entry has that name", EXIT_NOT_FOUND)


def _path(set_id: str) -> str:
    return f"{SETS}/{quote(set_id, safe='')}"


def _named(index: str | None, reference: str | None) -> dict[str, Any]:
    if (index is None) == (reference is None):
        fail("expected INDEX or --reference, and not both", EXIT_USAGE)
    return {"status_list_index": index} if reference is None else {"reference": reference}


def _lines_of(path: Path) -> tuple[str, ...]:
    """Return the lines of a file, which end with a line feed or with CR LF; none of them may be blank."""
    shown = printable(str(path))
    try:
        with click.open_file(str(path), "rb") as file:
            text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        fail(f"{shown}: expected UTF-8", EXIT_USAGE)
    names = [line.removesuffix("\r") for line in text.split("\n")]
    while names and not names[-1]:
        names.pop()
    if not names:
        fail(f"{shown} names no entry", EXIT_USAGE)
    if "" in names:
        fail(f"{shown}, line {names.index('') + 1}: expected a name, found a blank line", EXIT_USAGE)
    return tuple(names)
