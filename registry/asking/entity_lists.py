"""
Lists of entities, as the Ayra profile pages through them: by offset, with the number of all. Pure.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec
from msgspec import UNSET

from registry.asking.naming import (
    authorities,
    identifier_at,
    is_authority,
    known_as,
    text_in_english,
)
from registry.asking.standing import Asked, authority_named, find
from registry.ayra import EntitySummary
from registry.errors import TooManyToList
from registry.identifiers import as_registered
from registry.known import Known
from registry.model import Authority, Entity, Grant, Kind, covers, defined_at

MAX_LOOKED_AT = 50_000  # entities or grants, for one list; to look at them takes some two seconds

T = TypeVar("T")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """
    Which entities to list: all; those to which an authority granted something; or only one thing.

    Attributes:
        pair: action and resource.
    """

    authority_id: str | None = None
    pair: tuple[str, str] | None = None


def candidates(known: Known, wanted: Wanted, at: int) -> list[Entity] | list[Grant]:
    """
    Return what has to be looked at to know which entities are wanted at a time.

    Raises:
        AuthorityNotFound: there is no such authority at that time.
        TooManyToList: more than `MAX_LOOKED_AT`.
    """
    if wanted.authority_id is None and wanted.pair is None:
        everybody = (each.fact for each in known.all("entity"))
        return [each for each in _bounded(everybody) if isinstance(each, Entity)]
    if wanted.authority_id is None:
        asked = list(authorities(known, at))
    else:
        asked = [authority_named(known, as_registered(wanted.authority_id), at).fact]
    return list(granted_by(known, "authorization", asked, wanted.pair, at))


def listed(known: Known, found: list[Entity] | list[Grant], at: int) -> list[str]:
    """Return the ids, in order, of the candidates that are there at a time, or of who has what was granted."""
    return sorted(
        {
            each.id if isinstance(each, Entity) else each.entity_id
            for each in found
            if (_is_there(each, at) if isinstance(each, Entity) else _is_in_force(known, each, at))
        }
    )


def summary(known: Known, entity_id: str, authority_id: str | None, at: int) -> EntitySummary:
    """Return one of the entities that `listed` returned for that time."""
    entity = known.entity(entity_id)
    assert entity is not None, "what is known at one time does not change"
    return EntitySummary(
        entity_id=identifier_at(entity.fact, at) or entity_id,
        name=text_in_english(entity.fact.names),
        type="authority" if is_authority(known, entity.fact, at) else "entity",
        authority_id=UNSET if authority_id is None else authority_id,
    )


def granted_by(
    known: Known, kind: Kind, asked: Iterable[Authority], pair: tuple[str, str] | None, at: int
) -> Iterator[Grant]:
    """
    Yield all grants of authorities on what they define then, or on one pair of that, ended ones too.

    Raises:
        TooManyToList: more than `MAX_LOOKED_AT`.
    """
    yield from _bounded(
        found.fact
        for authority in asked
        for each in defined_at(authority, at)
        if pair in (None, (each.action, each.resource))
        for found in known.granted(kind, authority.id, each.action, each.resource)
    )


def _is_in_force(known: Known, grant: Grant, at: int) -> bool:
    """Tell whether the question that a grant is about is answered with yes."""
    authority = known_as(known, grant.authority_id, at)
    entity = known_as(known, grant.entity_id, at)
    if authority is None or entity is None:
        return False
    asked = Asked(
        kind=grant.kind,
        authority=authority,
        entity=entity,
        action=grant.action,
        resource=grant.resource,
        at=at,
    )
    return find(known, asked).decision == "yes"


def _is_there(entity: Entity, at: int) -> bool:
    return covers(entity.valid_from, entity.valid_until, at) and identifier_at(entity, at) is not None


def _bounded(found: Iterable[T]) -> Iterator[T]:
    for count, each in enumerate(found):
        if count == MAX_LOOKED_AT:
            raise TooManyToList(
                f"there are more than {MAX_LOOKED_AT} to look at; ask about one authority, action and resource"
            )
        yield each
