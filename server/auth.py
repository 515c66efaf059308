"""
The dependency `principal` of every operator route: who acts, and whether the route lets it in. Routes.

A route declares what it needs (`operators/needs.py`). Here the caller is known by its header, the scope found that
the path names, and `operators.grants.require` asked; what a route needs is not guessed from its method.

A request that changes something is let in twice: before its body is read, and when all of it has come. That may
take half a minute, in which a key can be revoked and a grant end. Mostly the caller is still believed by then, and
nothing is asked again.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
from litestar import HttpMethod, Request

from operators import Principal, Principals
from operators.actors.principals import KeyEnded
from operators.audit.refusals import Refusals
from operators.grants import EVERYTHING, NotSeen, Scope, require, require_anywhere, require_grants
from operators.needs import NEEDS, Need, Where
from wire import BadRequest, Forbidden, ResourceNotFound, Unauthenticated

REASON = "touchstone-reason"
MAX_REASON_CHARS = 500  # characters
OnRefused = Callable[[Request[Any, Any, Any], Exception], None]
PrincipalOf = Callable[[Request[Any, Any, Any]], Coroutine[Any, Any, Principal]]
# Decides over what a parameter of the path names, where one scope does not tell; raises as `require`.
LetIn = Callable[[Principal, str, Need], Awaitable[None]]


class Named(msgspec.Struct, frozen=True):
    """What a parameter of a path names: its scope (None: it is not there), and the words for that."""

    scope_of: Callable[[str], Awaitable[Scope | None]]
    absent: Callable[[str], str]


class Paths(msgspec.Struct, frozen=True):
    """What each parameter of an operator's path names: a resource; a principal, or its key."""

    resources: Mapping[str, Named | LetIn]
    principals: Mapping[str, LetIn]

    def known(self, where: Where) -> Mapping[str, object]:
        """Return the parameters by which a route can declare what it needs."""
        none: Mapping[str, object] = {"": None}
        by_where = {
            Where.NAMED: self.resources,
            Where.PRINCIPAL: self.principals,
            Where.ASKED: {**none, **self.principals},
        }
        return by_where.get(where, none)


def principal_of(principals: Principals, paths: Paths) -> PrincipalOf:
    """
    Return the dependency.

    Raises (when called):
        Unauthenticated: as `Principals.authenticate`.
        BadRequest: the reason is too long, or no text.
        Forbidden: the caller has not the permission that the route needs.
        ResourceNotFound: it may not know of what the path names, or there is no such thing.
    """

    async def authenticate(request: Request[Any, Any, Any]) -> Principal:
        header = request.headers.get("authorization")
        principal = await principals.authenticate(header)
        request.scope["state"]["principal"] = principal.id  # For the log, whatever becomes of the request.
        request.scope["state"]["acting"] = principal  # For the audit trail, should it be refused.
        need: Need = request.route_handler.opt[NEEDS]
        await _let_in(principal, need, paths, request.path_params)
        reason = _reason(request.headers.get(REASON))
        if request.method != HttpMethod.GET:
            await request.body()  # Litestar keeps it for the route.
            before, principal = principal, await principals.authenticate(header)
            if principal is not before:
                await _let_in(principal, need, paths, request.path_params)
        return msgspec.structs.replace(principal, reason=reason)

    return authenticate


def noting(refusals: Refusals) -> OnRefused:
    """Return what is told of every error of the operator API, and notes those that are refusals of a caller."""

    def note(request: Request[Any, Any, Any], error: Exception) -> None:
        acting: Principal | None = request.scope["state"].get("acting")
        route = f"{request.method} {request.scope.get('path_template')}"
        if isinstance(error, Unauthenticated):
            refusals.note_unknown()
        if isinstance(error, KeyEnded):
            refusals.note(error.principal, route, error.status)
        elif isinstance(error, Forbidden | NotSeen) and acting is not None:
            refusals.note(acting, route, error.status)

    return note


async def _let_in(principal: Principal, need: Need, paths: Paths, parameters: Mapping[str, str]) -> None:
    if need.where is not Where.OWN:
        require_grants(principal)
    if need.where is Where.EVERYTHING:
        require(principal, need.permission, EVERYTHING)
    elif need.where in (Where.ANYWHERE, Where.ASKED):
        require_anywhere(principal, need.permission)
    elif need.where is Where.NAMED:
        resource = paths.resources[need.parameter]
        let_in = partial(_by_scope, resource) if isinstance(resource, Named) else resource
        await let_in(principal, parameters[need.parameter], need)
    elif need.where is Where.PRINCIPAL:
        await paths.principals[need.parameter](principal, parameters[need.parameter], need)


async def _by_scope(resource: Named, principal: Principal, text: str, need: Need) -> None:
    scope, absent = await resource.scope_of(text), resource.absent(text)
    if scope is None:
        raise ResourceNotFound(absent)
    require(principal, need.permission, scope, absent=absent)


def _reason(header: str | None) -> str | None:
    """Read why something is done: UTF-8, percent-encoded, since a header holds no other text safely."""
    if not header:
        return None
    try:
        text = unquote_to_bytes(header).decode() if header.isascii() else "\0"
    except UnicodeDecodeError:
        text = "\0"
    if len(text) > MAX_REASON_CHARS or not text.isprintable():
        raise BadRequest(
            f"{REASON}: expected up to {MAX_REASON_CHARS} characters, as UTF-8 and percent-encoded"
        )
    return text
