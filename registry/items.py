"""
How facts look in files and on the wire: their shapes, and how they map to facts and back. Pure.

Times are RFC 3339 in UTC, whole seconds or microseconds. A reference (`authority_id`, `entity_id`, `granted_by`,
`grantor_id`, `delegate_id`) is an id of ours or an identifier of the world, which has a colon; in facts it is an
id. What a shape cannot say is checked in `rules.py`.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from registry.model import (
    Authority,
    Definition,
    Delegation,
    Entity,
    Fact,
    FactKind,
    GovernanceDocument,
    Grant,
    Identifier,
    Kind,
    Link,
    Logo,
    Resource,
    State,
    StateChange,
    Vouching,
    by_pair,
)
from wire import format_exact, parse_utc

MAX_IDENTIFIERS = 100  # of an entity, ended ones too
MAX_DEFINITIONS = 1_000  # of an authority, ended ones too

_END = r"$(?!\n)"  # In Python "$" alone would let a final newline pass; in ECMA-262 both mean the end.
_VISIBLE = rf"^[\x21-\x7E]+{_END}"
_WORD = rf"^[\x21\x23-\x3B\x3D\x3F-\x7E]+{_END}"  # visible, and as no URI has them (RFC 3986), none of " < >

IdentifierText: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=8_192,  # characters; as long as the longest DID that we resolve
        pattern=_VISIBLE,
        description="A DID, an https URL, a JWK thumbprint URI (RFC 9278) or ni:///sha-256;<of a certificate>.",
    ),
]
Reference: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=8_192,
        pattern=_VISIBLE,
        description="An id of the registry, or an identifier.",
    ),
]
OwnId: TypeAlias = Annotated[
    str,
    Meta(
        pattern=rf"^[a-z0-9][a-z0-9-]{{0,63}}{_END}",
        description="An id: lower case letters, digits, hyphens.",
    ),
]
Word: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=512,
        pattern=_WORD,
        description='An action or a resource, as a TRQP query spells it: visible ASCII, no spaces, none of " < >.',
    ),
]
Url: TypeAlias = Annotated[str, Meta(max_length=2_048, pattern="^https://", description="An https URL.")]
Utc: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z" + _END,
        description="A time in UTC (RFC 3339).",
        examples=["2026-01-31T00:00:00Z"],
    ),
]
Language: TypeAlias = Annotated[
    str, Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*" + _END, description="A BCP 47 language tag.")
]
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=512)]
Names: TypeAlias = Annotated[
    dict[Language, Text],
    Meta(min_length=1, max_length=64, description="The name, by language; at least one."),
]
Descriptions: TypeAlias = Annotated[
    dict[Language, Text], Meta(max_length=64, description="A description, by language.")
]
Digest: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^sha256-[A-Za-z0-9+/]{43}=" + _END,
        description="sha256- and the base64 of the digest (Subresource Integrity).",
    ),
]
CertificateText: TypeAlias = Annotated[
    str,
    Meta(
        max_length=21_848,  # characters: 16 KiB of DER
        pattern=f"^[A-Za-z0-9+/]+={{0,2}}{_END}",
        description="The certificate: the base64 of its DER.",
    ),
]
T = TypeVar("T")


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What all shapes have in common: no unknown members, absent means default."""


class IdentifierItem(Shape, frozen=True, kw_only=True):
    """A name of the world for an entity, from `valid_from` up to but not at `valid_until`."""

    value: IdentifierText
    valid_from: Utc | None = None
    valid_until: Utc | None = None
    compromised_since: Utc | None = None
    certificate: CertificateText | None = None
    ski: (
        Annotated[str, Meta(pattern=r"^[0-9a-f]{2,128}" + _END, description="A key identifier in hex.")]
        | None
    ) = None


class LogoItem(Shape, frozen=True, kw_only=True):
    """A picture, and the digest of its bytes."""

    href: Url
    digest: Digest
    media_type: Annotated[str, Meta(max_length=100, pattern=r"^image/[a-z0-9.+-]+" + _END)] | None = None


class LinkItem(Shape, frozen=True, kw_only=True):
    """Something to read, and what it is."""

    rel: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9.-]{0,63}" + _END, description="A link relation.")]
    href: Url


class EntityItem(Shape, frozen=True, kw_only=True):
    """Who may be granted something."""

    id: OwnId | None = None
    names: Names
    identifiers: Annotated[list[IdentifierItem], Meta(min_length=1, max_length=MAX_IDENTIFIERS)]
    source: OwnId | None = None
    description: Descriptions = {}
    logo: LogoItem | None = None
    links: Annotated[list[LinkItem], Meta(max_length=20)] = []
    valid_from: Utc | None = None
    valid_until: Utc | None = None
    review_due: Utc | None = None


class DocumentItem(Shape, frozen=True, kw_only=True):
    """Rules that an authority grants by."""

    href: Url
    language: Language | None = None
    version: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    digest: Digest | None = None


class ResourceItem(Shape, frozen=True, kw_only=True):
    """What an action is about, and what the formats call it."""

    id: Word
    description: Descriptions = {}
    types: Annotated[list[Word], Meta(max_length=50)] = []
    vcts: Annotated[list[Word], Meta(max_length=50)] = []
    doc_types: Annotated[list[Word], Meta(max_length=50)] = []
    requires_status: bool = False


class DefinitionItem(Shape, frozen=True, kw_only=True):
    """
    An action on a resource that the authority's governance framework speaks about.

    Without times it goes on as it is known, or begins when it is told; it has no bounds where the authority is new.
    """

    action: Word
    resource: Word
    description: Descriptions = {}
    valid_from: Utc | None = None
    valid_until: Utc | None = None


class VouchingItem(Shape, frozen=True, kw_only=True):
    """Until when a standing source vouches for what it says."""

    source: OwnId
    until: Utc


class AuthorityItem(Shape, frozen=True, kw_only=True):
    """Who answers for an ecosystem: what an entity is besides."""

    id: Reference
    governance_framework: Url
    defines: Annotated[list[DefinitionItem], Meta(min_length=1, max_length=MAX_DEFINITIONS)]
    resources: Annotated[list[ResourceItem], Meta(max_length=1_000)] = []
    governance_documents: Annotated[list[DocumentItem], Meta(max_length=50)] = []
    freshness_seconds: Annotated[int, Meta(ge=1, le=31_536_000)] | None = None
    max_delegations: Annotated[int, Meta(ge=0, le=10)] = 3
    vouching: Annotated[list[VouchingItem], Meta(max_length=100)] = []
    valid_from: Utc | None = None
    valid_until: Utc | None = None
    review_due: Utc | None = None


class ChangeItem(Shape, frozen=True, kw_only=True):
    """From `since` on it is `state`; it begins as active, and `revoked` and `superseded` are final."""

    state: State
    since: Utc
    reason: Text | None = None
    compromised_since: Utc | None = None
    superseded_by: OwnId | None = None


class GrantItem(Shape, frozen=True, kw_only=True):
    """A grant, in force from `valid_from` up to but not at `valid_until`; no `valid_until`: no end known."""

    id: OwnId | None = None
    authority_id: Reference
    entity_id: Reference
    action: Word
    resource: Word
    valid_from: Utc
    valid_until: Utc | None = None
    history: Annotated[list[ChangeItem], Meta(max_length=1_000)] = []
    granted_by: Reference | None = None
    source: OwnId | None = None
    constraints: Annotated[dict[Word, Text], Meta(max_length=50)] = {}
    review_due: Utc | None = None


class DelegationItem(Shape, frozen=True, kw_only=True):
    """The power to grant in an authority's name; no `resources`: any."""

    id: OwnId | None = None
    authority_id: Reference
    grantor_id: Reference
    delegate_id: Reference
    actions: Annotated[list[Word], Meta(min_length=1, max_length=100)]
    resources: Annotated[list[Word], Meta(max_length=1_000)] = []
    kinds: Annotated[list[Kind], Meta(min_length=1, max_length=2)] = msgspec.field(
        default_factory=lambda: ["authorization"]
    )
    further: Annotated[int, Meta(ge=0, le=10)] = 0
    valid_from: Utc
    valid_until: Utc | None = None
    history: Annotated[list[ChangeItem], Meta(max_length=1_000)] = []
    review_due: Utc | None = None


Item: TypeAlias = EntityItem | AuthorityItem | GrantItem | DelegationItem
SHAPES: dict[FactKind, type[Any]] = {
    "entity": EntityItem,
    "authority": AuthorityItem,
    "authorization": GrantItem,
    "recognition": GrantItem,
    "delegation": DelegationItem,
}
TIMES = frozenset({"valid_from", "valid_until", "review_due", "since", "until", "compromised_since"})
REFERENCES = frozenset({"authority_id", "entity_id", "granted_by", "grantor_id", "delegate_id"})
Resolve: TypeAlias = Callable[[str], str]  # a reference to an id of ours
Identify: TypeAlias = Callable[[str], str]  # an identifier to its canonical form


@lru_cache(maxsize=8_192)  # texts; a registry repeats its times, since terms begin and end together
def read_time(text: str) -> int:
    """As `wire.parse_utc`; remembers, since each time is read by several checks."""
    return parse_utc(text)


def fact_of(kind: FactKind, item: Item, fact_id: str, *, resolve: Resolve, identify: Identify) -> Fact:
    """
    Return what an item says, under an id.

    Raises:
        ValueError: a time does not exist, or whatever `resolve` and `identify` raise.
    """
    members = _values(item, resolve, identify)
    members["id"] = fact_id
    if kind in ("authorization", "recognition"):
        members["kind"] = kind
    if kind == "authority":  # Definitions are sorted, so that their order is no change.
        members["defines"] = tuple(sorted(members["defines"], key=by_pair))
    fact: Fact = _FACTS[type(item)](**members)
    return fact


def item_of(fact: Fact) -> Item:
    """Return a fact as it is shown and exported."""
    members = {
        name: _shown(name, value) for name, value in msgspec.structs.asdict(fact).items() if name != "kind"
    }
    item: Item = _ITEMS[type(fact)](**members)
    return item


_FACTS: dict[type, type[Any]] = {
    IdentifierItem: Identifier,
    LogoItem: Logo,
    LinkItem: Link,
    EntityItem: Entity,
    DocumentItem: GovernanceDocument,
    ResourceItem: Resource,
    DefinitionItem: Definition,
    VouchingItem: Vouching,
    AuthorityItem: Authority,
    ChangeItem: StateChange,
    GrantItem: Grant,
    DelegationItem: Delegation,
}
_ITEMS = {fact: item for item, fact in _FACTS.items()}


def _values(item: Any, resolve: Resolve, identify: Identify) -> dict[str, Any]:
    return {
        name: _value(name, value, resolve, identify) for name, value in msgspec.structs.asdict(item).items()
    }


def _value(name: str, value: Any, resolve: Resolve, identify: Identify) -> Any:
    if value is None:
        return None
    if name in TIMES:
        return read_time(value)
    if name in REFERENCES:
        return resolve(value)
    if name == "value":
        return identify(value)
    if isinstance(value, list):
        return tuple(_value("", each, resolve, identify) for each in value)
    if isinstance(value, msgspec.Struct):
        return _FACTS[type(value)](**_values(value, resolve, identify))
    return value


def _shown(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in TIMES:
        return format_exact(value)
    if isinstance(value, tuple):
        return [_shown("", each) for each in value]
    if isinstance(value, msgspec.Struct):
        members = msgspec.structs.asdict(value).items()
        return _ITEMS[type(value)](**{key: _shown(key, each) for key, each in members})
    return value
