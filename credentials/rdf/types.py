"""
Several types of one object, whose contexts are added up. Pure.

A type may bring a context for its object (JSON-LD 1.1, section 4.1.8), and several types bring theirs one after the
other, in the order of their names. pyoxigraph 0.5 takes the last of them only. So an object with several is given
one type more, which comes last: it means what the last one means, and its context is that of all.
"""

from typing import Any

from credentials.rdf.terms import literal_terms
from proofs import JsonObject

_LAST = "\U0010ffff"  # after every other name, as both we and pyoxigraph sort


def with_contexts_added_up(document: JsonObject, context: list[Any]) -> tuple[JsonObject, list[Any]]:
    """Return a document and its contexts, so written that they mean to pyoxigraph what they mean."""
    scoped = _scoped(context)
    sums: JsonObject = {}
    changed = _changed(document, scoped, literal_terms(context), sums)
    return changed, [*context, sums] if sums else context


def _scoped(context: list[Any]) -> JsonObject:
    """Return the contexts that terms bring."""
    terms = {name: definition for each in context for name, definition in each.items()}
    return {
        name: definition["@context"]
        for name, definition in terms.items()
        if isinstance(definition, dict) and "@context" in definition
    }


def _changed(value: Any, scoped: JsonObject, literals: frozenset[str], sums: JsonObject) -> Any:
    if isinstance(value, list):
        return [_changed(each, scoped, literals, sums) for each in value]
    if not isinstance(value, dict):
        return value
    changed = {
        name: member if name in literals else _changed(member, scoped, literals, sums)
        for name, member in value.items()
    }
    types = value.get("type")
    named = types if isinstance(types, list) else []
    bringing = sorted({name for name in named if isinstance(name, str) and name in scoped})
    if len(bringing) > 1:
        term = _LAST + " ".join(bringing)
        sums[term] = {"@id": bringing[-1], "@context": _flat([scoped[name] for name in bringing])}
        changed["type"] = [*changed["type"], term]
    return changed


def _flat(contexts: list[Any]) -> list[Any]:
    return [each for context in contexts for each in (context if isinstance(context, list) else [context])]
