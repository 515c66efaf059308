"""
The two questions of TRQP v2.0 (ToIP Trust Registry Query Protocol), answered from what is known. Pure.

Where the protocol leaves a choice:

- 404 only for what the authority does not define: an unknown authority, or an action on a resource that it
  has no rule for. An unknown entity and a missing grant are both 200 and `false`.
- `time_evaluated` is when we answered, as the response schema has it; `time_requested` is the time that the
  answer is about.
- `authorized` and `recognized` are true where it is certain: what claims a time before a key was compromised is
  not.
"""

from msgspec import UNSET
from msgspec.structs import asdict

from registry.asking.standing import Asked, Finding, find
from registry.identifiers import canonical_identifier
from registry.known import Known
from registry.model import Kind, Standing
from registry.trqp import AuthorizationAnswer, RecognitionAnswer, TrqpRequest
from wire import format_utc, parse_utc


def authorization(known: Known, request: TrqpRequest, now: int) -> AuthorizationAnswer:
    """
    Answer whether the authority authorizes the entity, at `context.time` or `now` (microseconds since 1970).

    Raises:
        NotDefined: the authority is not ours, or does not define that.
    """
    found = find(known, _asked("authorization", request, now))
    return AuthorizationAnswer(
        **asdict(request),
        authorized=found.decision == "yes",
        time_evaluated=format_utc(now),
        time_requested=request.time,
        message=describe(found, "authorization"),
    )


def recognition(known: Known, request: TrqpRequest, now: int) -> RecognitionAnswer:
    """
    Answer whether the authority recognises the entity, another authority, at `context.time` or `now`.

    Raises:
        NotDefined: the authority is not ours, or does not define that.
    """
    found = find(known, _asked("recognition", request, now))
    return RecognitionAnswer(
        **asdict(request),
        recognized=found.decision == "yes",
        time_evaluated=format_utc(now),
        time_requested=request.time,
        message=describe(found, "recognition"),
    )


def describe(found: Finding, kind: Kind) -> str:
    """Return why, in words, such as "suspended since 2026-03-01T00:00:00Z: audit pending"."""
    match found.reason:
        case "entity_unknown" | "not_granted":
            return f"there is no such {kind} of this entity"
        case "identifier_not_valid":
            return "the identifier is not that of an entity at this time"
        case "delegation_missing":
            return "it was granted by one who had no power to grant it at this time"
        case "compromised":
            return f"compromised since {_utc(found.compromised_since)}"
        case "compromised_later":
            return (
                f"compromised since {_utc(found.compromised_since)}: what claims an earlier time is good only if"
                " that time is proven"
            )
        case "source_expired":
            return "the list that says so was to be replaced and was not: whether it still holds is not known"
        case _:
            assert found.standing is not None, "what has a phase has a standing"
            return describe_standing(found.standing)


def describe_standing(standing: Standing) -> str:
    """Return a standing in words."""
    since = format_utc(standing.since)
    match standing.phase:
        case "active":
            until = f" until {format_utc(standing.until)}" if standing.until is not None else ""
            return f"active since {since}{until}"
        case "not_yet_valid":
            return f"not valid before {since}"
        case "expired":
            return f"expired on {since}"
        case "suspended" | "revoked" | "superseded":
            reason = f": {standing.reason}" if standing.reason else ""
            return f"{standing.phase} since {since}{reason}"


def _utc(time: int | None) -> str:
    assert time is not None, "what is compromised is so since some time"
    return format_utc(time)


def _asked(kind: Kind, request: TrqpRequest, now: int) -> Asked:
    return Asked(
        kind=kind,
        authority=_canonical(request.authority_id),
        entity=_canonical(request.entity_id),
        action=request.action,
        resource=request.resource,
        at=now if request.time is UNSET else parse_utc(request.time),
    )


def _canonical(identifier: str) -> str:
    """Return the registered spelling; what is no identifier at all is simply not registered."""
    try:
        return canonical_identifier(identifier)
    except ValueError:
        return identifier
