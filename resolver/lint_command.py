"""
The linter as a command: a DID, a file or standard input to a table or JSON of findings. Command.

Exit status: 0 no error was found, 1 one was, or with `strict` a warning; 2 usage; 3 the DID does not exist;
6 its origin is unavailable.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from resolver.documents.document import MAX_DOCUMENT_BYTES
from resolver.errors import InternalError, NotFound, ResolutionError
from resolver.lint.findings import Finding, Severity, in_order, lint_bytes, told_in
from resolver.resolution import Resolver
from resolver.terminal import complain, unwritten
from wire import encode

OK, FOUND, USAGE, NOT_FOUND, UNAVAILABLE = 0, 1, 2, 3, 6

_FAILING = {False: {Severity.ERROR}, True: {Severity.ERROR, Severity.WARNING}}


def lint_target(
    target: str,
    *,
    as_json: bool = False,
    strict: bool = False,
    make_resolver: Callable[[], Resolver] = Resolver,
    clock: Callable[[], float] = time.time,
) -> int:
    """
    Lint what `target` names and print the findings to standard output; return the exit status.

    Args:
        target: a DID, which is resolved; `-`, standard input; else a file.
        as_json: print a JSON array instead of a table.
        strict: count warnings as errors.
    """
    try:
        body, told = _body_of(target, make_resolver)
    except ResolutionError as error:
        return complain(f"{error.type.rpartition('#')[2]}: {error.detail}", _status_of(error))
    except OSError as error:
        return complain(f"{target}: {error.strerror or error}", USAGE)
    findings = in_order([*told, *lint_bytes(body, now=clock())])
    try:
        print(_as_json(findings) if as_json else _as_table(findings), flush=True)
    except OSError as error:
        return unwritten(error)
    return FOUND if any(finding.severity in _FAILING[strict] for finding in findings) else OK


def _body_of(target: str, make_resolver: Callable[[], Resolver]) -> tuple[bytes, list[Finding]]:
    """
    Return the document as it is served; of a file one byte more than one may have, to be told of it.

    Of a DID it is the document as it is passed on, with what its resolution tells beyond what is in there.
    """
    if target == "-":
        return sys.stdin.buffer.read(MAX_DOCUMENT_BYTES + 1), []
    if target.startswith("did:"):
        return asyncio.run(_resolved(target, make_resolver))
    with Path(target).open("rb") as file:
        return file.read(MAX_DOCUMENT_BYTES + 1), []


async def _resolved(did: str, make_resolver: Callable[[], Resolver]) -> tuple[bytes, list[Finding]]:
    async with make_resolver() as resolver:
        resolved = await resolver.resolve(did)
    if resolved.document is None:
        raise NotFound("the DID is deactivated: it has no document")
    return encode(resolved.document), told_in(resolved.resolution_metadata)


def _status_of(error: ResolutionError) -> int:
    if isinstance(error, NotFound):
        return NOT_FOUND
    return UNAVAILABLE if isinstance(error, InternalError) else FOUND


def _as_json(findings: list[Finding]) -> str:
    return json.dumps([finding.as_json() for finding in findings], indent=2)


def _as_table(findings: list[Finding]) -> str:
    """Return a line for each finding, and one with what to do; printable ASCII, whatever the document holds."""
    return "\n".join(_lines(findings)) or "nothing found"


def _lines(findings: list[Finding]) -> Iterator[str]:
    widths = [
        max((len(text) for text in column), default=0) for column in zip(*map(_cells, findings), strict=True)
    ]
    for finding in findings:
        cells = [text.ljust(width) for text, width in zip(_cells(finding), widths, strict=True)]
        yield f"{'  '.join(cells)}  {_plain(finding.detail)}"
        yield f"{'':{widths[0]}}  -> {_plain(finding.advice)}"


def _cells(finding: Finding) -> tuple[str, str, str]:
    return finding.severity.value, finding.code, _plain(finding.pointer or "/")


def _plain(text: str) -> str:
    """Return `text` with everything escaped that could talk to a terminal."""
    return json.dumps(text)[1:-1].replace('\\"', '"').replace("\x7f", "\\u007f")
