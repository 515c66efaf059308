"""
The messages of TRQP v2.0 (ToIP Trust Registry Query Protocol): requests read strictly, answers. Pure.

Members that we do not know are ignored, as the protocol's rule on minor versions demands; those that we know
are never repaired. The client (`client.py`) shares these Structs.

Beside the members of TRQP an answer has those of three drafts, each as it is spelled there:

- `status`, `validFrom`, `validUntil`, `revokedAt`, `suspendedAt`, `statusReason`, `lifecycleProfile`: the working
  group's draft on lifecycles (trustoverip/tswg-trust-registry-protocol, issue 176);
- `decision` and `meta`: the TRQP Security and Privacy Profile, 0.10 (TSPP);
- `known_at`, `recorded_at`, `late`, `chain`: our own. They stand beside `meta`, not in it: TSPP's schema lets it
  have no other members.
"""

from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType, field

from wire import MalformedBody, parse_utc, read_body

LIFECYCLE_PROFILE = "https://trustoverip.org/trqp/profiles/lifecycle/v1"

Truth: TypeAlias = Literal["true", "false", "indeterminate"]

_REQUIRED = ("entity_id", "authority_id", "action", "resource")
_TIMES = ("time", "known_at")


class Question(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a query asks and its answer repeats; all four are non-empty."""

    entity_id: str
    authority_id: str
    action: str
    resource: str


class TrqpRequest(Question, frozen=True, kw_only=True, gc=False):
    """
    A TRQP query.

    `context.time` (RFC 3339, UTC) asks for the answer as of that time, `context.known_at` for what was known then;
    other members have no effect (`locator` among them: we need no help to find our records). Those that are strings
    are echoed; others are left out, since the protocol's context has strings only, and members that are not known
    are to be ignored.
    """

    context: dict[str, str] | UnsetType = UNSET

    @property
    def time(self) -> str | UnsetType:
        """`context.time` as it was sent, already checked; UNSET: the question is about now."""
        return UNSET if self.context is UNSET else self.context.get("time", UNSET)

    @property
    def known_at(self) -> str | UnsetType:
        """`context.known_at` as it was sent, already checked; UNSET: all that is known now counts."""
        return UNSET if self.context is UNSET else self.context.get("known_at", UNSET)


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    The verdict of TSPP: one of the two members, as the question was.

    "indeterminate" is for what cannot be told, such as a grant from a list that has expired; TRQP's own member is
    `false` then, and nobody is to take it for a yes.
    """

    authorized: Truth | UnsetType = UNSET
    recognized: Truth | UnsetType = UNSET


class Meta(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Of TSPP: when the answer was made, and until when it may be relied on without asking again."""

    time_evaluated: str
    expires_at: str


class Power(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    One step of a chain of authority: who was given the power to grant, and the delegation that says so.

    Attributes:
        entity_id: an identifier that the entity has at that time.
        delegation_id: an id of ours.
    """

    entity_id: str
    delegation_id: str


class AuthorizationAnswer(Question, frozen=True, kw_only=True, gc=False):
    """
    The answer to an authorization query: the question repeated, and whether it is so.

    Members of drafts are missing in the answers of services that know none.

    Attributes:
        time_evaluated: when we answered.
        time_requested: the time that the answer is about, where one was asked for.
        message: why, for a human reader.
        context: as it was sent.
        status: "active", "pending", "suspended", "revoked", "expired"; "unknown" where nothing was granted.
        valid_from, valid_until: the window of the grant.
        revoked_at, suspended_at: since when it is.
        status_reason: why, in the words of whoever did it.
        known_at: what was known then is what counts, where that was asked for.
        recorded_at: when the registry learned what decides.
        late: true where that was after the time asked about, and would have been answered otherwise then.
        chain: who passed on the power to grant, from the authority down; missing where it granted this itself.
    """

    authorized: bool
    time_evaluated: str
    time_requested: str | UnsetType = UNSET
    message: str | UnsetType = UNSET
    context: dict[str, str] | UnsetType = UNSET
    decision: Decision | UnsetType = UNSET
    status: str | UnsetType = UNSET
    valid_from: str | UnsetType = field(name="validFrom", default=UNSET)
    valid_until: str | UnsetType = field(name="validUntil", default=UNSET)
    revoked_at: str | UnsetType = field(name="revokedAt", default=UNSET)
    suspended_at: str | UnsetType = field(name="suspendedAt", default=UNSET)
    status_reason: str | UnsetType = field(name="statusReason", default=UNSET)
    lifecycle_profile: str | UnsetType = field(name="lifecycleProfile", default=UNSET)
    known_at: str | UnsetType = UNSET
    recorded_at: str | UnsetType = UNSET
    late: bool | UnsetType = UNSET
    chain: tuple[Power, ...] | UnsetType = UNSET
    meta: Meta | UnsetType = UNSET


class RecognitionAnswer(Question, frozen=True, kw_only=True, gc=False):
    """
    The answer to a recognition query: whether `authority_id` recognises `entity_id` for that.

    The other members are those of `AuthorizationAnswer`.
    """

    recognized: bool
    time_evaluated: str
    time_requested: str | UnsetType = UNSET
    message: str | UnsetType = UNSET
    context: dict[str, str] | UnsetType = UNSET
    decision: Decision | UnsetType = UNSET
    status: str | UnsetType = UNSET
    valid_from: str | UnsetType = field(name="validFrom", default=UNSET)
    valid_until: str | UnsetType = field(name="validUntil", default=UNSET)
    revoked_at: str | UnsetType = field(name="revokedAt", default=UNSET)
    suspended_at: str | UnsetType = field(name="suspendedAt", default=UNSET)
    status_reason: str | UnsetType = field(name="statusReason", default=UNSET)
    lifecycle_profile: str | UnsetType = field(name="lifecycleProfile", default=UNSET)
    known_at: str | UnsetType = UNSET
    recorded_at: str | UnsetType = UNSET
    late: bool | UnsetType = UNSET
    chain: tuple[Power, ...] | UnsetType = UNSET
    meta: Meta | UnsetType = UNSET


def read_request(body: bytes, content_type: str | None) -> TrqpRequest:
    """
    Read the body of a TRQP query.

    Raises:
        UnsupportedMediaType, PayloadTooLarge: as `wire.read_body`.
        MalformedBody: not a JSON object, a duplicate member; or as `request_of`.
    """
    return request_of(read_body(body, content_type, dict[str, object]))


def request_of(members: dict[str, object]) -> TrqpRequest:
    """
    Return the query that a JSON object makes.

    Raises:
        MalformedBody: one of the four missing, empty or not a string, a context that is no object, a
            `context.time` or `context.known_at` that is not a time in UTC.
    """
    entity_id, authority_id, action, resource = [_identifier(members, name) for name in _REQUIRED]
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
    for name in _TIMES:
        if name in value:
            _require_time(value[name], name)
    return {name: text for name, text in value.items() if isinstance(text, str)}


def _require_time(value: object, name: str) -> None:
    """Refuse what is there but no time: the question must not be answered for now."""
    if not isinstance(value, str):
        raise MalformedBody(f"`context.{name}`: expected a string", pointer=f"/context/{name}")
    try:
        parse_utc(value)
    except ValueError as error:
        raise MalformedBody(f"`context.{name}`: {error}", pointer=f"/context/{name}") from None
