"""
What each operator route declares that it needs; the rest is decided in one place. Pure.

    @get("/operator/issuers/{issuer_id:str}", needs=named("issuer_id", Permission.READ))

Litestar keeps the declaration in the route's `opt`. The dependency `principal` reads it there, finds the scope of
the resource that the path names, and lets the request in, or not. docs/authorization.md is made of declarations.
"""

from enum import StrEnum

import msgspec

from operators.grants import Permission


class Where(StrEnum):
    """
    Where the permission is needed.

    EVERYTHING: in everything, since what is shown or changed belongs to no issuer and no authority.
    ANYWHERE: in any scope; what is shown is narrowed to the scopes of the caller.
    NAMED: in the scope of the resource that a parameter of the path names.
    ASKED: in the scope that the request's body names: whoever has it nowhere is refused before the body is read,
        and the service decides the rest, by `grants.require`.
    PRINCIPAL: of the principal that a parameter of the path names, by itself or by its key. To see it, in one of
        the scopes in which it has grants; to change it, in all of them.
    OWN: nowhere; whoever acts is told about itself.
    """

    EVERYTHING = "everything"
    ANYWHERE = "anywhere"
    NAMED = "named by the path"
    ASKED = "named by the request"
    PRINCIPAL = "of the principal named by the path"
    OWN = "its own"


class Need(msgspec.Struct, frozen=True):
    """
    What a route needs.

    Attributes:
        parameter: of the path, where that names the resource.
        or_itself: whoever the path names may do it without the permission.
    """

    permission: Permission
    where: Where
    parameter: str = ""
    or_itself: bool = False


NEEDS = "needs"  # the name under which a route keeps its Need


def everything(permission: Permission) -> Need:
    return Need(permission, Where.EVERYTHING)


def anywhere(permission: Permission) -> Need:
    return Need(permission, Where.ANYWHERE)


def named(parameter: str, permission: Permission) -> Need:
    return Need(permission, Where.NAMED, parameter)


def asked(permission: Permission, parameter: str = "") -> Need:
    """The request names the scope; where it is for a principal in the path as well, `parameter` names that one."""
    return Need(permission, Where.ASKED, parameter)


def of_principal(parameter: str, permission: Permission, *, or_itself: bool = False) -> Need:
    return Need(permission, Where.PRINCIPAL, parameter, or_itself)


OWN = Need(Permission.READ, Where.OWN)
