"""
The two questions of TRQP v2.0 (ToIP Trust Registry Query Protocol), answered from a view. Pure.

Where the protocol leaves a choice:

- 404 only for what the authority does not define: an unknown authority, or an action on a resource that it
  has no rule for. An unknown entity and a missing grant are both 200 and `false`.
- `time_evaluated` is when we answered, as the response schema has it; `time_requested` is the time that the
  answer is about.
- Nothing is implied: recognition is neither mutual nor transitive, and no authority recognises itself.
"""

import msgspec
from msgspec import UNSET
from msgspec.structs import asdict

from registry.errors import AuthorityNotFound, DefinitionNotFound
from registry.model import Grant, Kind, Standing, standing_at
from registry.trqp import AuthorizationAnswer, RecognitionAnswer, TrqpRequest
from registry.view import View
from wire import format_utc, parse_utc


class Verdict(msgspec.Struct, frozen=True):
    """Whether a grant was in force at the time asked about, and why in words."""

    holds: bool
    message: str


def authorization(view: View, request: TrqpRequest, now: int) -> AuthorizationAnswer:
    """
    Answer whether the authority authorizes the entity, at `context.time` or `now` (microseconds since 1970).

    Raises:
        NotDefined: the authority is not ours, or does not define that.
    """
    verdict = _evaluate(view, "authorization", request, now)
    return AuthorizationAnswer(
        **asdict(request),
        authorized=verdict.holds,
        time_evaluated=format_utc(now),
        time_requested=request.time,
        message=verdict.message,
    )


def recognition(view: View, request: TrqpRequest, now: int) -> RecognitionAnswer:
    """
    Answer whether the authority recognises the entity, another authority, at `context.time` or `now`.

    Raises:
        NotDefined: the authority is not ours, or does not define that.
    """
    verdict = _evaluate(view, "recognition", request, now)
    return RecognitionAnswer(
        **asdict(request),
        recognized=verdict.holds,
        time_evaluated=format_utc(now),
        time_requested=request.time,
        message=verdict.message,
    )


def describe(standing: Standing) -> str:
    """Return `standing` in words, such as "suspended since 2026-03-01T00:00:00Z: audit pending"."""
    since = format_utc(standing.since)
    match standing.phase:
        case "active":
            until = f" until {format_utc(standing.until)}" if standing.until is not None else ""
            return f"active since {since}{until}"
        case "not_yet_valid":
            return f"not valid before {since}"
        case "expired":
            return f"expired on {since}"
        case "suspended" | "revoked":
            reason = f": {standing.reason}" if standing.reason else ""
            return f"{standing.phase} since {since}{reason}"


def _evaluate(view: View, kind: Kind, request: TrqpRequest, now: int) -> Verdict:
    _require_defined(view, request)
    at = now if request.time is UNSET else parse_utc(request.time)
    grants = view.grants_of(kind, request.authority_id, request.action, request.resource, request.entity_id)
    if not grants:
        return Verdict(False, f"there is no such {kind} of this entity")
    standing = standing_at(_nearest(grants, at), at)
    return Verdict(standing.phase == "active", describe(standing))


def _nearest(grants: tuple[Grant, ...], at: int) -> Grant:
    """Return the grant whose window began last by `at`, or the first of all where none has begun."""
    begun = [grant for grant in grants if grant.valid_from <= at]
    return begun[-1] if begun else grants[0]


def _require_defined(view: View, request: TrqpRequest) -> None:
    """
    Refuse a question that the authority has no rule for.

    A pair is defined or not: an action and a resource that are each defined with another are not enough.
    """
    defined = view.defined.get(request.authority_id)
    if defined is None:
        raise AuthorityNotFound(
            "this registry does not answer for the authority; its DID document may name one that does",
            pointer="/authority_id",
        )
    if (request.action, request.resource) in defined:
        return
    if request.action not in {action for action, _ in defined}:
        raise DefinitionNotFound("the authority does not define this action", pointer="/action")
    raise DefinitionNotFound(
        "the authority does not define this action for this resource", pointer="/resource"
    )
