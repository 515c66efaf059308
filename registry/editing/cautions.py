"""
What an approver should know of changes that break no rule: odd windows, look-alikes, and which DIDs are new. Pure.
"""

from collections.abc import Iterator, Sequence

import msgspec

from registry.editing.shapes import Caution
from registry.known import FactChange, Known
from registry.looks import look_of_identifier, look_of_name
from registry.model import Entity, Fact
from wire import format_utc

LONG = 10 * 366 * 86_400_000_000  # microseconds; over ten years nobody knows what will be

SAYS_ALL = frozenset({"add", "change", "correct"})  # verbs that give a fact its whole value


class NewDid(msgspec.Struct, frozen=True):
    """A DID that a change gives an entity, and where it stands."""

    did: str
    pointer: str


def cautions(known: Known, changes: Sequence[FactChange], now: int) -> Iterator[Caution]:
    """
    Yield what is odd about changes.

    Args:
        known: the registry as it would be with all of them, as `Overlaid` has it.
        now: microseconds since 1970.
    """
    for number, change in enumerate(changes):
        if change.fact is not None and change.what in SAYS_ALL:
            pointer = f"/operations/{number}/fact"
            yield from _windows(change, change.fact, now, pointer)
            if isinstance(change.fact, Entity):
                yield from _alike(known, change.fact, pointer)


def new_dids(known: Known, changes: Sequence[FactChange]) -> list[NewDid]:
    """Return the DIDs that changes give to entities that did not have them, each once."""
    found: dict[str, NewDid] = {}
    for number, change in enumerate(changes):
        if isinstance(change.fact, Entity):
            before = known.entity(change.id)
            had = {each.value for each in before.fact.identifiers} if before is not None else set()
            for index, identifier in enumerate(change.fact.identifiers):
                if identifier.value.startswith("did:") and identifier.value not in had:
                    pointer = f"/operations/{number}/fact/identifiers/{index}/value"
                    found.setdefault(identifier.value, NewDid(identifier.value, pointer))
    return list(found.values())


def _windows(change: FactChange, fact: Fact, now: int, pointer: str) -> Iterator[Caution]:
    until, review = fact.valid_until, fact.review_due
    if until is not None and until <= now and change.what != "correct":
        yield Caution(f"{pointer}/valid_until", "ends_in_the_past", f"it ended on {format_utc(until)}")
    if until is not None and until - (fact.valid_from or now) > LONG:
        yield Caution(f"{pointer}/valid_until", "long_window", "it lasts for over ten years")
    if review is not None and until is not None and review >= until:
        yield Caution(f"{pointer}/review_due", "review_after_end", "it ends before anybody looks at it again")
    if review is not None and review <= now:
        yield Caution(f"{pointer}/review_due", "review_in_the_past", f"it was due on {format_utc(review)}")


def _alike(known: Known, entity: Entity, pointer: str) -> Iterator[Caution]:
    for language, name in entity.names.items():
        if other := _other(known, entity, look_of_name(name)):
            what = f"the name reads like one of {other.id}, {_name(other)}"
            yield Caution(f"{pointer}/names/{language}", "resembles_another_name", what)
    for index, identifier in enumerate(entity.identifiers):
        look = look_of_identifier(identifier.value)
        if look is not None and (other := _other(known, entity, look)):
            what = f"it reads like an identifier of {other.id}, {_name(other)}"
            yield Caution(f"{pointer}/identifiers/{index}/value", "resembles_another_identifier", what)


def _other(known: Known, entity: Entity, look: str) -> Entity | None:
    found = (each.fact for each in known.entities_like(look))
    return next((each for each in found if each.id != entity.id), None)


def _name(entity: Entity) -> str:
    return entity.names.get("en") or next(iter(entity.names.values()))
