"""
What the Ayra TRQP profile (v0.5.0-draft, its OpenAPI document 1.0.0) reads with GET: the shapes of answers. Pure.

An `_id` is a DID there; here any identifier that an entity may have. Members that the profile leaves open
(`/entities/{id}`, `/ecosystems/{id}`) are our own, in the words of the registry's facts; times are RFC 3339 in UTC.
"""

import msgspec
from msgspec import UNSET, UnsetType

from registry.model import GovernanceDocument, Link, LocalisedText, Logo, Resource

ENTITIES_PATH = "/trqp/entities"
ECOSYSTEMS_PATH = "/trqp/ecosystems"
RAW_PATHS = (ENTITIES_PATH.encode() + b"/", ECOSYSTEMS_PATH.encode() + b"/")
"""Below these stands an identifier, so that the raw path is what counts."""

DEFAULT_LIMIT = 100  # entities of one page
MAX_LIMIT = 1_000
MAX_OFFSET = 1_000_000


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """
    `GET /metadata`: this registry.

    Attributes:
        id: our own DID.
        authority_id, governance_framework_id: of the authority asked about, or of the only one.
    """

    id: str
    name: str
    description: str
    authority_id: str | UnsetType = UNSET
    governance_framework_id: str | UnsetType = UNSET
    controllers: tuple[str, ...] | UnsetType = UNSET
    supported_did_methods: tuple[str, ...] | UnsetType = UNSET


class EntitySummary(msgspec.Struct, frozen=True, kw_only=True):
    """
    An entity in a list.

    Attributes:
        type: "authority" or "entity".
        authority_id: the authority that was asked about.
    """

    entity_id: str
    name: str
    type: str
    authority_id: str | UnsetType = UNSET


class Pagination(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list this is; `total` counts all of it."""

    limit: int
    offset: int
    total: int


class EntityList(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /entities`: a page of entities, in the order of our ids."""

    items: list[EntitySummary]
    pagination: Pagination


class ShownIdentifier(msgspec.Struct, frozen=True, kw_only=True):
    """An identifier of an entity, and when it is its own."""

    value: str
    valid_from: str | UnsetType = UNSET
    valid_until: str | UnsetType = UNSET
    compromised_since: str | UnsetType = UNSET


class ShownEntity(msgspec.Struct, frozen=True, kw_only=True):
    """
    `GET /entities/{entity_id}`.

    Attributes:
        entity_id: the identifier that was asked for.
        name: the English name, else the first.
        names: by language.
        identifiers: all that the entity has, had or will have.
    """

    entity_id: str
    name: str
    type: str
    names: LocalisedText
    identifiers: list[ShownIdentifier]
    description: LocalisedText | UnsetType = UNSET
    logo: Logo | UnsetType = UNSET
    links: tuple[Link, ...] | UnsetType = UNSET
    valid_from: str | UnsetType = UNSET
    valid_until: str | UnsetType = UNSET


class DefinedPair(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /lookups/authorizations`: what may be asked of an authority."""

    action: str
    resource: str
    description: str | UnsetType = UNSET


class Ecosystem(msgspec.Struct, frozen=True, kw_only=True):
    """
    `GET /ecosystems/{ecosystem_id}`: an authority of this registry.

    Attributes:
        ecosystem_id: the identifier that was asked for.
        freshness_seconds: how long its answers may be relied on.
        max_delegations: how many delegations may stand between it and a grant.
    """

    ecosystem_id: str
    name: str
    names: LocalisedText
    governance_framework_id: str
    defines: list[DefinedPair]
    freshness_seconds: int
    max_delegations: int
    description: LocalisedText | UnsetType = UNSET
    resources: tuple[Resource, ...] | UnsetType = UNSET
    governance_documents: tuple[GovernanceDocument, ...] | UnsetType = UNSET


class DidMethod(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /lookups/didMethods`: a method that we resolve."""

    identifier: str
    authority_id: str | UnsetType = UNSET


class AssuranceLevel(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /lookups/assuranceLevels`: none yet, since the facts have no levels."""

    assurance_level: str
    description: str
    authority_id: str | UnsetType = UNSET
