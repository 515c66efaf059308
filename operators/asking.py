"""
What operators' routes read of a request, and how they answer. Routes.
"""

from collections.abc import Collection
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.di import NamedDependency

from operators.grants import Principal
from wire import Answer, BadRequest, encode, read_body

T = TypeVar("T")
Acting = NamedDependency[Principal]  # The application's dependency `principal`.


async def body_of(request: Request[Any, Any, Any], shape: type[T]) -> T:
    """Read the JSON body as a `shape`; raises as `wire.read_body`."""
    return read_body(await request.body(), request.headers.get("content-type"), shape)


async def require_no_body(request: Request[Any, Any, Any]) -> None:
    """
    Raises:
        BadRequest: there is a body, which would be asked for in vain.
    """
    if await request.body():
        raise BadRequest("expected no body: the path says everything")


def require_known(request: Request[Any, Any, Any], names: Collection[str]) -> None:
    """
    Raises:
        BadRequest: the query has another parameter, such as a misspelt filter, which would filter nothing.
    """
    if unknown := sorted(set(request.query_params) - set(names)):
        raise BadRequest(f"unknown parameter {unknown[0][:160]!r}; expected {', '.join(sorted(names))}")


def key_of(request: Request[Any, Any, Any]) -> str | None:
    """Return the Idempotency-Key."""
    key: str | None = request.headers.get("idempotency-key")
    return key


def answer_of(value: msgspec.Struct, status: int = 200) -> Answer:
    return Answer(status=status, body=encode(value))


def require_page(limit: int, most: int, after: int = 0) -> None:
    """
    Let a page have `limit` items, after the one with the number `after`.

    Raises:
        BadRequest: no items, or more than `most`; no item has such a number.
    """
    if not 1 <= limit <= most:
        raise BadRequest(f"limit: expected 1 to {most}, found {limit}")
    if not 0 <= after <= 2**53:
        raise BadRequest(
            f"after: expected an id of the list, such as `next` of the page before, found {after}"
        )
