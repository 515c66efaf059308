"""
What the registry knew at one recorded time, as those who ask see it; and the same with changes laid over it. Pure.
"""

from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar

import msgspec

from registry.looks import looks_of
from registry.model import Authority, Delegation, Entity, Fact, FactKind, Grant, Kind, kind_of

F = TypeVar("F")
LATE = 10_000_000  # microseconds; what is told when it takes effect is recorded a moment later
Key = tuple[FactKind, str]  # what identifies a fact: its kind and its id


class Revision(msgspec.Struct, Generic[F], frozen=True):
    """
    A fact as one event says it.

    Attributes:
        number: 1, 2, 3... of this fact; what `If-Match` names.
        recorded_at: when the registry learned it, in microseconds since 1970.
    """

    fact: F
    number: int
    recorded_at: int


class FactChange(msgspec.Struct, frozen=True):
    """
    What an event is to say: the whole new value of a fact.

    Attributes:
        fact: None: that it was never so (voided).
        what: the verb: "add", "change", "end", "suspend", "resume", "revoke", "correct", "void".
        effective_at: the earliest time whose answers may differ, in microseconds since 1970.
    """

    kind: FactKind
    id: str
    fact: Fact | None
    what: str
    effective_at: int

    @property
    def key(self) -> Key:
        return self.kind, self.id


class Known(Protocol):
    """Facts that were voided are not there; those that ended are."""

    def fact(self, kind: FactKind, fact_id: str) -> Revision[Fact] | None:
        """Return the newest revision of a fact."""
        ...

    def recorded_at(self, kind: FactKind, fact_id: str) -> int:
        """Return when the newest revision of a fact was recorded, also that it was voided; 0: there is none."""
        ...

    def entity(self, entity_id: str) -> Revision[Entity] | None: ...

    def authority(self, authority_id: str) -> Revision[Authority] | None: ...

    def entities_named(self, identifier: str) -> tuple[Revision[Entity], ...]:
        """Return the entities that have, had or will have this identifier (in canonical form)."""
        ...

    def entities_like(self, look: str) -> tuple[Revision[Entity], ...]:
        """Return the entities of which a name or an identifier looks so (`looks.py`)."""
        ...

    def grants(
        self, kind: Kind, authority_id: str, entity_id: str, action: str, resource: str
    ) -> tuple[Revision[Grant], ...]:
        """Return the grants that one question is about, by ids of ours, oldest window first."""
        ...

    def grants_to(self, entity_id: str) -> tuple[Revision[Grant], ...]:
        """Return all grants to an entity."""
        ...

    def granted(self, kind: Kind, authority_id: str, action: str, resource: str) -> Iterator[Revision[Grant]]:
        """Yield all that was granted in an authority's name on one action and resource; there may be very many."""
        ...

    def delegations_to(self, authority_id: str, delegate_id: str) -> tuple[Revision[Delegation], ...]:
        """Return the delegations of an authority's power to an entity."""
        ...

    def all(self, kind: FactKind, *, after: str = "") -> Iterator[Revision[Fact]]:
        """Yield every fact of a kind in the order of ids, those beyond `after`; for work that may take long."""
        ...

    def as_of(self, known_at: int) -> "Known":
        """Return what was known at a recorded time that is not later than this one, while this may be used."""
        ...


class Nothing:
    """What an empty registry knows."""

    def fact(self, kind: FactKind, fact_id: str) -> Revision[Fact] | None:  # noqa: ARG002
        """As `Known.fact`."""
        return None

    def recorded_at(self, kind: FactKind, fact_id: str) -> int:  # noqa: ARG002
        """As `Known.recorded_at`."""
        return 0

    def entity(self, entity_id: str) -> Revision[Entity] | None:  # noqa: ARG002
        """As `Known.entity`."""
        return None

    def authority(self, authority_id: str) -> Revision[Authority] | None:  # noqa: ARG002
        """As `Known.authority`."""
        return None

    def entities_named(self, identifier: str) -> tuple[Revision[Entity], ...]:  # noqa: ARG002
        """As `Known.entities_named`."""
        return ()

    def entities_like(self, look: str) -> tuple[Revision[Entity], ...]:  # noqa: ARG002
        """As `Known.entities_like`."""
        return ()

    def grants(self, *asked: str) -> tuple[Revision[Grant], ...]:  # noqa: ARG002
        """As `Known.grants`."""
        return ()

    def grants_to(self, entity_id: str) -> tuple[Revision[Grant], ...]:  # noqa: ARG002
        """As `Known.grants_to`."""
        return ()

    def granted(self, *asked: str) -> Iterator[Revision[Grant]]:  # noqa: ARG002
        """As `Known.granted`."""
        yield from ()

    def delegations_to(self, authority_id: str, delegate_id: str) -> tuple[Revision[Delegation], ...]:  # noqa: ARG002
        """As `Known.delegations_to`."""
        return ()

    def all(self, kind: FactKind, *, after: str = "") -> Iterator[Revision[Fact]]:  # noqa: ARG002
        """As `Known.all`."""
        yield from ()

    def as_of(self, known_at: int) -> "Known":  # noqa: ARG002
        """As `Known.as_of`."""
        return self


class Overlaid:
    """What is known, with changes laid over it that are not recorded yet; the last of one fact counts."""

    def __init__(self, known: Known, changes: Iterable[FactChange], now: int) -> None:
        self._known = known
        self._now = now
        self._changes = {change.key: change for change in changes}
        self._facts = [change.fact for change in self._changes.values() if change.fact is not None]
        self._named: dict[str, list[Entity]] = {}
        self._like: dict[str, list[Entity]] = {}
        self._granted: dict[tuple[str, ...], list[Grant]] = {}
        self._granted_to: dict[str, list[Grant]] = {}
        self._delegated: dict[tuple[str, str], list[Delegation]] = {}
        for fact in self._facts:
            self._file(fact)

    def _file(self, fact: Fact) -> None:
        if isinstance(fact, Entity):
            for identifier in fact.identifiers:
                self._named.setdefault(identifier.value, []).append(fact)
            for look in set(looks_of(fact)):
                self._like.setdefault(look, []).append(fact)
        elif isinstance(fact, Grant):
            self._granted.setdefault(question_of(fact), []).append(fact)
            self._granted_to.setdefault(fact.entity_id, []).append(fact)
        elif isinstance(fact, Delegation):
            self._delegated.setdefault((fact.authority_id, fact.delegate_id), []).append(fact)

    def fact(self, kind: FactKind, fact_id: str) -> Revision[Fact] | None:
        """As `Known.fact`."""
        before = self._known.fact(kind, fact_id)
        change = self._changes.get((kind, fact_id))
        if change is None:
            return before
        return None if change.fact is None else self._revision(change.fact, before)

    def recorded_at(self, kind: FactKind, fact_id: str) -> int:
        """As `Known.recorded_at`."""
        return self._now if (kind, fact_id) in self._changes else self._known.recorded_at(kind, fact_id)

    def entity(self, entity_id: str) -> Revision[Entity] | None:
        """As `Known.entity`."""
        return self.fact("entity", entity_id)  # type: ignore[return-value]

    def authority(self, authority_id: str) -> Revision[Authority] | None:
        """As `Known.authority`."""
        return self.fact("authority", authority_id)  # type: ignore[return-value]

    def entities_named(self, identifier: str) -> tuple[Revision[Entity], ...]:
        """As `Known.entities_named`."""
        return self._merged(self._known.entities_named(identifier), self._named.get(identifier, ()))

    def entities_like(self, look: str) -> tuple[Revision[Entity], ...]:
        """As `Known.entities_like`."""
        return self._merged(self._known.entities_like(look), self._like.get(look, ()))

    def grants(
        self, kind: Kind, authority_id: str, entity_id: str, action: str, resource: str
    ) -> tuple[Revision[Grant], ...]:
        """As `Known.grants`."""
        before = self._known.grants(kind, authority_id, entity_id, action, resource)
        new = self._granted.get((kind, authority_id, entity_id, action, resource), ())
        return oldest_first(self._merged(before, new))

    def grants_to(self, entity_id: str) -> tuple[Revision[Grant], ...]:
        """As `Known.grants_to`."""
        return self._merged(self._known.grants_to(entity_id), self._granted_to.get(entity_id, ()))

    def delegations_to(self, authority_id: str, delegate_id: str) -> tuple[Revision[Delegation], ...]:
        """As `Known.delegations_to`."""
        before = self._known.delegations_to(authority_id, delegate_id)
        return self._merged(before, self._delegated.get((authority_id, delegate_id), ()))

    def all(self, kind: FactKind, *, after: str = "") -> Iterator[Revision[Fact]]:
        """As `Known.all`, new ones last."""
        for before in self._known.all(kind, after=after):
            if (kind, before.fact.id) not in self._changes:
                yield before
        for fact in self._facts:
            if kind_of(fact) == kind and fact.id > after:
                yield self._revision(fact, self._known.fact(kind, fact.id))

    def granted(self, kind: Kind, authority_id: str, action: str, resource: str) -> Iterator[Revision[Grant]]:
        """As `Known.granted`, new ones last."""
        before = self._known.granted(kind, authority_id, action, resource)
        yield from (each for each in before if _key(each.fact) not in self._changes)
        for fact in self._facts:
            if isinstance(fact, Grant) and _pair_of(fact) == (kind, authority_id, action, resource):
                yield self._revision(fact, self._known.fact(kind, fact.id))

    def as_of(self, known_at: int) -> Known:
        """As `Known.as_of`; before now there were no changes."""
        return self if known_at >= self._now else self._known.as_of(known_at)

    def _merged(self, before: Iterable[Revision[F]], new: Iterable[F]) -> tuple[Revision[F], ...]:
        kept = [each for each in before if _key(each.fact) not in self._changes]
        return (*kept, *(self._revision(fact, self._known.fact(*_key(fact))) for fact in new))

    def _revision(self, fact: F, before: Revision[Fact] | None) -> Revision[F]:
        return Revision(fact, 1 if before is None else before.number + 1, self._now)


def question_of(grant: Grant) -> tuple[Kind, str, str, str, str]:
    """Return what a grant is about, as the arguments of `Known.grants`."""
    return grant.kind, grant.authority_id, grant.entity_id, grant.action, grant.resource


def _pair_of(grant: Grant) -> tuple[Kind, str, str, str]:
    return grant.kind, grant.authority_id, grant.action, grant.resource


def oldest_first(grants: Iterable[Revision[Grant]]) -> tuple[Revision[Grant], ...]:
    """Return grants in the order of their windows."""
    return tuple(sorted(grants, key=lambda each: (each.fact.valid_from, each.fact.id)))


def _key(fact: object) -> Key:
    assert isinstance(fact, Fact)
    return kind_of(fact), fact.id
