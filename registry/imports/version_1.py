"""
The registry file, version 1, as releases before 0.3 wrote it: its shape, and what it says as items of today. Pure.

There an entity is its one identifier, and an authority is no entity; times are whole seconds.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from registry.items import (
    AuthorityItem,
    DefinitionItem,
    Descriptions,
    EntityItem,
    GrantItem,
    IdentifierItem,
    IdentifierText,
    LinkItem,
    Names,
    Shape,
    Text,
    Url,
    Word,
)
from registry.items import ChangeItem as ChangeOfState
from registry.placed import Placed

_END = r"$(?!\n)"
Utc: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z" + _END,
        description="A time in UTC, in whole seconds (RFC 3339).",
        examples=["2026-01-31T00:00:00Z"],
    ),
]


class Authority1(Shape, frozen=True, kw_only=True):
    """An authority; its id is a DID."""

    id: IdentifierText
    names: Names
    description: Descriptions = {}  # noqa: RUF012 (msgspec copies it)
    governance_framework: Url
    defines: Annotated[list[DefinitionItem], Meta(min_length=1)]


class Entity1(Shape, frozen=True, kw_only=True):
    """Who may be granted something."""

    id: IdentifierText
    names: Names
    url: Url | None = None


class Change1(Shape, frozen=True, kw_only=True):
    """From `since` on the grant is `state`; a grant begins as active, and `revoked` is final."""

    state: Literal["active", "suspended", "revoked"]
    since: Utc
    reason: Text | None = None


class Grant1(Shape, frozen=True, kw_only=True):
    """A grant, in force from `valid_from` up to but not at `valid_until`; no `valid_until`: no end known."""

    authority_id: IdentifierText
    entity_id: IdentifierText
    action: Word
    resource: Word
    valid_from: Utc
    valid_until: Utc | None = None
    history: list[Change1] = []  # noqa: RUF012 (msgspec copies it)


class RegistryFile1(Shape, frozen=True, kw_only=True):
    """A whole registry."""

    schema: str | None = msgspec.field(default=None, name="$schema")
    version: Literal[1]
    authorities: list[Authority1]
    entities: list[Entity1]
    authorizations: list[Grant1]
    recognitions: list[Grant1]


def placed_1(file: RegistryFile1) -> Iterator[Placed]:
    """Yield what a file says, each with its place in the file."""
    for index, authority in enumerate(file.authorities):
        yield from _authority(authority, f"/authorities/{index}")
    for index, entity in enumerate(file.entities):
        yield _entity(entity, f"/entities/{index}")
    for index, grant in enumerate(file.authorizations):
        yield Placed("authorization", _grant(grant), f"/authorizations/{index}")
    for index, grant in enumerate(file.recognitions):
        yield Placed("recognition", _grant(grant), f"/recognitions/{index}")


def _authority(authority: Authority1, pointer: str) -> Iterator[Placed]:
    entity = EntityItem(
        names=authority.names,
        identifiers=[IdentifierItem(value=authority.id)],
        description=authority.description,
    )
    yield Placed("entity", entity, pointer, {"/identifiers/0/value": "/id"})
    item = AuthorityItem(
        id=authority.id, governance_framework=authority.governance_framework, defines=authority.defines
    )
    yield Placed("authority", item, pointer)


def _entity(entity: Entity1, pointer: str) -> Placed:
    item = EntityItem(
        names=entity.names,
        identifiers=[IdentifierItem(value=entity.id)],
        links=[LinkItem(rel="home", href=entity.url)] if entity.url is not None else [],
    )
    return Placed("entity", item, pointer, {"/identifiers/0/value": "/id", "/links/0/href": "/url"})


def _grant(grant: Grant1) -> GrantItem:
    return GrantItem(
        authority_id=grant.authority_id,
        entity_id=grant.entity_id,
        action=grant.action,
        resource=grant.resource,
        valid_from=grant.valid_from,
        valid_until=grant.valid_until,
        history=[
            ChangeOfState(state=each.state, since=each.since, reason=each.reason) for each in grant.history
        ],
    )
