"""
Rules of the document linter about JSON-LD: contexts, and terms that none of them defines. Pure.

Decentralized Identifiers v1.1, section 6.
"""

from collections.abc import Iterator

from resolver.documents.members import DID_V1, DID_V1_1
from resolver.lint.subject import Finding, Part, Severity, Subject, child, name_of, types_of
from resolver.lint.terms import CONTEXTS, MAX_INNER_BYTES, Terms, terms_in, terms_of
from resolver.results import JsonObject
from wire import encode


def legacy_members(subject: Subject) -> Iterator[Finding]:
    if "publicKey" in subject.document:
        detail, advice = "publicKey was dropped before DID v1.0", "move its items to verificationMethod"
        yield Finding("legacy-public-key", "/publicKey", Severity.WARNING, detail, advice)


def contexts(subject: Subject) -> Iterator[Finding]:
    """DID v1.1, section 6 (`@context`): the first is that of DIDs; the others define what else is used."""
    context = subject.document.get("@context")
    if context is None:
        detail, advice = (
            "there is no @context: JSON-LD software reads nothing",
            f"begin @context with {DID_V1_1}",
        )
        yield Finding("no-context", "", Severity.HINT, detail, advice)
        return
    first = context[0] if isinstance(context, list) and context else context
    if first not in (DID_V1, DID_V1_1):
        detail, advice = "the first context is not that of DID documents", f"begin @context with {DID_V1_1}"
        yield Finding("context-order", "/@context", Severity.WARNING, detail, advice)
    yield from _unknown_contexts("", terms_of(context))


def _unknown_contexts(pointer: str, terms: Terms) -> Iterator[Finding]:
    for position in terms.unknown:
        detail = "a context that is not known here: its terms, and all others, were not checked"
        where, advice = f"{pointer}/@context/{position}", "make sure it is fixed"
        yield Finding("unknown-context", where, Severity.HINT, detail, advice)


def terms(subject: Subject) -> Iterator[Finding]:
    """
    Terms without a definition: JSON-LD software drops them without a word, or refuses the document.

    Of services of did:peer:2 nothing is said: the method settles the contexts, and nobody can add one.
    """
    if (context := subject.document.get("@context")) is None:
        return
    yield from _undefined_members("", subject.document, terms_of(context))
    inner = list(_terms_of_parts(subject))
    for part, defined in inner:
        yield from _undefined_members(part.pointer, part.value, defined)
        if "@context" in part.value:
            yield from _unknown_contexts(part.pointer, defined)
    for part, defined in inner:
        if part.member != "service":
            yield from _undefined_types(part, defined, Severity.WARNING)


def service_types(subject: Subject) -> Iterator[Finding]:
    """Types of services without a definition: most have none, and readers go by the word."""
    for part, defined in _terms_of_parts(subject):
        if part.member == "service":
            yield from _undefined_types(part, defined, Severity.HINT)


def _terms_of_parts(subject: Subject) -> Iterator[tuple[Part, Terms]]:
    """Yield methods and services with the terms defined in them; none where the document has no `@context`."""
    if (context := subject.document.get("@context")) is None:
        return
    terms = terms_of(context)
    parts = subject.methods if subject.did.startswith("did:peer:2") else subject.parts
    if sum(len(encode(part.value.get("@context"))) for part in parts) <= MAX_INNER_BYTES:
        yield from ((part, terms_in(part.value, part.member, terms)) for part in parts)


def _undefined_members(pointer: str, found: JsonObject, terms: Terms) -> Iterator[Finding]:
    kinds = types_of(found)
    for member in found:
        if terms.defines(member, kinds) or (member == "publicKey" and not pointer):
            continue  # Of publicKey a rule of its own speaks.
        detail, where = f"no context defines {name_of(member)} here", child(pointer, member)
        yield Finding("undefined-term", where, Severity.WARNING, detail, _context_for(member, kinds))


def _undefined_types(part: Part, terms: Terms, severity: Severity) -> Iterator[Finding]:
    for kind in types_of(part.value):
        if not terms.defines_type(kind):
            detail, advice = f"no context defines the type {name_of(kind)}", _context_for(kind, [kind])
            yield Finding("undefined-type", f"{part.pointer}/type", severity, detail, advice)


def _context_for(term: str, kinds: list[str]) -> str:
    """Return the advice to add a context that defines `term` in a map of these types, where we know one."""
    for url, terms in CONTEXTS.items():
        is_extension = "verificationMethod" not in terms.anywhere
        if is_extension and not terms.by_type.keys().isdisjoint(kinds) and terms.defines(term, kinds):
            return f"add {url} to @context"
    return "add a context that defines it to @context, or take it out"
