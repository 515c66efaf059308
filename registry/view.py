"""
The registry in memory, immutable, indexed for queries. Pure.

`(kind, authority, action, resource) -> entity -> grants`: two lookups for a question, and an edit replaces
only the inner maps that it touches. A view is swapped whole; whoever holds one sees no change.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from registry.model import Authority, Entity, Facts, Grant, Kind

Question: TypeAlias = tuple[str, str, str, str]  # kind, authority_id, action, resource


class View(msgspec.Struct, frozen=True):
    """
    What a registry says at one version.

    Attributes:
        version: the version of the rows that it was built from; 0: an empty registry.
        defined: for each authority its (action, resource) pairs.
        grants: by question and entity, oldest window first.
    """

    version: int
    facts: Facts
    authorities: Mapping[str, Authority]
    entities: Mapping[str, Entity]
    defined: Mapping[str, frozenset[tuple[str, str]]]
    grants: Mapping[Question, Mapping[str, tuple[Grant, ...]]]

    def grants_of(
        self, kind: Kind, authority_id: str, action: str, resource: str, entity_id: str
    ) -> tuple[Grant, ...]:
        """Return the grants that one question is about, oldest window first; none overlaps an earlier one."""
        return self.grants.get((kind, authority_id, action, resource), {}).get(entity_id, ())


def build_view(facts: Facts, version: int) -> View:
    """Return the view of `facts`, which have been checked (`imports/meaning.py`)."""
    return View(
        version=version,
        facts=facts,
        authorities={authority.id: authority for authority in facts.authorities},
        entities={entity.id: entity for entity in facts.entities},
        defined={
            authority.id: frozenset((each.action, each.resource) for each in authority.defines)
            for authority in facts.authorities
        },
        grants=_by_question(facts.grants),
    )


def _by_question(grants: tuple[Grant, ...]) -> dict[Question, dict[str, tuple[Grant, ...]]]:
    index: defaultdict[Question, dict[str, tuple[Grant, ...]]] = defaultdict(dict)
    for grant in sorted(grants, key=lambda each: each.valid_from):
        by_entity = index[grant.kind, grant.authority_id, grant.action, grant.resource]
        by_entity[grant.entity_id] = (*by_entity.get(grant.entity_id, ()), grant)
    return dict(index)


EMPTY_VIEW = build_view(Facts(), version=0)
