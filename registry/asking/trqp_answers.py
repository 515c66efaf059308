"""
The two questions of TRQP v2.0 (ToIP Trust Registry Query Protocol), answered from what is known. Pure.

Where the protocol leaves a choice:

- 404 only for what the authority does not define: an unknown authority, or an action on a resource that it
  has no rule for. An unknown entity and a missing grant are both 200 and `false`.
- `time_evaluated` is when we answered, as the response schema has it; `time_requested` is the time that the
  answer is about.
- `authorized` and `recognized` are true where it is certain: what claims a time before a key was compromised is
  not. `decision` says "indeterminate" then.
"""

from typing import Any

from msgspec import UNSET

from registry.asking.chain import Chain
from registry.asking.moments import Moment, moment_of
from registry.asking.naming import known_as
from registry.asking.standing import Asked, Finding, find
from registry.errors import NotDefined
from registry.identifiers import as_registered
from registry.known import Known
from registry.model import Grant, Kind, Standing, kind_of
from registry.trqp import (
    LIFECYCLE_PROFILE,
    AuthorizationAnswer,
    Decision,
    Meta,
    Power,
    RecognitionAnswer,
    TrqpRequest,
    Truth,
)
from wire import format_exact, format_utc

FRESHNESS_SECONDS = 300  # five minutes: between standard and high assurance (TRQP issue 180, section 2.3)

_TRUTHS: dict[str, Truth] = {"yes": "true", "no": "false", "unknown": "indeterminate"}
_AUTHORIZED = {decision: Decision(authorized=truth) for decision, truth in _TRUTHS.items()}
_RECOGNIZED = {decision: Decision(recognized=truth) for decision, truth in _TRUTHS.items()}
# Of the draft on lifecycles, section 3.1. It has no word for what was replaced: that has ended for good. What is
# not here is "unknown" there.
_STATUSES = {
    "active": "active",
    "not_yet_valid": "pending",
    "suspended": "suspended",
    "revoked": "revoked",
    "superseded": "revoked",
    "compromised": "revoked",
    "expired": "expired",
}


def authorization(
    known: Known, request: TrqpRequest, now: int, freshness_seconds: int = FRESHNESS_SECONDS
) -> AuthorizationAnswer:
    """
    Answer whether the authority authorizes the entity, at `context.time` or `now` (microseconds since 1970).

    Args:
        known: what was known at `context.known_at`, where that is asked for.
        freshness_seconds: how long an answer may be relied on where the authority does not say.

    Raises:
        NotDefined: the authority is not ours, or does not define that.
    """
    return given_authorization(known, request, now, freshness_seconds)[0]


def recognition(
    known: Known, request: TrqpRequest, now: int, freshness_seconds: int = FRESHNESS_SECONDS
) -> RecognitionAnswer:
    """Answer whether the authority recognises the entity, another authority; as `authorization`."""
    return given_recognition(known, request, now, freshness_seconds)[0]


def given_authorization(
    known: Known, request: TrqpRequest, now: int, freshness_seconds: int
) -> tuple[AuthorizationAnswer, Finding]:
    """As `authorization`, with what the answer is made of."""
    found, told = _answer(known, "authorization", request, now, freshness_seconds)
    decision = _AUTHORIZED[found.decision]
    return AuthorizationAnswer(authorized=found.decision == "yes", decision=decision, **told), found


def given_recognition(
    known: Known, request: TrqpRequest, now: int, freshness_seconds: int
) -> tuple[RecognitionAnswer, Finding]:
    """As `recognition`, with what the answer is made of."""
    found, told = _answer(known, "recognition", request, now, freshness_seconds)
    decision = _RECOGNIZED[found.decision]
    return RecognitionAnswer(recognized=found.decision == "yes", decision=decision, **told), found


def question_of(kind: Kind, request: TrqpRequest) -> tuple[Kind, str, str, str, str]:
    """Return what a query asks, whatever the time: kind, authority, entity, action, resource."""
    authority, entity = as_registered(request.authority_id), as_registered(request.entity_id)
    return kind, authority, entity, request.action, request.resource


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


def _answer(
    known: Known, kind: Kind, request: TrqpRequest, now: int, freshness_seconds: int
) -> tuple[Finding, dict[str, Any]]:
    """Return what was found, and the members that both answers have."""
    moment = moment_of(request.context, now)
    _, authority, entity, action, resource = question_of(kind, request)
    asked = Asked(
        kind=kind, authority=authority, entity=entity, action=action, resource=resource, at=moment.at
    )
    found = find(known, asked)
    recorded_at, is_late = learned(known, asked, found, now)
    time_evaluated = format_utc(now)
    told: dict[str, Any] = {
        "entity_id": request.entity_id,
        "authority_id": request.authority_id,
        "action": request.action,
        "resource": request.resource,
        "time_evaluated": time_evaluated,
        "time_requested": request.time,
        "message": describe(found, kind),
        "context": request.context,
        "status": _STATUSES.get(found.reason, "unknown"),
        "lifecycle_profile": LIFECYCLE_PROFILE,
        "known_at": UNSET if moment.known_at is None else format_exact(moment.known_at),
        "recorded_at": format_exact(recorded_at),
        "meta": Meta(
            time_evaluated=time_evaluated,
            expires_at=format_utc(expires_at(found, moment, freshness_seconds)),
        ),
    }
    if found.grant is not None and found.standing is not None:
        told |= _lifecycle(found, found.grant.fact, found.standing)
    if found.chain:
        told["chain"] = _powers(known, found.chain, moment.at)
    if is_late:
        told["late"] = True
    return found, told


def _lifecycle(found: Finding, grant: Grant, standing: Standing) -> dict[str, Any]:
    """Return the times of the draft on lifecycles (section 4)."""
    members: dict[str, Any] = {"valid_from": format_utc(grant.valid_from)}
    if grant.valid_until is not None:
        members["valid_until"] = format_utc(grant.valid_until)
    if found.reason == "compromised":
        members["revoked_at"] = _utc(found.compromised_since)
    elif found.reason in ("revoked", "superseded"):
        members["revoked_at"] = format_utc(standing.since)
    elif found.reason == "suspended":
        members["suspended_at"] = format_utc(standing.since)
    if standing.reason is not None:
        members["status_reason"] = standing.reason
    return members


def _powers(known: Known, chain: Chain, at: int) -> tuple[Power, ...]:
    return tuple(
        Power(entity_id=known_as(known, each.delegate_id, at) or each.delegate_id, delegation_id=each.id)
        for each in chain
    )


def expires_at(found: Finding, moment: Moment, freshness_seconds: int) -> int:
    """Return until when the answer may be relied on: not beyond a change of it that is known already."""
    fresh = moment.now + fresh_for(found, freshness_seconds)
    is_of_now = moment.at >= moment.now
    return min(fresh, found.until) if is_of_now and found.until is not None else fresh


def fresh_for(found: Finding, freshness_seconds: int) -> int:
    """Return for how many microseconds the answer may be relied on, unless it changes before."""
    seconds = found.authority.fact.freshness_seconds
    return (freshness_seconds if seconds is None else seconds) * 1_000_000


def learned(known: Known, asked: Asked, found: Finding, now: int) -> tuple[int, bool]:
    """
    Return when the registry learned the newest of what decides, and whether that was late.

    It was late where by what was known at the time asked about the answer was another one. Then what that rested
    on, and is not so any more, decides too.
    """
    if asked.at >= now:  # Nothing is recorded later, and most questions are about now.
        return found.recorded_at, False
    try:
        then = find(known.as_of(asked.at), asked)
    except NotDefined:
        return found.recorded_at, True
    if (then.decision, then.reason) == (found.decision, found.reason):
        return found.recorded_at, False
    return max(found.recorded_at, superseded_at(known, then)), True


def superseded_at(known: Known, then: Finding) -> int:
    """Return when the newest of what is known now of all that a finding of before rested on was recorded."""
    return max(known.recorded_at(kind_of(each.fact), each.fact.id) for each in then.rests_on)
