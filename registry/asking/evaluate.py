"""
May whoever holds this do that with such a credential: the verdict of one authority, or of all that define it. Pure.

1. What is held becomes identifiers (`held.py`), what the formats call the credential becomes resources.
2. Each authority is asked about each of them. Of several identifiers, the first by which something was granted
   counts, since the nearest certificate says most.
3. What anybody knows to be compromised, of all that is held, counts against every yes: the key is one, whoever
   told of it.
4. The result that counts most comes first, and is the verdict: compromised, then yes, then unknown, then no. So one
   authority that says yes is enough, unless the caller names the one whose word it wants.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from registry.asking.browse import authority_called
from registry.asking.evaluation import (
    AuthorityVerdict,
    Evaluation,
    EvaluationRequest,
    HeldIdentifier,
    Reason,
    Scheme,
    ShownGrant,
)
from registry.asking.held import Held, held_by
from registry.asking.moments import Moment
from registry.asking.naming import known_as
from registry.asking.shown import shown
from registry.asking.standing import (
    Asked,
    Decision,
    Finding,
    entity_named,
    find,
    identifier_of,
)
from registry.asking.trqp_answers import describe, expires_at, is_late
from registry.directory import Directory
from registry.errors import AuthorityNotFound, TooManyToList
from registry.items import DelegationItem, item_of
from registry.model import Authority, Delegation, Resource, covers
from wire import format_exact, format_utc

MAX_RESULTS = 100  # authorities and resources, of one question
_COMPROMISED = ("compromised", "compromised_later")
_NOTHING_GRANTED = ("entity_unknown", "identifier_not_valid", "not_granted")
_MESSAGES: dict[Reason, str] = {
    "authority_unknown": "this registry does not answer for the authority",
    "not_defined": "no authority that was asked defines this action on such a credential",
    "chain_missing": "one above the certificate may be registered for that: send the whole chain as `x5c`",
}
_DECISIONS: tuple[Decision, ...] = ("yes", "unknown", "no")
_REASONS: tuple[Reason, ...] = (  # Of a no, what says most first.
    "revoked",
    "superseded",
    "suspended",
    "delegation_missing",
    "expired",
    "not_yet_valid",
    "certificate_not_valid",
    "not_granted",
    "identifier_not_valid",
    "entity_unknown",
)


class _Place(msgspec.Struct, frozen=True):
    """Who is asked about what."""

    authority: Authority
    resource: Resource


class _Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What an authority says by itself (`finding`), and what that comes to with regard to all that is held."""

    asked: Asked
    finding: Finding
    place: _Place
    identifier: HeldIdentifier | None
    decision: Decision
    reason: Reason
    message: str
    compromised_since: int | None


def evaluate(
    known: Directory,
    request: EvaluationRequest,
    moment: Moment,
    *,
    freshness_seconds: int,
    accept_language: str | None,
) -> Evaluation:
    """
    Return the verdict, by what was known at `moment.known_at`.

    Args:
        freshness_seconds: how long it may be relied on where an authority does not say.
        accept_language: which name of each is shown.

    Raises:
        MalformedBody: see `held_by`.
        TooManyToList: more than `MAX_RESULTS` authorities define that; name one.
    """
    held = held_by(known, request, moment.at)
    try:
        places = _places(known, request, moment.at)
    except AuthorityNotFound:
        return _without_results(request, moment, "authority_unknown", freshness_seconds)
    verdicts = (_verdict(known, request, held, each, moment.at) for each in places)
    found = [each for each in verdicts if each is not None]
    if not found:
        return _without_results(request, moment, "not_defined", freshness_seconds)
    found.sort(key=_rank)
    results = [_result(known, each, moment.at, accept_language) for each in found]
    ends = [expires_at(each.finding, moment, freshness_seconds) for each in found]
    if held.until is not None and moment.at >= moment.now:
        ends.append(max(held.until, moment.now))
    return Evaluation(
        decision=results[0].decision,
        reason=results[0].reason,
        message=results[0].message,
        results=results,
        **_times(request, moment, min(ends)),
    )


def _places(known: Directory, request: EvaluationRequest, at: int) -> list[_Place]:
    scheme, name = request.credential
    if request.authority is None:
        asked = [each.fact for each in known.authorities_calling(name)]
    else:
        asked = [authority_called(known, request.authority, at)]
    open_now = [each for each in asked if covers(each.valid_from, each.valid_until, at)]
    places = [
        _Place(each, resource)
        for each in open_now
        for resource in _resources(each, request.action, scheme, name)
    ]
    if len(places) > MAX_RESULTS:
        raise TooManyToList(f"over {MAX_RESULTS} authorities define that; name one of them as `authority`")
    return places


def _resources(authority: Authority, action: str, scheme: Scheme, name: str) -> Iterator[Resource]:
    """Yield the resources that a format calls so, as far as the authority defines the action on them."""
    defined = {each.resource for each in authority.defines if each.action == action}
    if scheme == "resource":
        described = {each.id: each for each in authority.resources}
        if name in defined:
            yield described.get(name, Resource(id=name))
        return
    for resource in authority.resources:
        names = {"type": resource.types, "vct": resource.vcts, "doc_type": resource.doc_types}[scheme]
        if name in names and resource.id in defined:
            yield resource


def _verdict(
    known: Directory, request: EvaluationRequest, held: Held, place: _Place, at: int
) -> _Verdict | None:
    """Return what one authority says; None: it is no authority at that time."""
    authority = known_as(known, place.authority.id, at)
    if authority is None:
        return None
    weighed = [
        (asked := _asked(request, authority, place, identifier, at), find(known, asked), identifier)
        for identifier in held.identifiers or (None,)
    ]
    granted = (each for each in weighed if each[1].reason not in _NOTHING_GRANTED)
    asked, finding, identifier = next(granted, weighed[0])
    said = _with_compromise(known, held, asked, finding)
    decision, reason, message = _with_certificates(held, said)
    return _Verdict(
        asked=asked,
        finding=finding,
        place=place,
        identifier=identifier,
        decision=decision,
        reason=reason,
        message=message,
        compromised_since=said.compromised_since,
    )


def _asked(
    request: EvaluationRequest, authority: str, place: _Place, identifier: HeldIdentifier | None, at: int
) -> Asked:
    return Asked(
        kind="authorization",
        authority=authority,
        entity="" if identifier is None else identifier.value,
        action=request.action,
        resource=place.resource.id,
        at=at,
        is_proven=request.time_is_proven,
    )


def _with_compromise(known: Directory, held: Held, asked: Asked, finding: Finding) -> Finding:
    """Return a finding with regard to what is held beside the identifier that was found."""
    since = min(filter(None, (_compromised_since(known, each, asked.at) for each in held.all)), default=None)
    if finding.decision != "yes" or since is None:
        return finding
    if since <= asked.at:
        return replace(finding, decision="no", reason="compromised", compromised_since=since)
    if asked.is_proven:
        return finding
    return replace(finding, decision="unknown", reason="compromised_later", compromised_since=since)


def _compromised_since(known: Directory, identifier: str, at: int) -> int | None:
    entity = entity_named(known, identifier, at)
    found = None if entity is None else identifier_of(entity.fact, identifier, at)
    return None if found is None else found.compromised_since


def _with_certificates(held: Held, finding: Finding) -> tuple[Decision, Reason, str]:
    """Return decision, reason and message with regard to what a certificate alone does not tell."""
    if held.is_part and finding.reason in ("entity_unknown", "not_granted"):
        return "unknown", "chain_missing", _MESSAGES["chain_missing"]
    if held.fault is not None and finding.reason in _NOTHING_GRANTED:
        return "no", "certificate_not_valid", held.fault
    return finding.decision, finding.reason, describe(finding, "authorization")


def _rank(verdict: _Verdict) -> tuple[int, int, str, str]:
    """Return what verdicts are sorted by: compromised, yes, unknown, no; then by reason; then by who says so."""
    decided = 0 if verdict.reason in _COMPROMISED else 1 + _DECISIONS.index(verdict.decision)
    reason = _REASONS.index(verdict.reason) if verdict.reason in _REASONS else -1
    return decided, reason, verdict.place.authority.id, verdict.place.resource.id


def _result(known: Directory, verdict: _Verdict, at: int, accept_language: str | None) -> AuthorityVerdict:
    finding, resource = verdict.finding, verdict.place.resource
    authority = known.entity(verdict.place.authority.id)
    assert authority is not None, "an authority is an entity"
    return AuthorityVerdict(
        decision=verdict.decision,
        reason=verdict.reason,
        message=verdict.message,
        authority=shown(authority.fact, at, accept_language),
        action=verdict.asked.action,
        resource=resource.id,
        requires_status=resource.requires_status,
        recorded_at=format_exact(finding.recorded_at),
        identifier=None if finding.entity is None else verdict.identifier,
        entity=None if finding.entity is None else shown(finding.entity.fact, at, accept_language),
        grant=_grant(finding),
        chain=[_item(each) for each in finding.chain],
        compromised_since=_time(verdict.compromised_since),
        late=is_late(known, verdict.asked, finding),
    )


def _grant(finding: Finding) -> ShownGrant | None:
    if finding.grant is None or finding.standing is None:
        return None
    grant, standing = finding.grant.fact, finding.standing
    return ShownGrant(
        id=grant.id,
        state=standing.phase,
        state_since=format_exact(standing.since),
        valid_from=format_exact(grant.valid_from),
        valid_until=_time(grant.valid_until),
        state_reason=standing.reason,
        constraints=grant.constraints,
    )


def _item(delegation: Delegation) -> DelegationItem:
    item = item_of(delegation)
    assert isinstance(item, DelegationItem)
    return replace(item, review_due=None)


def _without_results(
    request: EvaluationRequest, moment: Moment, reason: Reason, freshness_seconds: int
) -> Evaluation:
    return Evaluation(
        decision="unknown",
        reason=reason,
        message=_MESSAGES[reason],
        **_times(request, moment, moment.now + freshness_seconds * 1_000_000),
    )


def _times(request: EvaluationRequest, moment: Moment, expires: int) -> dict[str, Any]:
    return {
        "time_evaluated": format_utc(moment.now),
        "expires_at": format_utc(expires),
        "time_requested": request.time,
        "known_at": _time(moment.known_at),
    }


def _time(time: int | None) -> str | None:
    return None if time is None else format_exact(time)
