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

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property
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
from registry.asking.held import Held, compromises, held_by
from registry.asking.moments import Moment
from registry.asking.naming import authority_of, known_as
from registry.asking.shown import shown
from registry.asking.standing import (
    Asked,
    Decision,
    Finding,
    Turns,
    find,
    next_turn,
)
from registry.asking.trqp_answers import describe, expires_at, superseded_at
from registry.directory import Directory
from registry.errors import AuthorityNotFound, TooManyToList
from registry.identifiers import as_registered
from registry.items import DelegationItem, item_of
from registry.known import Revision
from registry.model import Authority, Delegation, Entity, Resource, defined_at
from wire import format_exact, format_utc

MAX_RESULTS = 100  # authorities and resources, of one question
_COMPROMISED = ("compromised", "compromised_later")
_COMPROMISED_THEN: tuple[Decision, Reason] = ("no", "compromised")
_COMPROMISED_LATER: tuple[Decision, Reason] = ("unknown", "compromised_later")
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

    @property
    def key(self) -> tuple[str, str]:
        return self.authority.id, self.resource.id


class _Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What an authority says (`finding`), and what that comes to where a certificate does not tell all."""

    asked: Asked
    finding: Finding
    place: _Place
    identifier: HeldIdentifier | None
    decision: Decision
    reason: Reason
    message: str


class Sight:
    """
    What somebody holds at a moment: paths of certificates, looked for once for all questions about them.

    Args:
        known: what was known at `moment.known_at`.
        request: says what is held, and no more than that counts here.
    """

    def __init__(self, known: Directory, request: EvaluationRequest, moment: Moment) -> None:
        self.known, self.moment = known, moment
        self._request = request

    @cached_property
    def held(self) -> Held:
        """What is held, by what is known; raises as `held_by`."""
        return held_by(self.known, self._request, self.moment.at)

    @cached_property
    def before(self) -> tuple[Directory, Held] | None:
        """What was known at the time asked about, and is held by that; None: that is now."""
        if self.moment.at >= self.moment.now:
            return None
        then = self.known.as_of(self.moment.at)
        return then, held_by(then, self._request, self.moment.at)


def evaluate(
    sight: Sight, request: EvaluationRequest, *, freshness_seconds: int, accept_language: str | None
) -> Evaluation:
    """
    Return the verdict, by what was known at `moment.known_at`.

    Args:
        sight: of what the request says is held, at the moment that it names.
        freshness_seconds: how long it may be relied on where an authority does not say.
        accept_language: which name of each is shown.

    Raises:
        MalformedBody: see `held_by`.
        TooManyToList: more than `MAX_RESULTS` authorities define that; name one.
    """
    known, moment, held = sight.known, sight.moment, sight.held
    turn = next_turn([held.until, *_turns_of_authorities(known, request)], moment.at)
    try:
        found = _verdicts(known, request, held, moment.at)
    except AuthorityNotFound:
        return _without_results(request, moment, "authority_unknown", turn, freshness_seconds)
    if not found:
        return _without_results(request, moment, "not_defined", turn, freshness_seconds)
    before = _verdicts_before(sight, request)
    results = [
        _result(known, each, _learned(known, each, before), moment.at, accept_language) for each in found
    ]
    fresh = min(expires_at(each.finding, moment, freshness_seconds) for each in found)
    return Evaluation(
        decision=results[0].decision,
        reason=results[0].reason,
        message=results[0].message,
        results=results,
        **_times(request, moment, turn, fresh),
    )


def _verdicts(known: Directory, request: EvaluationRequest, held: Held, at: int) -> list[_Verdict]:
    """Return what each authority says, what counts most first; AuthorityNotFound for one that was named."""
    verdicts = (_verdict(known, request, held, each, at) for each in _places(known, request, at))
    return sorted((each for each in verdicts if each is not None), key=_rank)


def _verdicts_before(sight: Sight, request: EvaluationRequest) -> dict[tuple[str, str], _Verdict] | None:
    """Return the verdicts by what was known at the time asked about, by their place; None: that is now."""
    if sight.before is None:
        return None
    with suppress(AuthorityNotFound):
        found = _verdicts(sight.before[0], request, sight.before[1], sight.moment.at)
        return {each.place.key: each for each in found}
    return {}


def _learned(
    known: Directory, verdict: _Verdict, before: dict[tuple[str, str], _Verdict] | None
) -> tuple[int, bool]:
    """Return when the registry learned the newest of what decides, and whether late; as `trqp_answers.learned`."""
    recorded_at = verdict.finding.recorded_at
    if before is None:
        return recorded_at, False
    then = before.get(verdict.place.key)
    if then is None:
        return recorded_at, True
    if (then.decision, then.reason) == (verdict.decision, verdict.reason):
        return recorded_at, False
    return max(recorded_at, superseded_at(known, then.finding)), True


def _turns_of_authorities(known: Directory, request: EvaluationRequest) -> Turns:
    """Return the times at which one that may be asked begins or ceases to answer, or to have a name, or a rule."""
    turns: Turns = []
    for entity in _asked_of(known, request):
        turns += (entity.fact.valid_from, entity.fact.valid_until)
        for each in entity.fact.identifiers:
            turns += (each.valid_from, each.valid_until)
        if (authority := known.authority(entity.fact.id)) is not None:
            turns += (authority.fact.valid_from, authority.fact.valid_until)
            for defined in authority.fact.defines:
                turns += (defined.valid_from, defined.valid_until)
    return turns


def _asked_of(known: Directory, request: EvaluationRequest) -> Iterable[Revision[Entity]]:
    """Return who may be asked, whatever the time: the one that was named, or whoever knows the credential."""
    reference = request.authority
    if reference is not None and ":" in reference:
        return known.entities_named(as_registered(reference))
    ids = [reference] if reference is not None else []
    if reference is None:
        ids = [each.fact.id for each in known.authorities_calling(request.credential[1])]
    found = (known.entity(each) for each in ids)
    return [each for each in found if each is not None]


def _places(known: Directory, request: EvaluationRequest, at: int) -> list[_Place]:
    scheme, name = request.credential
    if request.authority is None:
        there = (authority_of(known, each.fact, at) for each in _asked_of(known, request))
        asked = [each for each in there if each is not None]
    else:
        asked = [authority_called(known, request.authority, at)]
    places = [
        _Place(each, resource)
        for each in asked
        for resource in _resources(each, request.action, scheme, name, at)
    ]
    if len(places) > MAX_RESULTS:
        raise TooManyToList(f"over {MAX_RESULTS} authorities define that; name one of them as `authority`")
    return places


def _resources(authority: Authority, action: str, scheme: Scheme, name: str, at: int) -> Iterator[Resource]:
    """Yield the resources that a format calls so, as far as the authority defines the action on them."""
    defined = {each.resource for each in defined_at(authority, at) if each.action == action}
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
        finding=said,
        place=place,
        identifier=identifier,
        decision=decision,
        reason=reason,
        message=message,
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
    if finding.decision != "yes":
        return finding
    told = [each for identifier in held.all for each in compromises(known, identifier, asked.at)]
    since, who = min(told, key=lambda each: each[0], default=(None, None))
    if since is None or who is None or (since > asked.at and asked.is_proven):
        return finding
    decision, reason = _COMPROMISED_THEN if since <= asked.at else _COMPROMISED_LATER
    return replace(
        finding,
        decision=decision,
        reason=reason,
        compromised_since=since,
        others=(*finding.others, who),
    )


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


def _result(
    known: Directory, verdict: _Verdict, learned: tuple[int, bool], at: int, accept_language: str | None
) -> AuthorityVerdict:
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
        recorded_at=format_exact(learned[0]),
        identifier=None if finding.entity is None else verdict.identifier,
        entity=None if finding.entity is None else shown(finding.entity.fact, at, accept_language),
        grant=_grant(finding),
        chain=[_item(each) for each in finding.chain],
        compromised_since=_time(finding.compromised_since),
        late=learned[1],
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
    request: EvaluationRequest, moment: Moment, reason: Reason, turn: int | None, freshness_seconds: int
) -> Evaluation:
    """Return that nobody says anything, which an authority may from `turn` on."""
    return Evaluation(
        decision="unknown",
        reason=reason,
        message=_MESSAGES[reason],
        **_times(request, moment, turn, moment.now + freshness_seconds * 1_000_000),
    )


def unanswered(request: EvaluationRequest, moment: Moment, why: str, freshness_seconds: int) -> Evaluation:
    """Return that a question cannot be asked, and why."""
    fresh = moment.now + freshness_seconds * 1_000_000
    times = _times(request, moment, None, fresh)
    return Evaluation(decision="unknown", reason="entity_unknown", message=why, **times)


def _times(request: EvaluationRequest, moment: Moment, turn: int | None, fresh: int) -> dict[str, Any]:
    """Return the times of a verdict that holds up to `fresh`; where it is of now, not beyond `turn`."""
    is_of_now = moment.at >= moment.now
    return {
        "time_evaluated": format_utc(moment.now),
        "expires_at": format_utc(min(fresh, turn) if is_of_now and turn is not None else fresh),
        "time_requested": request.time,
        "known_at": _time(moment.known_at),
    }


def _time(time: int | None) -> str | None:
    return None if time is None else format_exact(time)
