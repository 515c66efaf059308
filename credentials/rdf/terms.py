"""
What the terms of contexts are like, wherever in a context they are defined. Pure.
"""

from collections.abc import Callable, Iterator
from typing import Any

from proofs import JsonObject


def literal_terms(context: Any) -> frozenset[str]:
    """Return the terms whose values are JSON, and no objects (JSON-LD 1.1, section 4.2.2)."""
    return _terms(context, lambda definition: definition.get("@type") == "@json")


def graph_terms(context: Any) -> frozenset[str]:
    """Return the terms whose values are graphs of their own (JSON-LD 1.1, section 4.9)."""
    return _terms(context, lambda definition: "@graph" in definition.get("@container", ()))


def _terms(context: Any, is_meant: Callable[[JsonObject], bool]) -> frozenset[str]:
    return frozenset(name for name, definition in _definitions(context) if is_meant(definition))


def _definitions(context: Any) -> Iterator[tuple[str, JsonObject]]:
    for each in context if isinstance(context, list) else [context]:
        for name, definition in each.items() if isinstance(each, dict) else ():
            if isinstance(definition, dict):
                yield name, definition
                yield from _definitions(definition.get("@context"))
