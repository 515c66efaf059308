"""
The registry file, version 1: its shape, and how it maps to facts and back. Pure.

`registry.schema.json` is generated from these Structs (`python -m registry.exports.schema`, see there).
Times are RFC 3339 in UTC and whole seconds. What the shape cannot say is checked in `imports/meaning.py`.
"""

from functools import lru_cache
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from registry.model import Authority, Definition, Entity, Facts, Grant, Kind, State, StateChange
from wire import format_utc, parse_utc

_END = r"$(?!\n)"  # In Python "$" alone would let a final newline pass; in ECMA-262 both mean the end.
_VISIBLE = rf"^[\x21-\x7E]+{_END}"

Identifier: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=8_192,  # characters; as long as the longest DID that we resolve
        pattern=_VISIBLE,
        description="A DID, an https URL, a JWK thumbprint URI (RFC 9278) or x509_hash:<SHA-256 of the DER>.",
    ),
]
Word: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=512,
        pattern=_VISIBLE,
        description="An action or a resource, as a TRQP query spells it: visible ASCII, no spaces.",
    ),
]
Url: TypeAlias = Annotated[str, Meta(max_length=2_048, pattern="^https://", description="An https URL.")]
Utc: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z" + _END,
        description="A time in UTC, in whole seconds (RFC 3339).",
        examples=["2026-01-31T00:00:00Z"],
    ),
]
Language: TypeAlias = Annotated[
    str, Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*" + _END, description="A BCP 47 language tag.")
]
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=512)]
Names: TypeAlias = Annotated[
    dict[Language, Text], Meta(min_length=1, description="The name, by language; at least one.")
]
Descriptions: TypeAlias = Annotated[dict[Language, Text], Meta(description="A description, by language.")]


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the parts of the file have in common: no unknown members, absent means default."""


class DefinitionItem(_Shape, frozen=True, kw_only=True):
    """An action on a resource that the authority's governance framework speaks about."""

    action: Word
    resource: Word
    description: Descriptions = {}


class AuthorityItem(_Shape, frozen=True, kw_only=True):
    """An authority; its id is a DID."""

    id: Identifier
    names: Names
    description: Descriptions = {}
    governance_framework: Url
    defines: Annotated[list[DefinitionItem], Meta(min_length=1)]


class EntityItem(_Shape, frozen=True, kw_only=True):
    """Who may be granted something."""

    id: Identifier
    names: Names
    url: Url | None = None


class ChangeItem(_Shape, frozen=True, kw_only=True):
    """From `since` on the grant is `state`; a grant begins as active, and `revoked` is final."""

    state: State
    since: Utc
    reason: Text | None = None


class GrantItem(_Shape, frozen=True, kw_only=True):
    """
    A grant, in force from `valid_from` up to but not at `valid_until`; no `valid_until`: no end known.

    A revocation ends it for good; another grant of the same may begin then.
    """

    authority_id: Identifier
    entity_id: Identifier
    action: Word
    resource: Word
    valid_from: Utc
    valid_until: Utc | None = None
    history: list[ChangeItem] = []


class RegistryFile(_Shape, frozen=True, kw_only=True):
    """A whole registry: an import replaces all that was there."""

    schema: str | None = msgspec.field(default=None, name="$schema")
    version: Literal[1]
    authorities: list[AuthorityItem]
    entities: list[EntityItem]
    authorizations: list[GrantItem]
    recognitions: list[GrantItem]


@lru_cache(maxsize=8_192)  # texts; a registry repeats its times, since terms begin and end together
def read_time(text: str) -> int:
    """As `wire.parse_utc`; remembers, since each time is read by several checks."""
    return parse_utc(text)


def facts_of(file: RegistryFile) -> Facts:
    """Return what `file`, already checked, says; definitions are sorted, so that their order is no change."""
    return Facts(
        authorities=tuple(_authority(item) for item in file.authorities),
        entities=tuple(Entity(item.id, item.names, item.url) for item in file.entities),
        grants=(
            *(_grant("authorization", item) for item in file.authorizations),
            *(_grant("recognition", item) for item in file.recognitions),
        ),
    )


def file_of(facts: Facts) -> RegistryFile:
    """Return `facts` as a file, every list in the order of its identifiers: one file for each registry."""
    return RegistryFile(
        version=1,
        authorities=[_authority_item(each) for each in sorted(facts.authorities, key=lambda each: each.id)],
        entities=[
            EntityItem(id=each.id, names=each.names, url=each.url)
            for each in sorted(facts.entities, key=lambda each: each.id)
        ],
        authorizations=_grant_items("authorization", facts.grants),
        recognitions=_grant_items("recognition", facts.grants),
    )


def _authority(item: AuthorityItem) -> Authority:
    ordered = sorted(item.defines, key=lambda each: (each.action, each.resource))
    defines = tuple(Definition(each.action, each.resource, each.description) for each in ordered)
    return Authority(item.id, item.names, item.governance_framework, defines, item.description)


def _authority_item(authority: Authority) -> AuthorityItem:
    return AuthorityItem(
        id=authority.id,
        names=authority.names,
        description=authority.description,
        governance_framework=authority.governance_framework,
        defines=[
            DefinitionItem(action=each.action, resource=each.resource, description=each.description)
            for each in authority.defines
        ],
    )


def _grant(kind: Kind, item: GrantItem) -> Grant:
    return Grant(
        kind,
        item.authority_id,
        item.entity_id,
        item.action,
        item.resource,
        read_time(item.valid_from),
        read_time(item.valid_until) if item.valid_until is not None else None,
        tuple(StateChange(each.state, read_time(each.since), each.reason) for each in item.history),
    )


def _grant_items(kind: Kind, grants: tuple[Grant, ...]) -> list[GrantItem]:
    chosen = [each for each in grants if each.kind == kind]
    chosen.sort(key=lambda g: (g.authority_id, g.action, g.resource, g.entity_id, g.valid_from))
    return [_grant_item(each) for each in chosen]


def _grant_item(grant: Grant) -> GrantItem:
    return GrantItem(
        authority_id=grant.authority_id,
        entity_id=grant.entity_id,
        action=grant.action,
        resource=grant.resource,
        valid_from=format_utc(grant.valid_from),
        valid_until=format_utc(grant.valid_until) if grant.valid_until is not None else None,
        history=[
            ChangeItem(state=each.state, since=format_utc(each.since), reason=each.reason)
            for each in grant.history
        ],
    )
