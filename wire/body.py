"""
A request body to a Struct, and the refusals that every API shares. Pure.
"""

from typing import TypeVar

from wire.json import MAX_VALUES, JsonError, decode
from wire.problem import Refusal

T = TypeVar("T")

MAX_BODY_BYTES = 65_536  # 64 KiB; house rule for every write body but an import


class BadRequest(Refusal):
    """The request is not of the shape that the route asks for."""

    type = "/problems/bad-request"
    title = "Bad request"
    status = 400


class MalformedBody(BadRequest):
    """The body is not the JSON that the route asks for; `errors[].pointer` names the member at fault."""

    type = "/problems/malformed-body"
    title = "Malformed body"


class Unauthenticated(Refusal):
    """No API key, or not one that we know."""

    type = "/problems/unauthenticated"
    title = "Not authenticated"
    status = 401


class Forbidden(Refusal):
    """The principal may not do that."""

    type = "/problems/forbidden"
    title = "Not allowed"
    status = 403


class ResourceNotFound(Refusal):
    """Nothing of that name, or nothing that the principal may see."""

    type = "/problems/not-found"
    title = "Not found"
    status = 404


class NotAcceptable(Refusal):
    """None of the media types in Accept can be produced here."""

    type = "/problems/not-acceptable"
    title = "Not acceptable"
    status = 406


class Conflict(Refusal):
    """The change contradicts what is there."""

    type = "/problems/conflict"
    title = "Conflict"
    status = 409


class PayloadTooLarge(Refusal):
    """The body is over the limit of the route."""

    type = "/problems/payload-too-large"
    title = "Payload too large"
    status = 413


class UnsupportedMediaType(Refusal):
    """The body's Content-Type is not one that the route reads."""

    type = "/problems/unsupported-media-type"
    title = "Unsupported media type"
    status = 415


def media_type_of(content_type: str | None) -> str:
    """Return the media type of a Content-Type header: lower case, without parameters; "" where absent."""
    return (content_type or "").partition(";")[0].strip().lower()


def require_media_type(content_type: str | None, *allowed: str) -> str:
    """
    Return the media type of a Content-Type header.

    Raises:
        UnsupportedMediaType: it is none of `allowed`.
    """
    found = media_type_of(content_type)
    if found not in allowed:
        raise UnsupportedMediaType(
            f"expected a body of type {' or '.join(allowed)}, found {found[:80] or 'no Content-Type'}"
        )
    return found


def read_body(
    body: bytes,
    content_type: str | None,
    type: type[T],
    *,
    max_bytes: int = MAX_BODY_BYTES,
    max_values: int = MAX_VALUES,
) -> T:
    """
    Decode a JSON request body into `type`.

    Raises:
        UnsupportedMediaType: the Content-Type is not application/json.
        PayloadTooLarge: over `max_bytes`.
        MalformedBody: over `max_values` values, not JSON, a duplicate or unknown member, a missing one, one of
            the wrong type.
    """
    require_media_type(content_type, "application/json")
    if len(body) > max_bytes:
        raise PayloadTooLarge(f"the body has {len(body)} bytes; the limit is {max_bytes}")
    try:
        return decode(body, type, max_bytes=max_bytes, max_values=max_values)
    except JsonError as error:
        raise MalformedBody(str(error), pointer=error.pointer) from None
