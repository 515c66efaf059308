"""
Which facts claim the same at the same time: grants of one question, entities of one identifier. Pure.

Of very many, each is told a clash or two, found by halving: a file of nothing but clashes must not take much longer
than another one of its size.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from itertools import accumulate
from math import inf
from typing import TypeAlias

from registry.known import Revision
from registry.model import Entity, Grant, Identifier, ended_at, named_window

_Begin: TypeAlias = tuple[int, str]


def overlaps(one: Grant, other: Grant) -> bool:
    """
    Tell whether two grants of the same are in force at one time, or begin at once.

    Where two begin at once, be the first revoked at once, it would be chance which of them counts.
    """
    first, second = sorted((one, other), key=_begin)
    return second.valid_from < _end(first) or first.valid_from == second.valid_from


class SameGrants:
    """The grants of one question, in the order in which they begin."""

    def __init__(self, grants: Iterable[Revision[Grant]], listed: Set[str]) -> None:
        """Take the grants, and the ids of those that are looked at."""
        self._grants = sorted((each.fact for each in grants), key=_begin)
        self._begins = [_begin(each) for each in self._grants]
        self._furthest = list(accumulate(self._grants, _further))
        self._others = [each for each in self._grants if each.id not in listed]
        self._other_begins = [_begin(each) for each in self._others]

    def overlapping(self, grant: Grant) -> Iterator[Grant]:
        """Yield what a grant overlaps: one that begins earlier, and one that begins later and is not looked at."""
        index = bisect_left(self._begins, _begin(grant))
        if index:
            yield from _first([self._furthest[index - 1], self._grants[index - 1]], grant)
        later = bisect_right(self._other_begins, _begin(grant))
        yield from _first(self._others[later : later + 1], grant)


def _first(grants: Sequence[Grant], grant: Grant) -> list[Grant]:
    return [each for each in grants if each.id != grant.id and overlaps(each, grant)][:1]


def _further(one: Grant, other: Grant) -> Grant:
    return max(one, other, key=_end)


def _begin(grant: Grant) -> _Begin:
    return grant.valid_from, grant.id


def _end(grant: Grant) -> float:
    end = ended_at(grant)
    return inf if end is None else end


class Holders:
    """
    Whose an identifier is, and when: of the entities that are not looked at, and of those that were taken in.

    Of each identifier there are windows that do not meet. Who comes later takes over what it covers: it is as good
    an answer as those before, and so the windows stay few.
    """

    def __init__(self, entities_named: Callable[[str], Iterable[Revision[Entity]]], listed: Set[str]) -> None:
        self._entities_named = entities_named
        self._listed = listed
        self._held: dict[str, _Held] = {}

    def of(self, entity: Entity, identifier: Identifier) -> str | None:
        """Return who else has an identifier at some time at which this entity has it."""
        return self._held_of(identifier.value).holder(entity.id, *_bounds(entity, identifier))

    def take_in(self, entity: Entity) -> None:
        """Let an entity be one of those that have its identifiers."""
        for identifier in entity.identifiers:
            self._held_of(identifier.value).add(entity.id, *_bounds(entity, identifier))

    def _held_of(self, value: str) -> "_Held":
        if value not in self._held:
            held = self._held[value] = _Held()
            for fact in (each.fact for each in self._entities_named(value)):
                for identifier in fact.identifiers if fact.id not in self._listed else ():
                    if identifier.value == value:
                        held.add(fact.id, *_bounds(fact, identifier))
        return self._held[value]


class _Held:
    """Windows that do not meet, in order, each with the id of who has it."""

    def __init__(self) -> None:
        self._begins: list[float] = []
        self._ends: list[float] = []
        self._ids: list[str] = []

    def holder(self, but: str, begin: float, end: float) -> str | None:
        """Return who has a window that meets this one, but for one."""
        met = range(*self._met(begin, end)) if begin < end else ()
        return next((self._ids[index] for index in met if self._ids[index] != but), None)

    def add(self, holder: str, begin: float, end: float) -> None:
        first, last = self._met(begin, end)
        if begin >= end or (last - first == 1 and self._begins[first] <= begin and end <= self._ends[first]):
            return
        if first < last and self._begins[first] < begin:
            self._ends[first] = begin
            first += 1
        if first < last and end < self._ends[last - 1]:
            self._begins[last - 1] = end
            last -= 1
        self._begins[first:last], self._ends[first:last], self._ids[first:last] = [begin], [end], [holder]

    def _met(self, begin: float, end: float) -> tuple[int, int]:
        return bisect_right(self._ends, begin), bisect_left(self._begins, end)


def _bounds(entity: Entity, identifier: Identifier) -> tuple[float, float]:
    begin, end = named_window(entity, identifier)
    return -inf if begin is None else begin, inf if end is None else end
