"""
`touchstone status decode`: what a status list in a file says, of any form, without a server.
"""

import re
import time
from pathlib import Path
from typing import Any

import click

from server.commands.terminal import EXIT_FAILED, EXIT_USAGE, fail, print_json, printable, read_file, row, say

MAX_FILE_BYTES = 33_554_432  # 32 MiB
MAX_DOCUMENT_BYTES = 262_144  # 256 KiB, as of a DID document that is fetched
_LABEL = re.compile("-----BEGIN ([A-Z0-9 ]{1,40})-----")  # of PEM: RFC 7468, section 3
_WAYS = {
    "CERTIFICATE": "; `openssl x509 -pubkey -noout` prints the key in it",
    "PRIVATE KEY": "; `openssl pkey -pubout` prints the public one",
}
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--index", type=click.IntRange(0), help="Print the status of this entry, and nothing else.")
@click.option(
    "--did-document",
    type=FILE,
    help="Verify with the keys of this DID document, or resolution result, in JSON.",
)
@click.option("--key", type=FILE, help="Verify with this public key, in PEM.")
def decode(file: Path, index: int | None, did_document: Path | None, key: Path | None) -> None:
    """
    Print what the status list in FILE says; - is standard input.

    A W3C list as JSON or as a token, or a token list of the IETF as JWT or CWT.

    Whoever made the file can have written anything, unless you have it verified: by the issuer's DID document, or
    by its key. Then a list that does not verify, or is not valid now, is not printed, and the command exits with 1.
    That the document, or the key, is the issuer's is up to you: nothing is fetched.
    """
    from statuslist.decoded import NotAList, decoded

    if did_document is not None and key is not None:
        fail("expected --did-document or --key, and not both", EXIT_USAGE)
    body = read_file(file, MAX_FILE_BYTES)
    try:
        found = decoded(body)
    except NotAList as error:
        fail(f"this is no status list that can be read: {error}", EXIT_FAILED)
    verified_with = did_document or key
    if verified_with is not None:
        _verify(body, found.media_type, verified_with, is_key=key is not None)
    elif index is not None:
        say("not verified")
    if index is None:
        print_json(_described(found, is_verified=verified_with is not None))
    elif index >= found.entries:
        fail(f"the list has {found.entries} entries, the last is {found.entries - 1}", EXIT_USAGE)
    else:
        row(str(found.status_at(index)))


def _verify(body: bytes, media_type: str, file: Path, *, is_key: bool) -> None:
    """End the command where the list does not verify with the key, or the DID document, in `file`."""
    from credentials.errors import CredentialError
    from proofs import ProofError
    from resolver import ResolutionError
    from statuslist.checking.held_list import verify_with_document, verify_with_key
    from wire import JsonError

    held: Any = _key(file) if is_key else _document(file)
    verify: Any = verify_with_key if is_key else verify_with_document
    try:
        verify(body, media_type, held, now=time.time_ns() // 1_000)
    except (ProofError, ResolutionError, CredentialError, JsonError) as error:
        fail(f"this list does not verify: {error}", EXIT_FAILED)


def _key(file: Path) -> object:
    from resolver.errors import KeyRefused
    from resolver.keys.pem import pem_to_key

    try:
        text = read_file(file, MAX_DOCUMENT_BYTES).decode("ascii", "replace")
        label = _LABEL.search(text)
        if label is not None and not label[1].endswith("PUBLIC KEY"):
            raise KeyRefused(f"expected PUBLIC KEY, found {label[1]}{_WAYS.get(label[1], '')}")
        return pem_to_key(text)
    except KeyRefused as error:
        fail(f"{printable(str(file))}: {error}", EXIT_USAGE)


def _document(file: Path) -> Any:
    from wire import JsonError, read

    try:
        document = read(read_file(file, MAX_DOCUMENT_BYTES), max_bytes=MAX_DOCUMENT_BYTES)
    except JsonError as error:
        fail(f"{printable(str(file))}: {error}", EXIT_USAGE)
    if isinstance(document, dict) and "id" not in document:
        document = document.get("didDocument")  # of a resolution result
    if not isinstance(document, dict) or not isinstance(document.get("id"), str):
        fail(
            f"{printable(str(file))}: expected a DID document, which has an id, or a resolution result",
            EXIT_USAGE,
        )
    return document


def _described(found: Any, *, is_verified: bool) -> dict[str, Any]:
    from wire import format_utc

    def time(value: int | None) -> str | None:
        return None if value is None else format_utc(value)

    return {
        "form": found.media_type,
        "verified": is_verified,
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
