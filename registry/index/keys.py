"""
What each fact is found by: keys, words of names, what entities were granted, and dates to come. Pure.

A key is 64 bits of digests, so that it is small and of one size. Two things may share one, be it that somebody
wants so; whoever reads compares the fact that was found with what was asked for. Half of a grant's key is of its
entity, and half of what it is about, so that all grants to an entity lie side by side.
"""

import hashlib
from collections.abc import Iterator
from functools import lru_cache

from registry.folding import words_of
from registry.looks import looks_of
from registry.model import Authority, Delegation, Entity, Fact, Grant

_HALF = 2**32


def key(use: str, *parts: str) -> int:
    """
    Return the key of some texts.

    Args:
        use: "named" (an identifier), "ski", "looks", "called" (a resource), "delegated" (ids of authority and
            delegate), or "asked" (kind, ids of authority and entity, action, resource).
    """
    if use == "asked":
        kind, authority_id, entity_id, action, resource = parts
        return keys_of_grants_to(entity_id)[0] + _of_question(kind, authority_id, action, resource)
    return int.from_bytes(_digest(use, *parts), "big", signed=True)


@lru_cache(maxsize=1_024)  # an entity's grants are told one after another
def keys_of_grants_to(entity_id: str) -> tuple[int, int]:
    """Return the lowest and the highest key that a grant to an entity may have."""
    lowest = int.from_bytes(_digest("to", entity_id)[:4], "big", signed=True) * _HALF
    return lowest, lowest + _HALF - 1


@lru_cache(maxsize=1_024)  # many entities are granted the same
def granted_key(kind: str, authority_id: str, action: str, resource: str) -> int:
    """Return the key of all that was granted in an authority's name on one action and resource."""
    return int.from_bytes(_digest("granted", kind, authority_id, action, resource), "big", signed=True)


@lru_cache(maxsize=1_024)
def _of_question(*about: str) -> int:
    return int.from_bytes(_digest("asked", *about)[:4], "big")


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()


def keys_of(fact: Fact) -> Iterator[int]:
    """Yield the keys of a fact."""
    if isinstance(fact, Entity):
        for identifier in fact.identifiers:
            yield key("named", identifier.value)
            if identifier.ski is not None:
                yield key("ski", identifier.ski)
        for look in looks_of(fact):
            yield key("looks", look)
    elif isinstance(fact, Grant):
        yield key("asked", fact.kind, fact.authority_id, fact.entity_id, fact.action, fact.resource)
    elif isinstance(fact, Delegation):
        yield key("delegated", fact.authority_id, fact.delegate_id)
    elif isinstance(fact, Authority):
        names = {each.resource for each in fact.defines}
        for resource in fact.resources:
            names.update(resource.types, resource.vcts, resource.doc_types)
        for name in names:
            yield key("called", name)


def words_for(fact: Fact) -> list[str]:
    """Return the words by which people find a fact."""
    return words_of(*fact.names.values()) if isinstance(fact, Entity) else []


def found_under(fact: Fact) -> Iterator[tuple[int, str]]:
    """
    Yield the key of what a grant is for, and the id of the entity that has it: pages of a list are in that order.

    `keys_of` has the same key: to read all such grants it is five times as fast.
    """
    if isinstance(fact, Grant):
        yield granted_key(fact.kind, fact.authority_id, fact.action, fact.resource), fact.entity_id


def dates_of(fact: Fact) -> Iterator[tuple[str, int]]:
    """Yield what is due, "review", "end" or "identifier-end", and when, in microseconds since 1970."""
    if fact.review_due is not None:
        yield "review", fact.review_due
    if fact.valid_until is not None:
        yield "end", fact.valid_until
    if isinstance(fact, Entity):
        for identifier in fact.identifiers:
            if identifier.valid_until is not None:
                yield "identifier-end", identifier.valid_until
