"""
The rules of the document linter in their order; `findings_of` asks each. Pure.

Decentralized Identifiers v1.1 and Controlled Identifiers v1.0 (CID), section 2. A rule takes any JSON: what has
another shape than it expects is passed over, since another rule, or the reading of documents, speaks of shapes.
"""

from collections.abc import Callable, Iterator

from resolver.did import is_did
from resolver.lint.key_rules import dates, keys, private_keys, types
from resolver.lint.omissions import omissions
from resolver.lint.reference_rules import (
    controllers,
    dangling_references,
    duplicate_ids,
    relative_ids,
    unused_methods,
)
from resolver.lint.subject import Finding, Severity, Subject, subject_of
from resolver.lint.term_rules import contexts, legacy_members, service_types, terms
from resolver.results import JsonObject

Rule = Callable[[Subject], Iterator[Finding]]
_WHAT_IS_NONE = ": did:<method>:<identifier> in the characters of DID v1.1, without path, query or fragment"


def findings_of(
    document: JsonObject,
    *,
    now: float | None = None,
    max_keys: int | None = None,
    is_accepted: bool = False,
) -> Iterator[Finding]:
    """
    Yield the findings of every rule; at most `max_keys` keys are decoded.

    `is_accepted` tells that `read_document` has accepted the document: then less has to be asked.
    """
    did = document.get("id")
    if not isinstance(did, str) or not is_did(did):
        detail = "the document has no DID as its id" + _WHAT_IS_NONE * isinstance(did, str)
        yield Finding("no-did", "/id", Severity.ERROR, detail, "set id to the DID")
        return
    subject = subject_of(document, did, now=now, max_keys=max_keys)
    for rule in RULES_FOR_ACCEPTED if is_accepted else RULES:
        yield from rule(subject)


def _omissions(subject: Subject) -> Iterator[Finding]:
    """What resolvers here leave out of the document, and others refuse it for."""
    yield from omissions(subject.document)


# In the order of gravity: what is bounded in number keeps the first.
RULES: tuple[Rule, ...] = (
    private_keys,
    duplicate_ids,
    dangling_references,
    keys,
    dates,
    legacy_members,
    controllers,
    _omissions,
    types,
    contexts,
    terms,
    service_types,
    relative_ids,
    unused_methods,
)
# Those that can still find something in a document that `read_document` accepted, and worse than a hint.
RULES_FOR_ACCEPTED = tuple(
    rule
    for rule in RULES
    if rule not in (private_keys, duplicate_ids, _omissions, service_types, unused_methods)
)
