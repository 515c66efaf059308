"""
`touchstone status decode`: what a status list in a file says, of any form, without a server.
"""

import sys
from pathlib import Path
from typing import Any

import click

from server.commands.terminal import EXIT_FAILED, EXIT_USAGE, fail, print_json, row

MAX_FILE_BYTES = 33_554_432  # 32 MiB


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--index", type=click.IntRange(0), help="Print the status of this entry, and nothing else.")
def decode(file: Path, index: int | None) -> None:
    """
    Print what the status list in FILE says; - is standard input.

    A W3C list as JSON or as a token, or a token list of the IETF as JWT or CWT. Nothing is verified: whoever made
    the file can have written anything. `POST /status/check` verifies.
    """
    from statuslist.decoded import NotAList, decoded

    try:
        found = decoded(_read(file))
    except NotAList as error:
        fail(f"this is no status list that can be read: {error}", EXIT_FAILED)
    if index is None:
        print_json(_described(found))
    elif index >= found.entries:
        fail(f"the list has {found.entries} entries, the last is {found.entries - 1}", EXIT_USAGE)
    else:
        row(str(found.status_at(index)))


def _described(found: Any) -> dict[str, Any]:
    from wire import format_utc

    def time(value: int | None) -> str | None:
        return None if value is None else format_utc(value)

    return {
        "form": found.media_type,
        "verified": False,
        "url": found.url,
        "issuer": found.issuer,
        "purposes": list(found.purposes),
        "validFrom": time(found.valid_from),
        "validUntil": time(found.valid_until),
        "ttlSeconds": None if found.ttl_ms is None else found.ttl_ms / 1_000,
        "entries": found.entries,
        "bitsPerEntry": found.entry_bits,
        "counts": {str(value): count for value, count in found.counts().items()},
    }


def _read(file: Path) -> bytes:
    with click.open_file(str(file), "rb") if str(file) != "-" else sys.stdin.buffer as opened:
        body = bytes(opened.read(MAX_FILE_BYTES + 1))
    if len(body) > MAX_FILE_BYTES:
        fail(f"the file has over {MAX_FILE_BYTES} bytes", EXIT_FAILED)
    return body
