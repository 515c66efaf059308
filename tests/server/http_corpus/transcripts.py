"""
Answers as text that people read and compare, and what of them is left out.

    == public GET /1.0/identifiers/did:web:nobody.example
    accept: application/did
    -> 404
    content-type: application/did-resolution
    | {"didResolutionMetadata":...}

Above the arrow is what was asked, below it what was answered. Headers are in the order of their names: theirs on
the wire means nothing. `+cors` stands for the three headers of every public answer; X-Request-ID is shown where it
is not the one that was sent, Content-Length where it is not that of the body (HEAD). A long body is its SHA-256 and
its length. `again:` is the answer to the same read a moment later, where it differs; `over the wire:` what a socket
brings (Date left out), where it differs; `over the wire, hot:` with the protocol that answers itself.

What differs from run to run is replaced by these rules, and nothing else is:

- a request id that we made (the corpus sends its own, but for one request);
- in explanations, how many milliseconds a fetch took;
- in the answer to an unknown problem type, which ones there are: that depends on what was imported;
- in `/readyz` for operators and in `/metrics`, what was measured;
- in the audit trail, positions, digests and what is signed: API keys, which are drawn by lot, are in the chain;
- for operators, the name of this machine, the directory of the test, and the port of the driver.
"""

import difflib
import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from tests.server.http_corpus.asking import REQUEST_ID, Answered, Case, Raw

MAX_INLINE = 512  # bytes of a body that is shown as it is
MAX_TARGET = 240  # characters of a target
_CORS = (
    ("access-control-allow-origin", "*"),
    (
        "access-control-expose-headers",
        "ETag, Age, Cache-Status, Content-Location, Location, Retry-After, X-Request-ID",
    ),
    ("x-content-type-options", "nosniff"),
)
_MADE_ID = re.compile(rb"urn:touchstone:request:(?!%b)[0-9a-f]{16}" % REQUEST_ID.encode())
_MILLISECONDS = re.compile(rb'"milliseconds":\d+')
_PROBLEM_TYPES = re.compile(rb"no problem type has this name; we have: [a-z, -]+")
_DRIVER = re.compile(rb"http://127\.0\.0\.1:\d+/")
_AUDIT = "/operator/audit"
_CHAINED = re.compile(rb'"(position|id|head|next|digest|note)":("[^"]*"|\d+)')
_MEASURED_AT = ("/metrics", "/readyz")
_MEASURED = re.compile(rb'"(age_s|wal_bytes|remaining_s|waiting_s|heartbeat_age_s)":[0-9.]+')

Transcript = dict[str, str]  # what was asked, to what was answered


def question(case: Case) -> str:
    """Return the upper half of an entry."""
    target = case.target
    if len(target) > MAX_TARGET:
        target = f"{target[:MAX_TARGET]}...[{_digest(target.encode())}]"
    lines = [f"== {case.listener} {case.method} {target}"]
    lines += [f"{name}: {_short(value.encode(), 600)}" for name, value in case.headers]
    lines += ["(no request id)"] * (not case.has_id)
    lines += [f"< {_short(case.body, 400)}"] if case.body else []
    return "\n".join(lines)


def answer(answered: Answered, case: Case, directory: Path) -> str:
    """Return the lower half of an entry."""
    headers = sorted(_headers(answered, case))
    cors = [pair for pair in _CORS if pair in headers]
    lines = [f"-> {answered.status}"]
    if len(cors) == len(_CORS):
        headers = [pair for pair in headers if pair not in _CORS]
        lines.append("+cors")
    lines += [f"{name}: {value}" for name, value in headers]
    body = _without_what_varies(answered.body, case, directory)
    lines += [f"| {_short(body, MAX_INLINE)}"] if body else []
    return "\n".join(lines)


def _headers(answered: Answered, case: Case) -> Iterable[tuple[str, str]]:
    for name, value in answered.headers:
        if (name, value) in (("x-request-id", REQUEST_ID), ("content-length", str(len(answered.body)))):
            continue  # As it must be, whatever varies.
        if name == "x-request-id" and re.fullmatch("[0-9a-f]{16}", value):
            yield name, "<made>"
        elif name == "content-length" and case.listener == "operator" and case.target in _MEASURED_AT:
            yield name, "<varies>"
        else:
            yield name, value


def _without_what_varies(body: bytes, case: Case, directory: Path) -> bytes:
    body = _MADE_ID.sub(b"urn:touchstone:request:<made>", body)
    body = _MILLISECONDS.sub(b'"milliseconds":<varies>', body)
    body = _PROBLEM_TYPES.sub(b"no problem type has this name; we have: <varies>", body)
    if case.listener == "operator":
        body = body.replace(str(directory).encode(), b"<directory>").replace(
            os.uname().nodename.encode(), b"<machine>"
        )
        body = _DRIVER.sub(b"<driver>/", body)
        body = _MEASURED.sub(rb'"\1":<varies>', body)
    if case.target.startswith(_AUDIT):
        body = _CHAINED.sub(rb'"\1":<varies>', body)
    if case.target == "/metrics":
        body = b"\n".join(line for line in body.splitlines() if line.startswith((b"# HELP", b"# TYPE")))
    return body


def _short(data: bytes, limit: int) -> str:
    """Return `data` as one line where it is short and text, else its digest."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    if len(data) > limit or not text:
        return _digest(data)
    return text if text.isprintable() else ascii(text)


def _digest(data: bytes) -> str:
    return f"sha256 {hashlib.sha256(data).hexdigest()}, {len(data)} bytes"


def raw_question(raw: Raw) -> str:
    """Return the upper half of an entry about raw bytes."""
    return f"== raw: {raw.name}\n< {_short(ascii(raw.data).encode(), 400)}"


def add(transcript: Transcript, asked: str, answered: str) -> None:
    """Add an entry; the second of the same request has a number."""
    key, number = asked, 1
    while key in transcript:
        number += 1
        key = f"{asked}\n(the {number}. time)"
    transcript[key] = answered


def render(transcript: Transcript) -> str:
    """Return a transcript as text: requests that are answered alike stand together, above their answer."""
    asked_of: dict[str, list[str]] = {}
    for asked, answered in transcript.items():
        asked_of.setdefault(answered, []).append(asked)
    return "\n\n".join("\n".join([*asked, answered]) for answered, asked in asked_of.items()) + "\n"


def read(text: str) -> Transcript:
    """Return what `render` was given, but for the order."""
    entries: Transcript = {}
    for block in text.rstrip("\n").split("\n\n"):
        above, arrow, below = block.partition("\n-> ")
        for asked in above.removeprefix("== ").split("\n== "):
            entries[f"== {asked}"] = arrow[1:] + below
    return entries


def differences(expected: Transcript, found: Transcript) -> str:
    """Return what differs, each with its request; empty where nothing does."""
    parts = []
    for asked in [*expected, *(new for new in found if new not in expected)]:
        before, after = expected.get(asked, "(not asked)"), found.get(asked, "(not asked)")
        if before != after:
            lines = difflib.unified_diff(
                before.splitlines(), after.splitlines(), "expected", "found", n=1, lineterm=""
            )
            parts.append("\n".join([asked, *lines]))
    return "\n\n".join(parts)
