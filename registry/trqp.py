"""
The messages of TRQP v2.0 (ToIP Trust Registry Query Protocol): requests read strictly, answers. Pure.

Members that we do not know are ignored, as the protocol's rule on minor versions demands; those that we know
are never repaired. The client (`client.py`) shares these Structs.
"""

import msgspec
from msgspec import UNSET, UnsetType

from wire import MalformedBody, parse_utc, read_body

_REQUIRED = ("entity_id", "authority_id", "action", "resource")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a query asks and its answer repeats; all four are non-empty."""

    entity_id: str
    authority_id: str
    action: str
    resource: str


class TrqpRequest(Question, frozen=True, kw_only=True):
    """
    A TRQP query.

    `context.time` (RFC 3339, UTC) asks for the answer as of that time; other members have no effect (`locator`
    among them: we need no help to find our records). Those that are strings are echoed; others are left out, since
    the protocol's context has strings only, and members that are not known are to be ignored.
    """

    context: dict[str, str] | UnsetType = UNSET

    @property
    def time(self) -> str | UnsetType:
        """`context.time` as it was sent, already checked; UNSET: the question is about now."""
        return UNSET if self.context is UNSET else self.context.get("time", UNSET)


class AuthorizationAnswer(Question, frozen=True, kw_only=True):
    """
    The answer to an authorization query: the question repeated, and whether it is so.

    Attributes:
        time_evaluated: when we answered.
        time_requested: the time that the answer is about, where one was asked for.
        message: why, for a human reader.
        context: as it was sent.
    """

    authorized: bool
    time_evaluated: str
    time_requested: str | UnsetType = UNSET
    message: str | UnsetType = UNSET
    context: dict[str, str] | UnsetType = UNSET


class RecognitionAnswer(Question, frozen=True, kw_only=True):
    """
    The answer to a recognition query: whether `authority_id` recognises `entity_id` for that.

    The other members are those of `AuthorizationAnswer`.
    """

    recognized: bool
    time_evaluated: str
    time_requested: str | UnsetType = UNSET
    message: str | UnsetType = UNSET
    context: dict[str, str] | UnsetType = UNSET


def read_request(body: bytes, content_type: str | None) -> TrqpRequest:
    """
    Read the body of a TRQP query.

    Raises:
        UnsupportedMediaType, PayloadTooLarge: as `wire.read_body`.
        MalformedBody: not a JSON object, a duplicate member, one of the four missing, empty or not a string,
            a context that is no object, a `context.time` that is not a time in UTC.
    """
    members = read_body(body, content_type, dict[str, object])
    entity_id, authority_id, action, resource = (_identifier(members, name) for name in _REQUIRED)
    return TrqpRequest(
        entity_id=entity_id,
        authority_id=authority_id,
        action=action,
        resource=resource,
        context=_context(members["context"]) if "context" in members else UNSET,
    )


def _identifier(members: dict[str, object], name: str) -> str:
    value = members.get(name, UNSET)
    if isinstance(value, str) and value:
        return value
    found = "nothing" if value is UNSET else "an empty one" if value == "" else "another type"
    raise MalformedBody(f"expected a non-empty string `{name}`, found {found}", pointer=f"/{name}")


def _context(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise MalformedBody("expected an object `context`, found another type", pointer="/context")
    _require_time(value)
    return {name: text for name, text in value.items() if isinstance(text, str)}


def _require_time(context: dict[str, object]) -> None:
    """Refuse a `context.time` that is there but no time: the question must not be answered for now."""
    if "time" not in context:
        return
    if not isinstance(text := context["time"], str):
        raise MalformedBody("`context.time`: expected a string", pointer="/context/time")
    try:
        parse_utc(text)
    except ValueError as error:
        raise MalformedBody(f"`context.time`: {error}", pointer="/context/time") from None
