"""
The registry for its operators: every grant with its standing, and all that is said of one identifier. Pure.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from registry.errors import IdentifierNotFound
from registry.model import Authority, Entity, Grant, Kind, Phase, standing_at
from registry.query import describe
from registry.view import View
from wire import format_utc

MAX_PAGE = 500  # grants; a page takes some 5 ms


class GrantRow(msgspec.Struct, frozen=True):
    """
    A grant and what it is now; times are RFC 3339 in UTC.

    `message` says why in words, as the answer to a TRQP query does.
    """

    kind: Kind
    authority_id: str
    entity_id: str
    action: str
    resource: str
    valid_from: str
    valid_until: str | None
    phase: Phase
    message: str


class GrantPage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Some grants of one version of the registry; `next`, where there are more: the `after` of the next page."""

    version: int
    grants: tuple[GrantRow, ...]
    next: int | None = None


class Profile(msgspec.Struct, frozen=True):
    """
    All that the registry says of one identifier.

    Attributes:
        details: what it is: names, and an authority's framework and definitions.
        granted: what it granted to others, as an authority.
        received: what others granted to it.
    """

    id: str
    role: Literal["authority", "entity"]
    details: Authority | Entity
    granted: tuple[GrantRow, ...]
    received: tuple[GrantRow, ...]


def page_of(version: int, grants: Sequence[Grant], after: int, limit: int, now: int) -> GrantPage:
    """Return at most `limit` of the grants (`in_order`) beyond the first `after`, with their standing at `now`."""
    end = after + limit
    shown = tuple(_row(grant, now) for grant in grants[after:end])
    return GrantPage(version=version, grants=shown, next=end if end < len(grants) else None)


def in_order(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """Return grants as they are listed: authorizations first, then by what they are about."""
    return tuple(sorted(grants, key=_order))


def show(view: View, identifier: str, now: int) -> Profile:
    """
    Return all that `view` says of an authority or entity, with standings at `now`.

    Raises:
        IdentifierNotFound: it is neither.
    """
    details = view.authorities.get(identifier) or view.entities.get(identifier)
    if details is None:
        raise IdentifierNotFound("neither an authority nor an entity of the registry has this identifier")
    grants = view.facts.grants
    return Profile(
        id=identifier,
        role="authority" if isinstance(details, Authority) else "entity",
        details=details,
        granted=_rows((grant for grant in grants if grant.authority_id == identifier), now),
        received=_rows((grant for grant in grants if grant.entity_id == identifier), now),
    )


def _rows(grants: Iterable[Grant], now: int) -> tuple[GrantRow, ...]:
    return tuple(_row(grant, now) for grant in in_order(grants))


def _order(grant: Grant) -> tuple[str, str, str, str, str, int]:
    about = (grant.kind, grant.authority_id, grant.action, grant.resource)
    return (*about, grant.entity_id, grant.valid_from)


def _row(grant: Grant, now: int) -> GrantRow:
    standing = standing_at(grant, now)
    return GrantRow(
        kind=grant.kind,
        authority_id=grant.authority_id,
        entity_id=grant.entity_id,
        action=grant.action,
        resource=grant.resource,
        valid_from=format_utc(grant.valid_from),
        valid_until=format_utc(grant.valid_until) if grant.valid_until is not None else None,
        phase=standing.phase,
        message=describe(standing),
    )
