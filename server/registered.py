"""
Which DIDs the registry knows, and which of them are looked at now and then. Service.

A registry may have more DIDs than a process should hold, or than anybody can look at. So one that is named is
looked up in the index; and a bounded number is watched, those that matter most:

1. authorities;
2. entities of which the registry was told something last: they are new or changed, or an active grant or a
   delegation of theirs is;
3. in the place that is left, a quarter at least, all others in rotation: after each interval the next ones.
"""

import asyncio
from collections.abc import Callable, Iterator
from itertools import chain, islice, takewhile

from observatory.watching import WATCHED
from registry.index.reading import Indexed
from registry.model import Authority, Entity, Fact, Grant, standing_at
from registry.registry import Registry

FACTS_FOR_EACH = 10  # facts that are read for each DID that is watched; many may be about one entity
ROTATING = 4  # one in so many is watched in rotation
REST = 20  # times as long as choosing took passes before it is done again, however often the registry changes
CHOOSE_ANEW = -1  # no version of a registry


class RegisteredDids:
    """The DIDs of all entities, asked for one by one."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def knows(self, did: str) -> bool:
        """Tell whether an entity has, had or will have a DID, in its one spelling; takes some microseconds."""
        with self._registry.reading() as known:
            return bool(known.entities_named(did))


class WatchedDids:
    """
    The DIDs that are watched; chosen anew when the registry changed, and when others have their turn.

    Args:
        limit: how many at most.
        interval: seconds between two looks at a DID, after which others are watched in rotation.
        timer: monotonic seconds.
    """

    def __init__(
        self, registry: Registry, *, limit: int, interval: float, timer: Callable[[], float]
    ) -> None:
        self._registry = registry
        self._limit = limit
        self._interval = interval
        self._timer = timer
        self._dids: frozenset[str] = frozenset()
        self._version = 0  # Of the registry, when they were chosen.
        self._not_before = self._rotated_at = timer()
        self._first = self._last = ""  # Ids: the entities beyond the first, up to the last, are in rotation.

    async def __call__(self) -> frozenset[str]:
        """Return them; the same object as long as they are the same."""
        began = self._timer()
        if began >= self._rotated_at + self._interval:
            self._rotated_at = began
            if self._first != self._last:
                self._first, self._version = self._last, CHOOSE_ANEW
        if self._version != self._registry.version and began >= self._not_before:
            await asyncio.to_thread(self._choose)
            self._not_before = self._timer() + REST * (self._timer() - began)
        return self._dids

    def _choose(self) -> None:
        with self._registry.reading() as known:
            self._version = self._registry.version
            dids, self._last = choose(known, self._limit, self._registry.now(), self._first)
        if dids != self._dids:
            self._dids = dids


def choose(known: Indexed, limit: int, now: int, first: str) -> tuple[frozenset[str], str]:
    """
    Return at most `limit` DIDs, and the id of the last entity that was chosen in rotation.

    Args:
        now: microseconds since 1970.
        first: the rotation begins with the entities beyond this id; it is returned where all are chosen.
    """
    chosen: set[str] = set()
    for did in _most_important(known, limit * FACTS_FOR_EACH, now):
        if len(chosen) >= limit - limit // ROTATING:
            break
        chosen.add(did)
    last = first
    for entity in _in_rotation(known, first):
        if len(chosen) >= limit:
            return frozenset(chosen), last
        chosen.update(islice(_dids_of(entity), limit - len(chosen)))
        last = entity.id
    return frozenset(chosen), first


def _most_important(known: Indexed, facts: int, now: int) -> Iterator[str]:
    for authority in known.all("authority"):
        yield from _dids_of_id(known, authority.fact.id)
    for told in islice(known.newest(), facts):
        if (about := _subject(told.fact, now)) is not None:
            yield from _dids_of_id(known, about)


def _subject(fact: Fact, now: int) -> str | None:
    """Return the id of the entity that a fact is about; None: it is about nobody any more, or not yet."""
    if isinstance(fact, Entity | Authority):
        return fact.id
    about = fact.entity_id if isinstance(fact, Grant) else fact.delegate_id
    return about if standing_at(fact, now).phase == "active" else None


def _in_rotation(known: Indexed, first: str) -> Iterator[Entity]:
    """Return all entities in the order of their ids, beginning beyond `first`."""
    beyond = known.all("entity", after=first)
    others = takewhile(lambda each: each.fact.id <= first, known.all("entity"))
    return (each.fact for each in chain(beyond, others) if isinstance(each.fact, Entity))


def _dids_of_id(known: Indexed, entity_id: str) -> Iterator[str]:
    found = known.entity(entity_id)
    return iter(()) if found is None else _dids_of(found.fact)


def _dids_of(entity: Entity) -> Iterator[str]:
    return (each.value for each in entity.identifiers if each.value.startswith(WATCHED))
