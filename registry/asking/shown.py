"""
Entities and authorities as anybody may see them. Pure.

What is for operators alone is left out: when a review is due.
"""

from typing import TypeVar

import msgspec

from registry.items import AuthorityItem, EntityItem, item_of
from registry.model import Authority, Entity, Link, LocalisedText, Logo, covers
from wire.language import choose_language

T = TypeVar("T", EntityItem, AuthorityItem)


class NamedEntity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    An entity in a few words.

    Attributes:
        id: the registry's, which never changes.
        name: in the language that was asked for (Accept-Language); `language` says which it is.
        names: all of them, by language.
        identifiers: those that it has at the time asked about.
    """

    id: str
    name: str
    language: str
    names: LocalisedText
    identifiers: tuple[str, ...]
    description: LocalisedText = {}
    logo: Logo | None = None
    links: tuple[Link, ...] = ()


def shown(entity: Entity, at: int, accept_language: str | None) -> NamedEntity:
    """Return an entity as it is shown at a time."""
    language = choose_language(accept_language, entity.names)
    return NamedEntity(
        id=entity.id,
        name=entity.names[language],
        language=language,
        names=entity.names,
        identifiers=tuple(
            each.value for each in entity.identifiers if covers(each.valid_from, each.valid_until, at)
        ),
        description=entity.description,
        logo=entity.logo,
        links=entity.links,
    )


def whole_entity(entity: Entity) -> EntityItem:
    """Return all that is told of an entity: its identifiers of all times too."""
    return _public(item_of(entity), EntityItem)


def whole_authority(authority: Authority) -> AuthorityItem:
    """Return all that is told of an authority."""
    return _public(item_of(authority), AuthorityItem)


def _public(item: object, kind: type[T]) -> T:
    assert isinstance(item, kind)
    return msgspec.structs.replace(item, review_due=None)
