"""
A JSON-LD document to its canonical N-Quads, by pyoxigraph. Pure.

It may take long: `__main__` runs it. RDF Dataset Canonicalization 1.0 (W3C REC, 2024-05-21) of what the JSON-LD 1.1
API's toRdf gives. toRdf drops silently what has no meaning under the contexts, and so does pyoxigraph: a second
reading finds it. There every name and type without a meaning gets one, every relative IRI a base, and no IRI or
language is too malformed. What is there and was not in the first reading would be in nobody's signature.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pyoxigraph
from pyoxigraph import CanonicalizationAlgorithm, Dataset, RdfFormat

from credentials.rdf.alike import blank_nodes, work_to_tell_apart
from credentials.rdf.contexts import Contexts
from credentials.rdf.types import with_contexts_added_up
from credentials.rdf.writing import check_writing, known_context
from proofs import JsonObject, TransformationFailed, UnsupportedCryptosuite

MAX_BLANK_NODES = 1_000
# As `work_to_tell_apart` counts it. What is let through takes up to 40 ms: two that look alike may have five each
# that do. With six it is ten times the work, with nine 10,000 times.
MAX_WORK = 1_000_000
_ALGORITHMS = {
    "sha256": CanonicalizationAlgorithm.RDFC_1_0_SHA_256,
    "sha384": CanonicalizationAlgorithm.RDFC_1_0_SHA_384,
}
_MARK = "touchstone-no-meaning:"
_BASE = f"{_MARK}//base/"
_MEANING_FOR_ALL = {"@vocab": f"{_MARK}//name/"}

# What makes us rely on a credential, or on a proof, by not being there, or by being there once.
WEIGHTY_IN_CREDENTIALS = {
    f"https://www.w3.org/2018/credentials#{name}": name
    for name in (
        *("issuer", "credentialSubject", "credentialStatus"),
        *("validFrom", "validUntil", "issuanceDate", "expirationDate"),
    )
}
WEIGHTY_IN_PROOFS = {"https://w3id.org/security#expiration": "expires"}


def canonical_document(
    document: JsonObject, contexts: Contexts, hash_name: str, weighty: Mapping[str, str]
) -> bytes:
    """
    Return the canonical N-Quads of a document, or of a proof's options with the document's `@context`.

    Args:
        weighty: what only a member at its top may say: the IRI to its name.
        contexts: those that we know.
        hash_name: "sha256" or "sha384".

    Raises:
        TransformationFailed: it is no JSON-LD, or something in it would be dropped.
        UnsupportedCryptosuite: a context that we do not know, or not in the plain form (`writing.py`); too many
            blank nodes, or such as look alike.
    """
    context = known_context(document, contexts)
    check_writing(document, context)
    written, context = with_contexts_added_up(document, context)
    dataset = _read(written, context)
    _check_complete(dataset, _read(written, [_MEANING_FOR_ALL, *_with_meaning(context)], is_lenient=True))
    _check_weighty(dataset, document, weighty)
    _check_own_id(document)
    _check_size(dataset)
    dataset.canonicalize(_ALGORITHMS[hash_name])
    # By code point, which is the order of UTF-8 (RDFC-1.0, section 4.4.3, step 7).
    return "".join(sorted(f"{quad} .\n" for quad in dataset)).encode()


def _read(document: JsonObject, context: list[Any], *, is_lenient: bool = False) -> Dataset:
    body = msgspec.json.encode({**document, "@context": context})
    base = _BASE if is_lenient else None
    try:
        return Dataset(pyoxigraph.parse(body, format=RdfFormat.JSON_LD, base_iri=base, lenient=is_lenient))
    except (SyntaxError, ValueError) as error:
        raise TransformationFailed(f"the document is no JSON-LD 1.1: {str(error)[:160]}") from None


def _with_meaning(context: Any) -> Any:
    """Return a context that keeps the meaning for all where it would begin anew, at null."""
    if isinstance(context, list):
        return [_with_meaning(each) for each in context]
    if not isinstance(context, dict):
        return context
    return {
        name: [None, _MEANING_FOR_ALL] if name == "@context" and value is None else _with_meaning(value)
        for name, value in context.items()
    }


def _check_complete(dataset: Dataset, lenient: Dataset) -> None:
    marked = next((str(quad) for quad in lenient if _MARK in str(quad)), None)
    if marked is not None:
        lost = marked.partition(_MARK)[2].partition(">")[0].removeprefix("//name/").removeprefix("//base/")
        raise TransformationFailed(f"{lost[:80]!r} has no meaning under the contexts: it would not be signed")
    if len(dataset) != len(lenient):
        raise TransformationFailed("a name, an IRI or a language is malformed: it would not be signed")


def _check_weighty(dataset: Dataset, document: JsonObject, weighty: Mapping[str, str]) -> None:
    """What decides must be said by the members that we read, and by nothing else in the document."""
    said = Counter(weighty.get(quad.predicate.value) for quad in dataset)
    for name in weighty.values():
        value = document.get(name, [])
        if said[name] != (len(value) if isinstance(value, list) else 1):
            raise UnsupportedCryptosuite(f"{name} stands within the document too, or twice: whose is it?")


def _check_own_id(document: JsonObject) -> None:
    """
    Refuse a document of which another part has the id of the whole.

    In RDF the two are one, so that whoever presents it could move members, such as a type, from one to the other.
    """
    own = document.get("id")
    if own is not None and any(each.get("id") == own and len(each) > 1 for each in _within(document)):
        raise UnsupportedCryptosuite(
            "an object within the document has the id of the whole: whose members are they?"
        )


def _within(value: Any) -> Iterator[JsonObject]:
    """Yield every object below a value."""
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict):
            yield each
        if isinstance(each, dict | list):
            yield from _within(each)


def _check_size(dataset: Dataset) -> None:
    nodes = blank_nodes(dataset)
    if len(nodes) > MAX_BLANK_NODES:
        raise UnsupportedCryptosuite(f"expected at most {MAX_BLANK_NODES} objects without an id")
    if work_to_tell_apart(nodes) > MAX_WORK:
        raise UnsupportedCryptosuite(
            "too many objects without an id look alike: telling them apart takes too long"
        )
