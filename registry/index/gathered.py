"""
What is known, as `reading.Indexed`, for whoever asks many questions at once: looked up together, and kept. Store.

A lookup of its own takes longest to begin; of many at once each takes a third of that.
"""

from collections.abc import Hashable, Iterable
from typing import Any, Literal, overload

from registry.index.keys import key
from registry.index.reading import FOUND, Indexed
from registry.known import Revision
from registry.model import Authority, Entity, Fact, FactKind, Kind

AT_ONCE = 256  # keys in one statement
REMEMBERED = 512  # facts, and identifiers, that one thread remembers

# Kind, identifier of the authority, of the entity, action, resource.
Question = tuple[Kind, str, str, str, str]


class Gathered(Indexed):
    """As `Indexed`; each thing is looked up once."""

    def __init__(self, connection: Any, known_at: int | None = None) -> None:
        super().__init__(connection, known_at)
        self._gathered: dict[tuple[str, ...], list[Revision[Any]]] = {}
        self._facts: dict[tuple[FactKind, str], Revision[Any] | None] = {}
        self._named: dict[str, tuple[Revision[Entity], ...]] = {}

    def is_of(self, connection: Any) -> bool:
        """Tell whether this is read over a connection."""
        return self._connection is connection

    def expect(self, questions: Iterable[Question]) -> None:
        """Look up together what these questions are about, in canonical identifiers."""
        questions = list(questions)
        self._gather(
            ("named", name) for _, authority, entity, _, _ in questions for name in (authority, entity)
        )
        self._gather(
            ("asked", kind, by.fact.id, about.fact.id, action, resource)
            for kind, authority, entity, action, resource in questions
            for by in self.entities_named(authority)
            for about in self.entities_named(entity)
        )

    @overload
    def fact(self, kind: Literal["entity"], fact_id: str) -> Revision[Entity] | None: ...
    @overload
    def fact(self, kind: Literal["authority"], fact_id: str) -> Revision[Authority] | None: ...
    @overload
    def fact(self, kind: FactKind, fact_id: str) -> Revision[Fact] | None: ...

    def fact(self, kind: FactKind, fact_id: str) -> Revision[Any] | None:
        """As `Known.fact`."""
        if (kind, fact_id) not in self._facts:
            self._facts[kind, fact_id] = super().fact(kind, fact_id)
        return self._facts[kind, fact_id]

    def entities_named(self, identifier: str) -> tuple[Revision[Entity], ...]:
        """As `Known.entities_named`."""
        if identifier not in self._named:
            self._named[identifier] = super().entities_named(identifier)
        return self._named[identifier]

    def _found(self, *parts: str) -> Iterable[Revision[Any]]:
        gathered = self._gathered.get(parts)
        return super()._found(*parts) if gathered is None else gathered

    def _gather(self, wanted: Iterable[tuple[str, ...]]) -> None:
        by_key: dict[int, list[Revision[Any]]] = {}
        for parts in wanted:
            if parts not in self._gathered:
                self._gathered[parts] = by_key.setdefault(key(*parts), [])
        keys = list(by_key)
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            statement = FOUND.format(f"IN ({', '.join('?' * len(some))})")
            for each, revision in self._look_up(statement, *some):
                by_key[each].append(revision)


class Remembered(Gathered):
    """
    As `Gathered`, for all questions of one thread while nothing is recorded: authorities are asked for every time.

    Attributes:
        state: what it is of (`Index.state`).
    """

    def __init__(self, connection: Any, state: Hashable) -> None:
        super().__init__(connection)
        self.state = state

    def trim(self) -> None:
        """Forget what was looked up, where that is much."""
        for remembered in (self._facts, self._named):
            if len(remembered) > REMEMBERED:
                remembered.clear()
