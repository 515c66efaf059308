"""
What is doubtful about a DID document, with the place and what to do about it. Pure.

Every rule of `rules.py` is asked; a document that a resolver must refuse (`document.read_document`) has at
least one finding of severity "error". Nothing is fetched, no context either: `terms.py` knows the usual ones.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import msgspec

from resolver.documents.document import MAX_DOCUMENT_BYTES, read_document
from resolver.errors import InvalidDidDocument
from resolver.lint.rules import findings_of
from resolver.lint.subject import Finding, Severity
from resolver.results import JsonObject
from wire import JsonError, read

__all__ = ["MAX_WARNINGS", "Finding", "Severity", "in_order", "lint", "lint_bytes", "told_in", "warnings_of"]

MAX_WARNINGS = 16  # findings that go into the metadata of an answer
MAX_KEYS_PER_LOAD = 8  # keys that are decoded for them: the longest post-quantum one takes a millisecond

_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.HINT: 2}


def lint(document: JsonObject, *, now: float | None = None) -> list[Finding]:
    """
    Return all findings, the gravest first, then in the order of the rules.

    Args:
        document: a JSON object as it was received; nothing about its shape is taken for granted.
        now: seconds since 1970, to tell which keys have expired; None: that is not looked at.
    """
    return in_order(findings_of(document, now=now))


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the gravest first, each once."""
    return sorted(dict.fromkeys(findings), key=lambda finding: _ORDER[finding.severity])


def told_in(resolution_metadata: JsonObject) -> list[Finding]:
    """Return the warnings of a resolution that a look at its document need not find: of what is no longer in it."""
    warnings = resolution_metadata.get("warnings", [])
    return [msgspec.convert(warning, Finding) for warning in warnings if "pointer" in warning]


def lint_bytes(body: bytes, *, now: float | None = None) -> list[Finding]:
    """
    Return all findings about a document as it is served, its JSON and its shape included.

    A document that `read_document` refuses for a reason that no rule has found gets the finding "refused".
    """
    try:
        document = read(body, max_bytes=MAX_DOCUMENT_BYTES)
    except JsonError as error:
        return [_refusal("not-json", f"not acceptable JSON: {error}", error.pointer)]
    if not isinstance(document, dict):
        return [_refusal("not-json", "not a JSON object")]
    findings = lint(document, now=now)
    if not any(finding.severity is Severity.ERROR for finding in findings):
        findings = [*_refusals(body, document), *findings]
    return findings


def warnings_of(
    document: JsonObject, *, now: float | None = None, told: Sequence[JsonObject] = ()
) -> list[JsonObject]:
    """
    Return the errors and warnings about a document that was accepted, for didResolutionMetadata.

    At most `MAX_WARNINGS`; meant to run once per load: at most `MAX_KEYS_PER_LOAD` keys are decoded.

    Args:
        told: warnings that come first: of how it was served, and of what was left out of it.
    """
    found = findings_of(document, now=now, max_keys=MAX_KEYS_PER_LOAD, is_accepted=True)
    grave = (finding for finding in found if finding.severity is not Severity.HINT)
    return list(
        islice((*told, *(finding.as_json() for finding in islice(grave, MAX_WARNINGS))), MAX_WARNINGS)
    )


def _refusals(body: bytes, document: JsonObject) -> Iterator[Finding]:
    try:
        read_document(body, document["id"])
    except InvalidDidDocument as error:
        yield _refusal("refused", f"resolvers refuse this document: {error.detail}")


def _refusal(code: str, detail: str, pointer: str = "") -> Finding:
    advice = "publish a JSON object of DID v1.1, as UTF-8, without duplicate members"
    return Finding(code, pointer, Severity.ERROR, detail, advice)
