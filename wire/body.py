"""
A request body to a Struct, and the refusals that every API shares. Pure.
"""

from typing import TypeVar

from wire.json import MAX_VALUES, JsonError, decode
from wire.problem import Refusal

T = TypeVar("T")

MAX_BODY_BYTES = 65_536  # 64 KiB; house rule for every write body but an import
# What is told where no route answers. By it our commands tell an absent route from an absent resource.
NO_ROUTE = "there is no such resource here; /openapi.json lists them all"


class BadRequest(Refusal, type="/problems/bad-request", status=400):
    """The request is not of the shape that the route asks for."""


class MalformedBody(BadRequest, type="/problems/malformed-body"):
    """The body is not the JSON that the route asks for; `errors[].pointer` names the member at fault."""


class Unauthenticated(Refusal, type="/problems/unauthenticated", title="Not authenticated", status=401):
    """No API key, or not one that we know."""


class Forbidden(Refusal, type="/problems/forbidden", title="Not allowed", status=403):
    """The principal may not do that."""


class ResourceNotFound(Refusal, type="/problems/not-found", status=404):
    """Nothing of that name, or nothing that the principal may see."""


class NotAcceptable(Refusal, type="/problems/not-acceptable", status=406):
    """None of the media types in Accept can be produced here."""


class Conflict(Refusal, type="/problems/conflict", status=409):
    """The change contradicts what is there."""


class PayloadTooLarge(Refusal, type="/problems/payload-too-large", status=413):
    """The body is over the limit of the route."""


class UnsupportedMediaType(Refusal, type="/problems/unsupported-media-type", status=415):
    """The body's Content-Type is not one that the route reads."""


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
