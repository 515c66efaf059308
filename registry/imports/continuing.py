"""
What becomes of identifiers, definitions and vouching of a fact that somebody says anew. Pure.

Identifiers and definitions have windows of their own, and most who name one say no times. So

- one that is not said any more ends now, and what was said of the past stays;
- one that is new begins now, unless it says otherwise;
- one that goes on keeps the beginning that it has.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from msgspec.structs import replace

from registry.errors import TooManyToList
from registry.items import MAX_DEFINITIONS, MAX_IDENTIFIERS
from registry.known import Known
from registry.model import Authority, Definition, Entity, Fact, Identifier, Vouching, by_pair, meet

P = TypeVar("P", Identifier, Definition)


def continued(known: Known, said: Fact, now: int) -> Fact:
    """
    Return a fact as it is to be recorded, of which somebody said no times.

    Raises:
        TooManyToList: with what ended, an entity had more identifiers, or an authority more definitions, than a
            file may list.
    """
    if isinstance(said, Entity):
        entity = known.entity(said.id)
        return _begun(known, said, now) if entity is None else _continued_entity(entity.fact, said, now)
    authority = known.authority(said.id) if isinstance(said, Authority) else None
    return said if authority is None else _continued_authority(authority.fact, said, now)  # type: ignore[arg-type]


def _begun(known: Known, entity: Entity, now: int) -> Entity:
    """Return a new entity; an identifier that was another one's until now is its own from now on."""
    identifiers = tuple(
        _since(each, (), now) if known.entities_named(each.value) else each for each in entity.identifiers
    )
    return replace(entity, identifiers=identifiers)


def _continued_entity(before: Entity, said: Entity, now: int) -> Entity:
    identifiers = _parts(before.identifiers, said.identifiers, now)
    _require_listable(f"the entity {said.id}", "identifiers", len(identifiers), MAX_IDENTIFIERS)
    return replace(said, identifiers=identifiers)


def _continued_authority(before: Authority, said: Authority, now: int) -> Authority:
    defines = tuple(sorted(_parts(before.defines, said.defines, now), key=by_pair))
    _require_listable(f"the authority {said.id}", "definitions", len(defines), MAX_DEFINITIONS)
    return replace(said, defines=defines, vouching=_vouching(before.vouching, said.vouching))


def _vouching(before: Iterable[Vouching], said: Iterable[Vouching]) -> tuple[Vouching, ...]:
    """Return until when sources vouch: that is theirs to say, and a file that is older knows less."""
    found = {each.source: each for each in (*said, *before)}
    return tuple(found[source] for source in sorted(found))


def _require_listable(of: str, what: str, count: int, most: int) -> None:
    if count > most:
        raise TooManyToList(
            f"{of} would have over {most} {what}, ended ones too, and no file may list so many"
        )


def _parts(before: Iterable[P], said: Iterable[P], now: int) -> tuple[P, ...]:
    had: defaultdict[object, list[P]] = defaultdict(list)
    for each in before:
        had[_key(each)].append(each)
    wanted: defaultdict[object, list[P]] = defaultdict(list)
    parts = [_since(each, had[_key(each)], now) for each in said]
    for each in parts:
        wanted[_key(each)].append(each)
    for each in before:
        if _is_begun(each, now) and not any(meet(_window(each), _window(new)) for new in wanted[_key(each)]):
            parts.append(_ended(each, now))
    return tuple(parts)


def _key(part: Identifier | Definition) -> object:
    return part.value if isinstance(part, Identifier) else (part.action, part.resource)


def _window(part: Identifier | Definition) -> tuple[int | None, int | None]:
    return part.valid_from, part.valid_until


def _since(part: P, had: Iterable[P], now: int) -> P:
    """Return a part that says no beginning with the one of what it goes on, or with now."""
    if part.valid_from is not None or any(_window(each) == _window(part) for each in had):
        return part
    starts = next((each.valid_from for each in had if not _is_over(each, now)), now)
    if starts is None or (part.valid_until is not None and part.valid_until <= starts):
        return part
    return replace(part, valid_from=starts)


def _is_begun(part: Identifier | Definition, now: int) -> bool:
    return part.valid_from is None or part.valid_from < now


def _is_over(part: Identifier | Definition, now: int) -> bool:
    return part.valid_until is not None and part.valid_until <= now


def _ended(part: P, now: int) -> P:
    return part if _is_over(part, now) else replace(part, valid_until=now)
