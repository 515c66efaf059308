"""
Principals, grants and API keys as operators ask for them and see them. Pure.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from operators.actors.actor_store import Actor
from operators.actors.grant_store import HeldGrant
from operators.actors.key_store import KeyRow
from operators.approvals.change import ApprovalView
from operators.grants import Grant, Kind, Principal, Role, parse_scope
from wire import format_utc

MAX_GRANTS = 100  # of one principal, or of one key
_Grants = Annotated[tuple["AskedGrant", ...], msgspec.Meta(max_length=MAX_GRANTS)]


class AskedGrant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role in a scope: `everything`, `issuer:<id>` or `authority:<id>`."""

    scope: Annotated[str, msgspec.Meta(max_length=2_100)]
    role: Role


class CreatePrincipal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """
    A new principal.

    `issuer` and `subject`: how the identity provider knows a person (`iss`, `sub` of its tokens). A person without
    them acts with API keys only.
    """

    id: str
    kind: Kind
    name: str = ""
    address: str | None = None
    issuer: str | None = None
    subject: str | None = None
    grants: _Grants = ()


class GrantView(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A grant; `source` is "operator", "claims" (of the identity provider) or the release that it comes from."""

    scope: str
    role: str
    source: str
    granted_by: str
    granted_at: str
    ends_at: str | None = None


class PrincipalView(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A principal. What a person is called can be erased, and is then missing."""

    id: str
    kind: str
    made_by: str
    made_at: str
    grants: tuple[GrantView, ...]
    name: str | None = None
    address: str | None = None
    issuer: str | None = None
    subject: str | None = None
    deactivated_at: str | None = None
    deactivated_by: str | None = None


class PrincipalPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Some principals in the order of their ids; `next`, where there may be more: the `after` of the next page."""

    principals: tuple[PrincipalView, ...]
    next: str | None = None


class Me(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who acts, and what it may do with what it presented: `limits` are those of the API key, named by `key`."""

    id: str
    kind: str
    grants: tuple[AskedGrant, ...]
    limits: tuple[AskedGrant, ...] | None = None
    key: str | None = None
    person: str | None = None


class CreateKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A new API key; `grants` narrow it, `expiresAt` is in 90 days unless stated, and in 400 at most."""

    grants: _Grants | None = None
    expires_at: str | None = None


class RotateKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A key in the place of another, which works for `overlapSeconds` more (a day; 30 days at most)."""

    overlap_seconds: Annotated[int, msgspec.Meta(ge=0, le=2_592_000)] = 86_400
    expires_at: str | None = None


class ApiKeyView(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """
    An API key without its secret.

    `lastUsed` is to the hour, `person` the one behind a service's key, `madeWith` the API key that made it. In
    the answer to a revocation, `alsoRevoked` are the keys that were made with it.
    """

    key: str
    principal: str
    made_by: str
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None
    last_used: str | None = None
    replaced_by: str | None = None
    made_with: str | None = None
    person: str | None = None
    limits: tuple[AskedGrant, ...] | None = None
    also_revoked: tuple[str, ...] = ()


class ApiKeyPage(msgspec.Struct, frozen=True):
    """The API keys of a principal, the oldest first."""

    keys: tuple[ApiKeyView, ...]


class MadeKey(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """
    A new API key. `apiKey` is told this once and never again.

    With `approval` it works once that is approved.
    """

    api_key: str
    key: ApiKeyView
    approval: ApprovalView | None = None


def read_grants(asked: tuple[AskedGrant, ...], *, pointer: str = "/grants") -> frozenset[Grant]:
    """
    Return what was asked for.

    Raises:
        BadRequest: a scope is none.
    """
    return frozenset(
        Grant(parse_scope(one.scope, pointer=f"{pointer}/{place}/scope"), one.role)
        for place, one in enumerate(asked)
    )


def shown_grants(grants: frozenset[Grant]) -> tuple[AskedGrant, ...]:
    return tuple(AskedGrant(str(grant.scope), grant.role) for grant in sorted(grants))


def principal_view(actor: Actor, held: Iterable[HeldGrant]) -> PrincipalView:
    return PrincipalView(
        id=actor.id,
        kind=actor.kind,
        name=actor.name,
        address=actor.address,
        issuer=actor.issuer,
        subject=actor.subject,
        made_by=actor.made_by,
        made_at=format_utc(actor.made_at),
        deactivated_at=_time(actor.deactivated_at),
        deactivated_by=actor.deactivated_by,
        grants=tuple(map(_grant_view, held)),
    )


def _grant_view(held: HeldGrant) -> GrantView:
    return GrantView(
        scope=str(held.grant.scope),
        role=held.grant.role,
        source=held.source,
        granted_by=held.granted_by,
        granted_at=format_utc(held.granted_at),
        ends_at=_time(held.ends_at),
    )


def key_view(key: KeyRow) -> ApiKeyView:
    return ApiKeyView(
        key=key.public_id,
        principal=key.principal_id,
        made_by=key.made_by,
        created_at=format_utc(key.created_at),
        expires_at=_time(key.expires_at),
        revoked_at=_time(key.revoked_at),
        last_used=_time(key.used_at),
        replaced_by=key.replaced_by,
        made_with=key.made_with,
        person=key.person,
        limits=None if key.limits is None else shown_grants(key.limits),
    )


def me_view(principal: Principal) -> Me:
    return Me(
        id=principal.id,
        kind=principal.kind,
        grants=shown_grants(principal.grants),
        limits=None if principal.limits is None else shown_grants(principal.limits),
        key=principal.key,
        person=principal.person,
    )


def _time(at: int | None) -> str | None:
    return None if at is None else format_utc(at)
