"""
From an Authorization header to the principal who acts: the dependency `principal` of every operator route. Routes.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from litestar import Request

from operators import Principal, Principals, require_writer

PrincipalOf = Callable[[Request[Any, Any, Any]], Coroutine[Any, Any, Principal]]


def principal_of(principals: Principals) -> PrincipalOf:
    """
    Return the dependency: it reads `Authorization: Bearer <API key>`.

    Raises (when called):
        Unauthenticated: no key, a malformed one, or one that is unknown, expired or revoked.
        Forbidden: the method changes something, and the principal may only read.
    """

    async def authenticate(request: Request[Any, Any, Any]) -> Principal:
        principal = await principals.authenticate(request.headers.get("authorization"))
        request.scope["state"]["principal"] = principal.id  # For the log, whatever becomes of the request.
        if request.method != "GET":
            require_writer(principal)
        return principal

    return authenticate
