"""
Rules of the document linter about what refers to what: ids, references, controllers, methods without a use. Pure.

Decentralized Identifiers v1.1 and Controlled Identifiers v1.0 (CID), sections 2 and 3.3.
"""

from collections.abc import Iterator

from resolver.documents.document import are_equal
from resolver.lint.subject import Finding, Part, Severity, Subject, did_of


def duplicate_ids(subject: Subject) -> Iterator[Finding]:
    """CID, sections 2.1.4 and 2.2; one and the same method may be embedded in several properties."""
    for things in (subject.methods, subject.services):
        first: dict[str, Part] = {}
        placed: set[tuple[str, str]] = set()
        for thing in things:
            if (own_id := thing.absolute_id(subject.did)) is None:
                continue
            is_again = (thing.member, own_id) in placed
            if is_again or not are_equal(thing.value, first.setdefault(own_id, thing).value, subject.did):
                detail, advice = "another one has this id, too", "give each an id of its own"
                yield Finding("duplicate-id", f"{thing.pointer}/id", Severity.ERROR, detail, advice)
            placed.add((thing.member, own_id))


def dangling_references(subject: Subject) -> Iterator[Finding]:
    """A reference below this DID to a method that is not there; those to other documents cannot be judged."""
    ids = {part.absolute_id(subject.did) for part in (*subject.methods, *subject.legacy_methods)}
    for reference in subject.references:
        target, pointer = reference.target, reference.pointer
        if target.startswith(f"{subject.did}#") and target not in ids:
            detail, advice = (
                "there is no verification method with this id",
                "add the method, or drop the reference",
            )
            yield Finding("dangling-reference", pointer, Severity.ERROR, detail, advice)
        elif ":" not in target:
            detail = "the reference is neither a DID URL nor begins with #"
            yield Finding("dangling-reference", pointer, Severity.ERROR, detail, f"write {subject.did}#...")


def controllers(subject: Subject) -> Iterator[Finding]:
    """CID, section 3.3, steps 9 and 10: a verifier refuses a method of another document."""
    for method in subject.methods:
        own_id = method.absolute_id(subject.did)
        if own_id is not None and own_id.startswith("did:") and did_of(own_id) != subject.did:
            detail, advice = "the id lies under another DID", f"write {subject.did}#..."
            yield Finding("foreign-method", f"{method.pointer}/id", Severity.WARNING, detail, advice)
        controller = method.value.get("controller")
        if controller not in (None, "", subject.did):
            detail = "the controller is not the DID of this document"
            advice = f"write {subject.did}, unless another party really controls the key"
            yield Finding(
                "foreign-controller", f"{method.pointer}/controller", Severity.WARNING, detail, advice
            )


def relative_ids(subject: Subject) -> Iterator[Finding]:
    """
    did:web, section Create: DID URLs in the document are absolute; not all software makes them so.

    did:peer demands relative ones.
    """
    if subject.did.startswith("did:peer:"):
        return
    for thing in (*subject.methods, *subject.services):
        own_id = thing.value.get("id")
        if isinstance(own_id, str) and ":" not in own_id.partition("#")[0]:
            yield _relative(f"{thing.pointer}/id", subject.did)
    for reference in subject.references:
        if reference.text != reference.target:
            yield _relative(reference.pointer, subject.did)


def _relative(pointer: str, did: str) -> Finding:
    detail, advice = "relative: not all software makes it absolute", f"write {did}#..."
    return Finding("relative-id", pointer, Severity.WARNING, detail, advice)


def unused_methods(subject: Subject) -> Iterator[Finding]:
    used: set[str | None] = {reference.target for reference in subject.references}
    used |= {method.absolute_id(subject.did) for method in subject.methods if method.relationship}
    for method in subject.methods:
        if not method.relationship and method.absolute_id(subject.did) not in used:
            detail, advice = (
                "the key serves no purpose",
                "refer to it from assertionMethod, authentication, ...",
            )
            yield Finding("unused-method", method.pointer, Severity.HINT, detail, advice)
