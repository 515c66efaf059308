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
    ASKED: in the scope that the request's body names; the service decides, by `grants.require`.
    OWN: nowhere; whoever acts is told about itself.
    """

    EVERYTHING = "everything"
    ANYWHERE = "anywhere"
    NAMED = "named by the path"
    ASKED = "named by the request"
    OWN = "its own"


class Need(msgspec.Struct, frozen=True):
    """What a route needs; `parameter` is the parameter of the path where the scope is NAMED by one."""

    permission: Permission
    where: Where
    parameter: str = ""


NEEDS = "needs"  # the name under which a route keeps its Need


def everything(permission: Permission) -> Need:
    return Need(permission, Where.EVERYTHING)


def anywhere(permission: Permission) -> Need:
    return Need(permission, Where.ANYWHERE)


def named(parameter: str, permission: Permission) -> Need:
    return Need(permission, Where.NAMED, parameter)


def asked(permission: Permission) -> Need:
    return Need(permission, Where.ASKED)


OWN = Need(Permission.READ, Where.OWN)
