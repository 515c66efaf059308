"""
The registry for its operators: every grant with its standing, and all that is said of one entity. Pure.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from registry.asking.trqp_answers import describe_standing
from registry.errors import IdentifierNotFound
from registry.identifiers import canonical_identifier
from registry.items import AuthorityItem, EntityItem, item_of
from registry.known import Known, Revision
from registry.model import Entity, Grant, Kind, Phase, standing_at
from wire import BadRequest, format_exact

_CURSOR = re.compile(r"(authorization|recognition)/[a-z0-9-]{1,64}")
MAX_PAGE = 500  # grants; a page takes some 10 ms


class GrantRow(msgspec.Struct, frozen=True):
    """
    A grant and what it is now; times are RFC 3339 in UTC.

    `message` says why in words, as the answer to a TRQP query does. `authority` and `entity` are the first
    identifiers of the two.
    """

    id: str
    kind: Kind
    authority_id: str
    authority: str
    entity_id: str
    entity: str
    action: str
    resource: str
    valid_from: str
    valid_until: str | None
    phase: Phase
    message: str
    revision: int


class GrantPage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Some grants; `next`, where there are more: the `after` of the next page, which survives edits."""

    grants: tuple[GrantRow, ...]
    next: str | None = None


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """
    All that the registry says of one entity.

    Attributes:
        authority: what it answers for, where it is an authority too.
        received: what others granted to it.
    """

    id: str
    entity: EntityItem
    received: tuple[GrantRow, ...]
    authority: AuthorityItem | None = None


def page_of(known: Known, after: str, limit: int, now: int) -> GrantPage:
    """
    Return at most `limit` grants beyond the cursor `after`, authorizations first, and what they are `now`.

    Raises:
        BadRequest: `after` is no cursor.
    """
    if after and not _CURSOR.fullmatch(after):
        raise BadRequest("after: expected `next` of the page before")
    found = list(islice(_grants_after(known, after), limit + 1))
    rows = tuple(_row(known, each, now) for each in found[:limit])
    more = len(found) > limit
    return GrantPage(rows, next=f"{rows[-1].kind}/{rows[-1].id}" if more else None)


def show(known: Known, identifier: str, now: int) -> Profile:
    """
    Return all that is said of an entity, with standings at `now`.

    Raises:
        IdentifierNotFound: there is none of that id or identifier.
    """
    entity = _entity(known, identifier)
    authority = known.authority(entity.id)
    item, role = item_of(entity), None if authority is None else item_of(authority.fact)
    assert isinstance(item, EntityItem)
    assert role is None or isinstance(role, AuthorityItem)
    return Profile(entity.id, item, _rows(known, known.grants_to(entity.id), now), role)


def _entity(known: Known, identifier: str) -> Entity:
    if (found := known.entity(identifier)) is not None:
        return found.fact
    try:
        named = known.entities_named(canonical_identifier(identifier))
    except ValueError:
        named = ()
    if not named:
        raise IdentifierNotFound("no entity of the registry has this id or identifier")
    return named[-1].fact


def _grants_after(known: Known, after: str) -> Iterator[Revision[Grant]]:
    kind, _, fact_id = after.partition("/")
    if kind != "recognition":
        yield from known.all("authorization", after=fact_id)  # type: ignore[misc]
        fact_id = ""
    yield from known.all("recognition", after=fact_id)  # type: ignore[misc]


def _rows(known: Known, grants: Iterable[Revision[Grant]], now: int) -> tuple[GrantRow, ...]:
    return tuple(_row(known, each, now) for each in grants)


def _row(known: Known, found: Revision[Grant], now: int) -> GrantRow:
    grant = found.fact
    standing = standing_at(grant, now)
    return GrantRow(
        id=grant.id,
        kind=grant.kind,
        authority_id=grant.authority_id,
        authority=_name(known, grant.authority_id),
        entity_id=grant.entity_id,
        entity=_name(known, grant.entity_id),
        action=grant.action,
        resource=grant.resource,
        valid_from=format_exact(grant.valid_from),
        valid_until=format_exact(grant.valid_until) if grant.valid_until is not None else None,
        phase=standing.phase,
        message=describe_standing(standing),
        revision=found.number,
    )


def _name(known: Known, entity_id: str) -> str:
    found = known.entity(entity_id)
    return entity_id if found is None else found.fact.identifiers[0].value
