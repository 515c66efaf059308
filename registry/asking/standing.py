"""
May this entity do that, at a time, says an authority: the one place that decides. Pure.

- An identifier names an entity while both its own window and the entity's are open.
- Nothing is implied: recognition is neither mutual nor transitive, and no authority recognises itself.
- What was compromised from some time on is not trusted from then on. Nor is what claims an earlier time: whoever
  has the key can write any time. Unless that time is proven by other means, the answer is "unknown".
"""

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import msgspec

from registry.asking.chain import Chain, chain_of, powers_above
from registry.errors import AuthorityNotFound, DefinitionNotFound
from registry.known import Known, Revision
from registry.model import (
    Authority,
    Delegation,
    Entity,
    Grant,
    Identifier,
    Kind,
    Phase,
    Standing,
    covers,
    defined_at,
    definitions_of,
    standing_at,
)

Decision: TypeAlias = Literal["yes", "no", "unknown"]
Reason: TypeAlias = (
    Phase
    | Literal[
        "entity_unknown",  # nobody has this identifier
        "identifier_not_valid",  # somebody had it, or will, and not at that time
        "not_granted",  # the entity is known, and nothing of the kind was granted to it
        "delegation_missing",  # it was granted by one who had no power to, at that time
        "compromised",  # whoever held the key then may be somebody else
        "compromised_later",  # what claims that time may have been made later
        "source_expired",  # the standing source that says so vouches for it no longer
    ]
)

_NOT_OURS = "this registry does not answer for the authority; its DID document may name one that does"

Turns: TypeAlias = list[int | None]  # Times at which an answer may change; None: there is none.


class Asked(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    A question, identifiers in canonical form.

    Attributes:
        at: the time it is about, in microseconds since 1970.
        is_proven: whether it is proven that what is asked about existed then, and not only claimed.
    """

    kind: Kind
    authority: str
    entity: str
    action: str
    resource: str
    at: int
    is_proven: bool = False


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    What was found, and on what it rests.

    Attributes:
        authority: who was asked.
        others: who the authority is, and by which delegations of whom it was granted, or might have been; or who
            has the identifier at another time.
        until: until when this holds, as far as it is known; None: no end known.
    """

    decision: Decision
    reason: Reason
    authority: Revision[Authority]
    entity: Revision[Entity] | None = None
    grant: Revision[Grant] | None = None
    standing: Standing | None = None
    chain: Chain = ()
    compromised_since: int | None = None
    others: tuple[Revision[Any], ...] = ()
    until: int | None = None

    @property
    def rests_on(self) -> list[Revision[Any]]:
        """All that this rests on."""
        return [each for each in (self.authority, self.entity, self.grant, *self.others) if each is not None]

    @property
    def recorded_at(self) -> int:
        """When the registry learned the newest of what this rests on."""
        return max([each.recorded_at for each in self.rests_on])


def find(known: Known, asked: Asked) -> Finding:
    """
    Answer one question.

    Raises:
        AuthorityNotFound: the authority is not one of this registry at that time.
        DefinitionNotFound: it does not define the action on the resource.
    """
    asked_of = _authority_named(known, asked.authority, asked.at)
    if asked_of is None:
        raise AuthorityNotFound(_NOT_OURS, pointer="/authority_id")
    holder, authority = asked_of
    require_defined(authority.fact, asked.action, asked.resource, asked.at)
    named = known.entities_named(asked.entity)
    turns = turns_of_names((holder,), asked.authority) + turns_of_names(named, asked.entity)
    turns += (authority.fact.valid_from, authority.fact.valid_until)
    for defined in definitions_of(authority.fact, asked.action, asked.resource):
        turns += (defined.valid_from, defined.valid_until)
    turns += [each.until for each in authority.fact.vouching]
    entity = _named(named, asked.entity, asked.at)
    if entity is None:
        reason: Reason = "identifier_not_valid" if named else "entity_unknown"
        until = next_turn(turns, asked.at)
        return Finding(
            decision="no", reason=reason, authority=authority, others=(holder, *named), until=until
        )
    grants = known.grants(asked.kind, authority.fact.id, entity.fact.id, asked.action, asked.resource)
    for each in grants:
        turns += turns_of(each.fact)
    if not grants:
        return Finding(
            decision="no",
            reason="not_granted",
            authority=authority,
            entity=entity,
            others=(holder,),
            until=next_turn(turns, asked.at),
        )
    return _weighed(known, asked, asked_of, entity, _nearest(grants, asked.at), turns)


def entity_named(known: Known, identifier: str, at: int) -> Revision[Entity] | None:
    """Return the entity that has an identifier at a time."""
    return _named(known.entities_named(identifier), identifier, at)


def authority_named(known: Known, identifier: str, at: int) -> Revision[Authority]:
    """
    Return the authority that has an identifier at a time.

    Raises:
        AuthorityNotFound: none of this registry has.
    """
    named = _authority_named(known, identifier, at)
    if named is None:
        raise AuthorityNotFound(_NOT_OURS)
    return named[1]


def _authority_named(
    known: Known, identifier: str, at: int
) -> tuple[Revision[Entity], Revision[Authority]] | None:
    """Return the entity that has an identifier at a time, and what it answers for then."""
    for entity in known.entities_named(identifier):
        found = known.authority(entity.fact.id) if _names(entity.fact, identifier, at) else None
        if found is not None and covers(found.fact.valid_from, found.fact.valid_until, at):
            return entity, found
    return None


def require_defined(authority: Authority, action: str, resource: str, at: int) -> None:
    """
    Refuse a question that the authority has no rule for at a time.

    A pair is defined or not: an action and a resource that are each defined with another are not enough.

    Raises:
        DefinitionNotFound: `pointer` names the member.
    """
    for each in definitions_of(authority, action, resource):
        if covers(each.valid_from, each.valid_until, at):
            return
    if all(each.action != action for each in defined_at(authority, at)):
        raise DefinitionNotFound("the authority does not define this action", pointer="/action")
    raise DefinitionNotFound(
        "the authority does not define this action for this resource", pointer="/resource"
    )


def identifier_of(entity: Entity, value: str, at: int) -> Identifier | None:
    """Return the entity's identifier of that value which is valid at `at`."""
    for each in entity.identifiers:  # Of most entities there is one; a generator would take longer to make.
        if each.value == value and covers(each.valid_from, each.valid_until, at):
            return each
    return None


def _named(entities: tuple[Revision[Entity], ...], identifier: str, at: int) -> Revision[Entity] | None:
    for each in entities:
        if _names(each.fact, identifier, at):
            return each
    return None


def _names(entity: Entity, identifier: str, at: int) -> bool:
    return covers(entity.valid_from, entity.valid_until, at) and bool(identifier_of(entity, identifier, at))


def _nearest(grants: tuple[Revision[Grant], ...], at: int) -> Revision[Grant]:
    """Return the grant whose window began last by `at`, or the first of all where none has begun."""
    begun = [grant for grant in grants if grant.fact.valid_from <= at]
    return begun[-1] if begun else grants[0]


def _weighed(
    known: Known,
    asked: Asked,
    asked_of: tuple[Revision[Entity], Revision[Authority]],
    entity: Revision[Entity],
    grant: Revision[Grant],
    turns: Turns,
) -> Finding:
    holder, authority = asked_of
    standing = standing_at(grant.fact, asked.at)
    compromised = _compromised_since(entity.fact, asked, standing)
    chain = chain_of(known, authority.fact, grant.fact, asked.at)
    vouched_until = _vouched_until(authority.fact, grant.fact)
    decision, reason = _decide(standing.phase, compromised, asked, has_power=chain is not None)
    if decision == "yes" and vouched_until is not None and vouched_until <= asked.at:
        decision, reason = "unknown", "source_expired"
    above = list(powers_above(known, grant.fact))
    for each in above:
        turns += turns_of(each.fact)
    return Finding(
        decision=decision,
        reason=reason,
        authority=authority,
        entity=entity,
        grant=grant,
        standing=standing,
        chain=chain or (),
        compromised_since=compromised,
        others=(holder, *(each for each in above if chain is None or _is_of(each.fact, chain))),
        until=next_turn(turns, asked.at),
    )


def _vouched_until(authority: Authority, grant: Grant) -> int | None:
    """Return until when a standing source vouches for the grant; None: an operator does, for as long as it says."""
    if grant.source is None:
        return None
    return next((each.until for each in authority.vouching if each.source == grant.source), 0)


def _decide(
    phase: Phase, compromised: int | None, asked: Asked, *, has_power: bool
) -> tuple[Decision, Reason]:
    if compromised is not None and compromised <= asked.at:
        return "no", "compromised"
    if phase != "active":
        return "no", phase
    if not has_power:
        return "no", "delegation_missing"
    if compromised is not None and not asked.is_proven:
        return "unknown", "compromised_later"
    return "yes", "active"


def _compromised_since(entity: Entity, asked: Asked, standing: Standing) -> int | None:
    identifier = identifier_of(entity, asked.entity, asked.at)
    of_key = None if identifier is None else identifier.compromised_since
    if of_key is None or standing.compromised_since is None:
        return standing.compromised_since if of_key is None else of_key
    return min(of_key, standing.compromised_since)


def _is_of(fact: Delegation | Entity, chain: Chain) -> bool:
    return fact in chain or any(fact.id == each.delegate_id for each in chain)


def next_turn(turns: Turns, at: int) -> int | None:
    """Return the first time after `at` from which the answer may be another one; None: none is known."""
    return min([turn for turn in turns if turn is not None and turn > at], default=None)


def turns_of_names(entities: Iterable[Revision[Entity]], value: str) -> Turns:
    """Return the times at which an identifier begins or ceases to be somebody's, or to be trusted."""
    turns: Turns = []
    for entity in entities:
        turns += (entity.fact.valid_from, entity.fact.valid_until)
        for each in entity.fact.identifiers:
            if each.value == value:
                turns += (each.valid_from, each.valid_until, each.compromised_since)
    return turns


def turns_of(fact: Grant | Delegation | Entity) -> Turns:
    """Return the times at which what a fact says changes."""
    turns: Turns = [fact.valid_from, fact.valid_until]
    if isinstance(fact, Entity):
        return turns
    for change in fact.history:
        turns += (change.since, change.compromised_since)
    return turns
