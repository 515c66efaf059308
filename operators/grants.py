"""
Who may do what: principals, their grants, and the one function that decides. Pure.

A grant is a role in a scope. A role gives permissions; a route states the permission that it needs (`needs.py`).
Whoever may not read in the scope of a resource is told what is told of one that does not exist.
"""

from collections.abc import Callable
from enum import StrEnum

import msgspec

from wire import BadRequest, Forbidden, ResourceNotFound

MAX_SCOPE_CHARS = 2_048  # characters of an id in a scope; an authority of the registry may be a URL


# Returns the id of the authority of the registry that an id or an identifier names now; None: there is none.
AuthorityOf = Callable[[str], str | None]


class Kind(StrEnum):
    """A person decides and answers for it; a service does what it was made for."""

    PERSON = "person"
    SERVICE = "service"


class Permission(StrEnum):
    """What a route can need."""

    READ = "read"
    ALLOCATE = "allocate"
    EDIT = "edit"
    APPROVE = "approve"
    ADMINISTER = "administer"
    AUDIT = "audit"
    BREAK_GLASS = "break glass"
    SEE_PRINCIPALS = "see principals"


class Role(StrEnum):
    """What a principal may do in a scope; the values are in rows and on the wire."""

    VIEWER = "viewer"
    ALLOCATOR = "allocator"
    EDITOR = "editor"
    APPROVER = "approver"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    BREAK_GLASS = "break-glass"

    @property
    def permissions(self) -> frozenset[Permission]:
        return PERMISSIONS[self]


_P = Permission
PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({_P.READ}),
    Role.ALLOCATOR: frozenset({_P.READ, _P.ALLOCATE}),
    Role.EDITOR: frozenset({_P.READ, _P.ALLOCATE, _P.EDIT}),
    Role.APPROVER: frozenset({_P.READ, _P.APPROVE, _P.SEE_PRINCIPALS}),
    Role.ADMINISTRATOR: frozenset({_P.READ, _P.ALLOCATE, _P.EDIT, _P.ADMINISTER, _P.SEE_PRINCIPALS}),
    Role.AUDITOR: frozenset({_P.READ, _P.AUDIT, _P.SEE_PRINCIPALS}),
    Role.BREAK_GLASS: frozenset({_P.READ, _P.BREAK_GLASS}),
}


class ScopeKind(StrEnum):
    """What a scope is: everything, one issuer, or one authority of the registry."""

    EVERYTHING = "everything"
    ISSUER = "issuer"
    AUTHORITY = "authority"


class Scope(msgspec.Struct, frozen=True, order=True):
    """Where a grant holds; `id` is "" for everything. Its text is `everything`, `issuer:acme`, `authority:...`."""

    kind: ScopeKind
    id: str = ""

    def covers(self, other: "Scope") -> bool:
        return self in (EVERYTHING, other)

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}" if self.id else self.kind.value


EVERYTHING = Scope(ScopeKind.EVERYTHING)


def issuer_scope(issuer_id: str) -> Scope:
    return Scope(ScopeKind.ISSUER, issuer_id)


def parse_scope(text: str, *, pointer: str = "/scope") -> Scope:
    """
    Read the text of a scope.

    Raises:
        BadRequest: it is none; that there is such an issuer or authority is not looked at.
    """
    kind, _, name = text.partition(":")
    known = kind in (ScopeKind.ISSUER, ScopeKind.AUTHORITY)
    if text == ScopeKind.EVERYTHING:
        return EVERYTHING
    if not known or not 1 <= len(name) <= MAX_SCOPE_CHARS or not name.isprintable():
        raise BadRequest("expected everything, issuer:<id> or authority:<id>", pointer=pointer)
    return Scope(ScopeKind(kind), name)


class Grant(msgspec.Struct, frozen=True, order=True):
    """A role in a scope."""

    scope: Scope
    role: Role

    def gives(self, permission: Permission, scope: Scope) -> bool:
        return permission in self.role.permissions and self.scope.covers(scope)

    def __str__(self) -> str:
        return f"{self.role} of {self.scope}"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """
    Someone who acts through the operator API, with one request.

    Attributes:
        id: an LDH label; it stands in audit rows.
        grants: those that hold now.
        limits: the grants that its API key is narrowed to; None: the key is not narrowed.
        key: the public id of its API key; None: it came without one.
        person: the id of the person behind: itself, or who made the API key of a service; None: nobody known.
        reason: why, in the words of the request.
        approval: the number of the approval by which this goes ahead.
    """

    id: str
    kind: Kind = Kind.SERVICE
    grants: frozenset[Grant] = frozenset()
    limits: frozenset[Grant] | None = None
    key: str | None = None
    person: str | None = None
    reason: str | None = None
    approval: int | None = None

    def may(self, permission: Permission, scope: Scope) -> bool:
        """Tell whether its grants, and the limits of its key, give `permission` in `scope`."""
        sides = (self.grants,) if self.limits is None else (self.grants, self.limits)
        return all(any(grant.gives(permission, scope) for grant in side) for side in sides)

    def scopes(self, permission: Permission) -> frozenset[Scope]:
        """Return the scopes in which it has `permission`; where it has it everywhere, `EVERYTHING` alone."""
        sides = (self.grants, self.limits or frozenset())
        named = {grant.scope for side in sides for grant in side}
        held = {scope for scope in named if self.may(permission, scope)}
        return frozenset({EVERYTHING}) if EVERYTHING in held else frozenset(held)

    def issuers(self, permission: Permission = Permission.READ) -> frozenset[str] | None:
        """Return the ids of the issuers for which it has `permission`; None: all of them."""
        scopes = self.scopes(permission)
        if EVERYTHING in scopes:
            return None
        return frozenset(scope.id for scope in scopes if scope.kind is ScopeKind.ISSUER)


class NotSeen(ResourceNotFound):
    """It is there, or not: whoever asked may not know. On the wire it is as any resource that does not exist."""


def require(
    principal: Principal,
    permission: Permission,
    scope: Scope,
    *,
    absent: str = "there is nothing of that name",
) -> None:
    """
    Let `principal` do what needs `permission` in `scope`: the one place that decides.

    Args:
        absent: the words by which one is told that the resource does not exist.

    Raises:
        NotSeen: it may not even read there.
        Forbidden: it may read there, and not more; or everything is asked for.
    """
    if principal.may(permission, scope):
        return
    if scope != EVERYTHING and not principal.may(Permission.READ, scope):
        raise NotSeen(absent)
    raise Forbidden(_missing(principal, permission, scope))


def require_anywhere(principal: Principal, permission: Permission) -> None:
    """
    Let `principal` do what needs `permission` in any scope.

    Raises:
        Forbidden: it has it nowhere.
    """
    if not principal.scopes(permission):
        raise Forbidden(_missing(principal, permission, None))


def require_grants(principal: Principal) -> None:
    """
    Let in a person who holds anything: who has just signed in for the first time learns what to ask for.

    Raises:
        Forbidden: it holds nothing.
    """
    if principal.kind is Kind.PERSON and not principal.grants:
        raise Forbidden(
            f"you are signed in as {principal.id}, to whom nothing is granted; ask an administrator for a role"
        )


def _missing(principal: Principal, permission: Permission, scope: Scope | None) -> str:
    named = [role.value for role in Role if permission in role.permissions]
    roles = "a role" if permission is Permission.READ else f"the role {' or '.join(named)}"
    where = "" if scope is None else f" for {scope.id or scope.kind}"
    return f"this needs {roles}{where}; {principal.id} has none{_why(principal, permission, scope)}"


def _why(principal: Principal, permission: Permission, scope: Scope | None) -> str:
    """Tell whose API key is narrowed to less than its grants."""
    whole = msgspec.structs.replace(principal, limits=None)
    held = whole.scopes(permission) if scope is None else whole.may(permission, scope)
    return " with this API key, which is narrowed" if held else ""
