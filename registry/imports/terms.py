"""
What an operator says of a file from elsewhere: in whose name it grants, and what it means by it. Pure.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from registry.items import EntityItem, GrantItem, Reference, Word
from registry.placed import Placed
from wire import format_exact


class Right(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What whoever is listed may do."""

    action: Word
    resource: Word


Since: TypeAlias = Callable[[str, Right], int]
"""When a grant of a right to an identifier began, where the file does not say it; microseconds since 1970."""


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    What being listed means where a file has entities alone.

    Attributes:
        authority_id: who grants it.
        rights: what each entity of the file may do.
    """

    authority_id: Reference
    rights: tuple[Right, ...]


def granted(entity: EntityItem, pointer: str, terms: Terms, since: Since) -> Iterator[Placed]:
    """Yield an entity and the grants that the terms give it."""
    yield Placed("entity", entity, pointer)
    first = entity.identifiers[0].value
    for right in terms.rights:
        grant = GrantItem(
            authority_id=terms.authority_id,
            entity_id=first,
            action=right.action,
            resource=right.resource,
            valid_from=format_exact(since(first, right)),
        )
        yield Placed("authorization", grant, pointer)
