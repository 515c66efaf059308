"""
What is asked for of principals and grants, checked, and as others are asked to approve it. Pure.
"""

import re
from typing import Any

from operators.access.views import AskedGrant, CreatePrincipal, read_grants
from operators.actors.key_store import KeyRow
from operators.approvals.change import Change
from operators.grants import EVERYTHING, AuthorityOf, Grant, Kind, Role, Scope, ScopeKind, parse_scope
from operators.model import check_id, check_text
from wire import BadRequest, ResourceNotFound, format_utc

# Ids that are given out without asking: whoever had one made would get what comes later under it.
_RESERVED = re.compile(r"break-glass|(touchstone|person)-.*")
MAX_SUBJECT_CHARS = 255  # characters of `sub` (OpenID Connect Core 1.0, section 2)


def checked(wanted: CreatePrincipal) -> frozenset[Grant]:
    """
    Return the grants of a new principal.

    Raises:
        BadRequest: its id is no LDH label, or is reserved; a text or an account is none, or not of its kind.
    """
    check_id(wanted.id)
    if _RESERVED.fullmatch(wanted.id):
        raise BadRequest(
            f"{wanted.id} is an id that Touchstone gives out itself; choose another", pointer="/id"
        )
    check_text(wanted.name, pointer="/name")
    check_text(wanted.address or "", pointer="/address")
    if wanted.address is not None and not wanted.address.strip():
        raise BadRequest("expected an address, or none", pointer="/address")
    if (wanted.issuer is None) != (wanted.subject is None):
        raise BadRequest("expected issuer and subject together", pointer="/subject")
    if wanted.kind is Kind.SERVICE and (wanted.issuer or wanted.address):
        raise BadRequest("expected no issuer, subject and address: those are of people", pointer="/kind")
    for name, text in (("issuer", wanted.issuer), ("subject", wanted.subject)):
        if text is not None and not (
            0 < len(text) <= MAX_SUBJECT_CHARS and text.isascii() and text.isprintable()
        ):
            raise BadRequest(f"expected up to {MAX_SUBJECT_CHARS} ASCII characters", pointer=f"/{name}")
    grants = read_grants(wanted.grants)
    for grant in grants:
        require_decider(wanted.kind, grant)
    return grants


def require_decider(kind: Kind, grant: Grant) -> None:
    """
    Raises:
        BadRequest: a service is to approve.
    """
    if kind is Kind.SERVICE and grant.role is Role.APPROVER:
        raise BadRequest("only people approve, and this is a service", pointer="/role")


def grant_of(asked: AskedGrant) -> Grant:
    """Return the grant that is asked for; raises as `read_grants`."""
    return next(iter(read_grants((asked,), pointer="")))


def with_authority(asked: AskedGrant, authority_of: AuthorityOf, *, pointer: str = "") -> AskedGrant:
    """
    Return a grant in the scope of an authority by its id, under which alone anything has that scope.

    Raises:
        ResourceNotFound: the registry has no such authority.
    """
    scope = parse_scope(asked.scope)
    if scope.kind is not ScopeKind.AUTHORITY:
        return asked
    if (found := authority_of(scope.id)) is None:
        raise ResourceNotFound("the registry has no such authority", pointer=f"{pointer}/scope")
    return AskedGrant(str(Scope(ScopeKind.AUTHORITY, found)), asked.role)


def change_of(action: str, scope: Scope, subject: str, request: dict[str, Any]) -> Change:
    return Change(action=action, scope=scope, subject=subject, request=request)


def change_of_grant(action: str, principal_id: str, grant: Grant) -> Change:
    request = {"principal": principal_id, "scope": str(grant.scope), "role": grant.role.value}
    return change_of(action, grant.scope, principal_id, request)


def change_of_acting(action: str, principal_id: str, grants: frozenset[Grant]) -> Change:
    """Return that a principal acts again, or no more, with all that comes back or goes."""
    deciding = frozenset(grant for grant in grants if grant.role is Role.APPROVER)
    concerned = deciding if action == "principal.deactivate" else grants
    request = {"principal": principal_id, "grants": told_of(grants)}
    return change_of(action, one_scope(frozenset(grant.scope for grant in concerned)), principal_id, request)


def change_of_key(scopes: frozenset[Scope], key: KeyRow, digest: str) -> Change:
    """Return that there is a key: what it is narrowed to, if it is, and its end; `scopes` of its principal."""
    assert key.expires_at is not None
    request: dict[str, Any] = {
        "principal": key.principal_id,
        "key": key.public_id,
        "digest": digest,
        "expiresAt": format_utc(key.expires_at),
    }
    if key.limits is not None:
        request["grants"] = told_of(key.limits)
    return change_of("key.create", one_scope(scopes), key.principal_id, request)


def told_of(grants: frozenset[Grant]) -> list[dict[str, str]]:
    return [{"scope": str(grant.scope), "role": grant.role.value} for grant in sorted(grants)]


def one_scope(scopes: frozenset[Scope]) -> Scope:
    """Return the scope in which all of it must be approved; of none it is everything."""
    return next(iter(scopes)) if len(scopes) == 1 else EVERYTHING
