"""
`touchstone audit`: who did what, on stdout as JSON lines; and whether that is what was sealed and signed.

Rows come from the operator API, or from files that `export` wrote. What is verified, is verified here: nothing is
taken on the word of whoever answers.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from server.commands.remote.api import OperatorApi, operator_api
from server.commands.terminal import EXIT_USAGE, escaped, fail, say

if TYPE_CHECKING:
    from operators.audit.heads import Head, Verification
    from operators.audit.views import AuditLine, AuditPage
    from proofs.notes import NoteKey

AUDIT = "/operator/audit"
PAGE_ROWS = 500
MAX_TAIL = 10_000  # rows
FOLLOW_SECONDS = 1.0
_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
_WANTED = (
    click.option("--actor", metavar="ID", help="Only what this principal did."),
    click.option("--action", metavar="ACTION", help="Only this action, such as key.create."),
    click.option("--subject", metavar="SUBJECT", help="Only what was done to this."),
    click.option("--since", metavar="TIME", help="Only from this time on, such as 2026-01-31T12:00:00Z."),
    click.option("--until", metavar="TIME", help="Only up to this time."),
)


def _wanted(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_WANTED):
        command = option(command)
    return command


@click.group()
def audit() -> None:
    """Read the audit trail, take it with you, and verify it."""


@audit.command("tail")
@click.option(
    "-n", "rows", default=10, show_default=True, type=click.IntRange(0, MAX_TAIL), help="How many rows."
)
@click.option("-f", "--follow", is_flag=True, help="Go on printing rows as they are sealed.")
@_wanted
def audit_tail(rows: int, follow: bool, **wanted: str | None) -> None:
    """Print the newest rows, the oldest of them first."""
    newest: deque[AuditLine] = deque(maxlen=rows)
    with operator_api() as api:
        seen = 0 if any(wanted.values()) else max(0, _head(api) - rows)
        for page in _pages(api, seen, wanted):
            newest.extend(page.rows)
            seen = page.head  # Of the last page, up to which it went.
        for line in newest:
            _print(line)
        while follow:
            time.sleep(FOLLOW_SECONDS)
            for page in _pages(api, seen, wanted):
                for line in page.rows:
                    _print(line)
                seen = page.head


@audit.command("export")
@click.option(
    "--after", default=0, type=click.IntRange(0), help="Begin after this position, as where an export ended."
)
@_wanted
def audit_export(after: int, **wanted: str | None) -> None:
    """
    Print every row, the oldest first.

    Without a filter, anyone can verify what is printed: with `touchstone audit verify`, or without Touchstone.
    """
    if any(wanted.values()):
        say("this is a selection: a chain with rows left out cannot be verified")
    with operator_api() as api:
        for page in _pages(api, after, wanted):
            for line in page.rows:
                _print(line)


@audit.command("anchor")
@click.argument("directory", type=click.Path(file_okay=False, exists=True, path_type=Path), default=Path())
def audit_anchor(directory: Path) -> None:
    """
    Have the end of the trail signed now.

    What is signed, the anchor, is kept in DIRECTORY, with the key that verifies it. Keep both where nobody who can
    write into the database can write.
    """
    from base64 import b64encode

    from operators.audit.anchor_files import name_of, write_anchors
    from operators.audit.store import Anchor
    from operators.audit.views import AnchorView

    with operator_api() as api:
        found = api.post(f"{AUDIT}/anchor", AnchorView)
        head = _verified(found.note.encode(), [_key_of(found.key, "the answer")], "the answer")
        if (head.position, b64encode(head.digest).decode()) != (found.position, found.digest):
            fail("the answer says something else than the note that it has")
        anchor = Anchor(
            position=head.position, digest=head.digest, note=found.note, note_key=found.key, signed_at=0
        )
        write_anchors(directory, [anchor])
        click.echo(directory / name_of(head.position, head.digest))


@audit.command("verify")
@click.argument("files", metavar="[FILE]...", nargs=-1, type=_FILE)
@click.option(
    "anchors",
    "--anchor",
    metavar="PATH",
    multiple=True,
    type=click.Path(exists=True, allow_dash=True, path_type=Path),
    help="A signed head, kept from before, or a directory of them: finds a past that was rewritten. May be"
    " repeated.",
)
@click.option(
    "keys",
    "--key",
    metavar="FILE",
    multiple=True,
    type=_FILE,
    help="The key that may have signed it. May be repeated. Not given: those beside the anchor.",
)
def audit_verify(files: tuple[Path, ...], anchors: tuple[Path, ...], keys: tuple[Path, ...]) -> None:
    """
    Verify that no row was changed or taken out.

    The rows are those in the FILEs, one after the other, or all that the server has. They may begin after an
    anchor, which then vouches for those before. Ends with 1 and the first line at fault.
    """
    from operators.audit.heads import AnchorContradicted, Verification

    if keys and not anchors:
        fail("--key is for --anchor", EXIT_USAGE)
    if notes := [path for path in files if path.suffix == ".note"]:
        fail(f"{notes[0]}: this is an anchor; put --anchor before each, or name their directory", EXIT_USAGE)
    heads = _anchored(anchors, keys)
    try:
        verification = Verification(heads)
        if files:
            _verify_files(files, verification)
        else:
            _verify_server(verification)
        verification.end()
    except AnchorContradicted as error:
        fail(str(error))
    if verification.first == 0:
        fail("there is no row to verify")
    _tell(verification, heads)


def _tell(verification: "Verification", heads: list["Head"]) -> None:
    from base64 import b64encode

    chain = verification.chain
    say(f"rows {verification.first} to {chain.position} are as they were sealed; the last digest is")
    say(f"{b64encode(chain.digest).decode()}")
    if verification.first > 1:
        say(f"rows 1 to {verification.first - 1} were not looked at: an anchor vouches for them")
    if heads:
        last = max(head.position for head in heads)
        say(f"up to row {last} they are those that were signed for {heads[-1].origin}")
    else:
        say("without an anchor nobody can tell whether all of them were made anew, or the last were cut off")


def _head(api: OperatorApi) -> int:
    from operators.audit.views import AuditPage

    return api.get(AUDIT, AuditPage, after=2**53, limit=1).head


def _pages(api: OperatorApi, after: int, wanted: dict[str, str | None]) -> Iterator["AuditPage"]:
    """Yield the rows beyond a position, up to the end."""
    from operators.audit.views import AuditPage

    return api.pages(AUDIT, AuditPage, after=after, limit=PAGE_ROWS, **wanted)


def _print(line: "AuditLine") -> None:
    """Print a line of JSON; what a terminal might obey is escaped, so that the JSON says the same."""
    from operators.audit.views import encode_line

    click.echo(escaped(encode_line(line).decode().removesuffix("\n")))


def _verify_server(verification: "Verification") -> None:
    from storage import ChainBroken

    with operator_api() as api:
        try:
            for page in _pages(api, 0, {}):
                for line in page.rows:
                    verification.take(line.sealed())
        except ChainBroken as error:
            fail(str(error))
        except ValueError:
            api.expect(False, "a row whose digest is not base64")


def _verify_files(files: tuple[Path, ...], verification: "Verification") -> None:
    from operators.audit.heads import AnchorContradicted
    from operators.audit.views import read_line
    from storage import ChainBroken
    from wire import JsonError

    for path in files:
        with _opened(path) as file:
            for number, line in enumerate(_lines(file), 1):
                try:
                    verification.take(read_line(line).sealed())
                except JsonError as error:
                    fail(f"{path}, line {number}: no row of an export: {error}")
                except (ChainBroken, AnchorContradicted) as error:
                    fail(f"{path}, line {number}: {error}")


def _opened(path: Path) -> Any:
    return click.open_file(str(path), "rb")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    from operators.audit.views import MAX_LINE_BYTES

    while line := file.readline(MAX_LINE_BYTES + 1):
        yield line


def _notes_of(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.glob("*.note"))
    if not found:
        fail(f"{path}: there is no anchor in this directory", EXIT_USAGE)
    return found


def _anchored(anchors: tuple[Path, ...], keys: tuple[Path, ...]) -> list["Head"]:
    """Return the heads that anchors are about, or end the command."""
    heads: list[Head] = []
    trusted: dict[Path, list[NoteKey]] = {}
    for path in (note for anchor in anchors for note in _notes_of(anchor)):
        if path.parent not in trusted:
            files = keys or _beside(path)
            trusted[path.parent] = [_key_of(_read(key).decode("utf-8", "replace"), str(key)) for key in files]
        heads.append(_verified(_read(path), trusted[path.parent], path))
    return heads


def _beside(path: Path) -> tuple[Path, ...]:
    found = tuple(sorted(path.parent.glob("*.key")))
    if not found:
        fail(f"{path}: no key lies beside it; name the one that you trust with --key", EXIT_USAGE)
    say(
        f"{path}: verified with what lies beside it; name the key that you trust with --key if others write there"
    )
    return found


def _key_of(text: str, place: str) -> "NoteKey":
    from proofs import ProofError
    from proofs.notes import read_note_key

    try:
        return read_note_key(text)
    except ProofError as error:
        fail(f"{place}: {error}")


def _verified(note: bytes, keys: list["NoteKey"], place: Path | str) -> "Head":
    from operators.audit.heads import read_head
    from proofs import ProofError
    from proofs.notes import verify_note

    try:
        return read_head(verify_note(note, keys))
    except ProofError as error:
        fail(f"{place}: {error}")


def _read(path: Path) -> bytes:
    from proofs.notes import MAX_NOTE_BYTES

    with _opened(path) as file:
        return bytes(file.read(MAX_NOTE_BYTES + 1))
