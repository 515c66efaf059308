"""
What a document may look like so that its RDF says all that its JSON says, and says it in one way. Pure.

A signature with `rdfc` is over statements, not over JSON. Who reads JSON may be shown the same statements in other
words: `credentialStatus` under its full IRI, or under a name that a context of the presenter's own gives it, and a
revoked credential would seem to have no status. So what we read has only the plain form: contexts that we know, and
terms of theirs as names (VCDM 2.0, section 6.1, has the compacted form; vc-data-integrity, section 2.4.1, has the
contexts checked).
"""

from typing import Any

from credentials.rdf.contexts import Contexts
from credentials.rdf.terms import graph_terms
from proofs import JsonObject, TransformationFailed, UnsupportedCryptosuite
from proofs.canonical import MAX_SAFE_INTEGER

_VALUE_MEMBERS = frozenset({"@value", "@language"})  # `@direction` leaves no trace in RDF


def check_writing(document: JsonObject, context: list[Any]) -> None:
    """
    Refuse a document in which something would vanish in RDF, or which says things in other than plain words.

    Args:
        context: the contexts themselves; `@context` of the document is not looked at.

    Raises:
        TransformationFailed: null, an empty array, or a graph with no statement, which leave nothing; or a number
            that has no one form.
        UnsupportedCryptosuite: a name, or a type, that is no term; a keyword; a label of a blank node; a context
            within.
    """
    members = {name: value for name, value in document.items() if name != "@context"}
    _check_object(members, graph_terms(context))


def known_context(document: JsonObject, contexts: Contexts) -> list[Any]:
    """
    Return the contexts of a document themselves, in the place of their URLs.

    Raises:
        UnsupportedCryptosuite: one that we do not know, or one that stands in the document.
    """
    named = document.get("@context")
    found = [_known(url, contexts) for url in (named if isinstance(named, list) else [named])]
    return [each for context in found for each in (context if isinstance(context, list) else [context])]


def _known(url: object, contexts: Contexts) -> Any:
    if not isinstance(url, str):
        raise UnsupportedCryptosuite(
            "expected contexts by their URLs: one in the document is its presenter's, and not signed",
            pointer="/@context",
        )
    if url not in contexts:
        raise UnsupportedCryptosuite(
            f"the context {url[:200]} is not among those known here, and none is fetched", pointer="/@context"
        )
    return contexts[url]


def _check(value: object, graphs: frozenset[str]) -> None:
    if isinstance(value, dict):
        _check_object(value, graphs)
    elif isinstance(value, list):
        if not value:
            raise TransformationFailed("an empty array is not signed by a suite with rdfc in its name")
        for item in value:
            if isinstance(item, list):
                raise UnsupportedCryptosuite("an array in an array is not read here: RDF knows no such thing")
            _check(item, graphs)
    elif value is None:
        raise TransformationFailed("null is not signed by a suite with rdfc in its name")
    elif isinstance(value, int | float) and abs(value) > MAX_SAFE_INTEGER:
        raise TransformationFailed("expected numbers within 2^53")
    elif isinstance(value, str) and value.startswith("_:"):
        raise UnsupportedCryptosuite("labels of blank nodes (_:) are not read here")


def _check_object(members: JsonObject, graphs: frozenset[str]) -> None:
    if "@value" in members:
        _check_literal(members)
        return
    for name, value in members.items():
        if ":" in name or name.startswith("@"):
            raise UnsupportedCryptosuite(f"expected terms of the contexts as names, found {name[:80]!r}")
        _check(value, graphs)
        if name in graphs:
            _check_graph(value)
    types = members.get("type")
    if any(":" in each for each in (types if isinstance(types, list) else [types]) if isinstance(each, str)):
        raise UnsupportedCryptosuite("expected terms of the contexts as types, found an IRI")


def _check_graph(value: object) -> None:
    """In a graph only statements leave something: what names a node says nothing of it."""
    for node in value if isinstance(value, list) else [value]:
        if not isinstance(node, dict) or "@value" in node or not node.keys() - {"id"}:
            raise TransformationFailed(
                "a graph without statements is not signed by a suite with rdfc in its name"
            )


def _check_literal(members: JsonObject) -> None:
    if not _VALUE_MEMBERS.issuperset(members) or not all(isinstance(each, str) for each in members.values()):
        raise UnsupportedCryptosuite("expected @value and @language, strings, and nothing beside them")
