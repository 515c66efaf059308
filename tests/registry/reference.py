"""
The registry as its rules say it, as plainly as can be: a list of what it was told, scanned for each answer.

Nothing is shared with the code under test but the Structs of facts. Where both agree on a history, with every kind
of late edit in it, the index, its keys, and what decides on top of them lose nothing and invent nothing.
"""

from collections.abc import Iterator
from typing import NamedTuple

from registry.model import Authority, Delegation, Entity, Fact, FactKind, Grant

FOREVER = 10**18  # microseconds; after all that is told


class Told(NamedTuple):
    """One event: from `recorded_at` on a fact is known as `fact`; None: it was never so."""

    recorded_at: int
    kind: FactKind
    fact_id: str
    fact: Fact | None


class Question(NamedTuple):
    """What is asked: identifiers, a time that it is about, and whether that time is proven."""

    kind: str
    authority: str
    entity: str
    action: str
    resource: str
    at: int
    is_proven: bool


class Verdict(NamedTuple):
    """What is answered; `links` is how many delegations lead to the grant (-1: not told)."""

    decision: str
    reason: str
    entity_id: str | None = None
    grant_id: str | None = None
    links: int = -1


class Reference:
    """
    A list of events.

    Args:
        known_at: what was recorded later is not known.
    """

    def __init__(self, told: list[Told], known_at: int = FOREVER) -> None:
        self._told = told
        self._known_at = known_at

    def facts(self, kind: FactKind) -> list[Fact]:
        """Return what is known of a kind, in the order in which it was first told."""
        newest: dict[str, Fact | None] = {}
        for each in self._told:
            if each.kind == kind and each.recorded_at <= self._known_at:
                newest[each.fact_id] = each.fact
        return [fact for fact in newest.values() if fact is not None]

    def fact(self, kind: FactKind, fact_id: str) -> Fact | None:
        return next((fact for fact in self.facts(kind) if fact.id == fact_id), None)

    def named(self, identifier: str) -> list[Entity]:
        """Return who has an identifier at any time."""
        return [each for each in self._entities() if any(i.value == identifier for i in each.identifiers)]

    def answer(self, asked: Question) -> Verdict:
        authority = self._authority(asked)
        if authority is None:
            return Verdict("refused", "authority-not-found")
        if not any(
            (d.action, d.resource) == (asked.action, asked.resource)
            and is_within(d.valid_from, d.valid_until, asked.at)
            for d in authority.defines
        ):
            return Verdict("refused", "definition-not-found")
        holder = self._holder(asked.entity, asked.at)
        if holder is None:
            return Verdict("no", "identifier_not_valid" if self.named(asked.entity) else "entity_unknown")
        entity, compromises = holder
        grant = self._grant(asked, authority.id, entity.id)
        if grant is None:
            return Verdict("no", "not_granted", entity.id)
        return self._weigh(asked, authority, entity, grant, compromises)

    def _weigh(
        self, asked: Question, authority: Authority, entity: Entity, grant: Grant, compromises: list[int]
    ) -> Verdict:
        links = self._links(authority, grant, asked.at)
        state = state_at(grant, asked.at)
        compromises = [*compromises, *(c.compromised_since for c in grant.history if c.compromised_since)]
        if any(since <= asked.at for since in compromises):
            decision, reason = "no", "compromised"
        elif state != "active":
            decision, reason = "no", state
        elif links is None:
            decision, reason = "no", "delegation_missing"
        elif compromises and not asked.is_proven:
            decision, reason = "unknown", "compromised_later"
        elif grant.source is not None and not any(
            each.source == grant.source and asked.at < each.until for each in authority.vouching
        ):
            decision, reason = "unknown", "source_expired"
        else:
            decision, reason = "yes", "active"
        return Verdict(decision, reason, entity.id, grant.id, links or 0)

    def _authority(self, asked: Question) -> Authority | None:
        holder = self._holder(asked.authority, asked.at)
        found = self.fact("authority", holder[0].id) if holder else None
        is_open = isinstance(found, Authority) and is_within(found.valid_from, found.valid_until, asked.at)
        return found if is_open else None  # type: ignore[return-value]

    def _holder(self, identifier: str, at: int) -> tuple[Entity, list[int]] | None:
        """Return who has an identifier at a time, and since when its key is compromised."""
        for entity in self.named(identifier):
            for each in entity.identifiers:
                is_open = is_within(each.valid_from, each.valid_until, at)
                if (
                    each.value == identifier
                    and is_open
                    and is_within(entity.valid_from, entity.valid_until, at)
                ):
                    return entity, [each.compromised_since] if each.compromised_since is not None else []
        return None

    def _grant(self, asked: Question, authority_id: str, entity_id: str) -> Grant | None:
        """Return the one that began last, or where none has begun the one that begins first."""
        about = (asked.kind, authority_id, entity_id, asked.action, asked.resource)
        found = [
            g for g in self._grants() if about == (g.kind, g.authority_id, g.entity_id, g.action, g.resource)
        ]
        begun = [grant for grant in found if grant.valid_from <= asked.at]
        if begun:
            return max(begun, key=lambda grant: grant.valid_from)
        return min(found, key=lambda grant: grant.valid_from, default=None)

    def _links(self, authority: Authority, grant: Grant, at: int) -> int | None:
        """Return how many delegations lead from the authority to who granted; None: none do."""
        if grant.granted_by in (None, authority.id):
            return 0
        lengths = [
            len(path)
            for path in self._paths(authority.id, [grant.granted_by or ""], grant, at)
            if len(path) <= authority.max_delegations
        ]
        return min(lengths, default=None)

    def _paths(self, authority_id: str, nodes: list[str], grant: Grant, at: int) -> Iterator[list[str]]:
        """Yield each way from who granted up to the authority that meets nobody twice, as those on it."""
        for each in self._delegations():
            passed_on = len(nodes) - 1
            allows = (
                self._is_there(nodes[-1], at)
                and (each.authority_id, each.delegate_id) == (authority_id, nodes[-1])
                and grant.kind in each.kinds
                and grant.action in each.actions
                and (each.resources == () or grant.resource in each.resources)
                and each.further >= passed_on
                and state_at(each, at) == "active"
                and not any(
                    c.compromised_since is not None and c.compromised_since <= at for c in each.history
                )
            )
            if allows and each.grantor_id == authority_id:
                yield nodes
            elif allows and each.grantor_id not in nodes:
                yield from self._paths(authority_id, [*nodes, each.grantor_id], grant, at)

    def _is_there(self, entity_id: str, at: int) -> bool:
        entity = self.fact("entity", entity_id)
        return isinstance(entity, Entity) and is_within(entity.valid_from, entity.valid_until, at)

    def is_late(self, asked: Question) -> bool:
        """Tell whether by what was known at the time asked about the answer was another one."""
        then, now = Reference(self._told, min(self._known_at, asked.at)).answer(asked), self.answer(asked)
        return (then.decision, then.reason) != (now.decision, now.reason)

    def _entities(self) -> list[Entity]:
        return [fact for fact in self.facts("entity") if isinstance(fact, Entity)]

    def _grants(self) -> list[Grant]:
        both = (*self.facts("authorization"), *self.facts("recognition"))
        return [fact for fact in both if isinstance(fact, Grant)]

    def _delegations(self) -> list[Delegation]:
        return [fact for fact in self.facts("delegation") if isinstance(fact, Delegation)]


def is_within(valid_from: int | None, valid_until: int | None, at: int) -> bool:
    """Tell whether a time is at or after the one, and before the other."""
    return not (valid_from is not None and at < valid_from) and not (
        valid_until is not None and valid_until <= at
    )


def state_at(fact: Grant | Delegation, at: int) -> str:
    """Return what a grant is at a time, by telling its story from the beginning."""
    if at < fact.valid_from:
        return "not_yet_valid"
    state = "active"
    for change in fact.history:
        if change.since <= at:
            state = change.state
    if state not in ("revoked", "superseded") and fact.valid_until is not None and fact.valid_until <= at:
        return "expired"
    return state
