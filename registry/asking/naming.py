"""
What the world calls an entity at one time, and who of them is an authority. Pure.
"""

from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from registry.identifiers import as_registered
from registry.known import Known
from registry.model import Authority, Entity, LocalisedText, covers


def text_in_english(localised: LocalisedText) -> str:
    """Return the English text, else the first; "" where there is none."""
    return localised.get("en") or next(iter(localised.values()), "")


def identifier_at(entity: Entity, at: int) -> str | None:
    """Return the first identifier that an entity has at a time, a DID if there is one; None where it has none."""
    valid = [each.value for each in entity.identifiers if covers(each.valid_from, each.valid_until, at)]
    return min(valid, key=lambda each: not each.startswith("did:"), default=None)


def known_as(known: Known, entity_id: str, at: int) -> str | None:
    """Return `identifier_at` of the entity with an id of ours; None where it is not there at that time."""
    entity = known.entity(entity_id)
    is_there = entity is not None and covers(entity.fact.valid_from, entity.fact.valid_until, at)
    return identifier_at(entity.fact, at) if entity is not None and is_there else None


def is_authority(known: Known, entity: Entity, at: int) -> bool:
    """Tell whether an entity answers for an ecosystem at a time."""
    return authority_of(known, entity, at) is not None


def authority_of(known: Known, entity: Entity, at: int) -> Authority | None:
    """Return what an entity answers for at a time; both its own window and the authority's are open then."""
    found = known.authority(entity.id)
    if found is None or not covers(entity.valid_from, entity.valid_until, at):
        return None
    return found.fact if covers(found.fact.valid_from, found.fact.valid_until, at) else None


def authorities(known: Known, at: int, *, after: str = "") -> Iterator[Authority]:
    """Yield the authorities that answer at a time, by id, those beyond `after`."""
    for each in known.all("authority", after=after):
        entity = known.entity(each.fact.id)
        authority = None if entity is None else authority_of(known, entity.fact, at)
        if authority is not None:
            yield authority


def reference_in(known: Known, raw: bytes) -> str:
    """
    Return the id or identifier that a segment of a path names: decoded once.

    Or as it stands, where that is known and the other is not: `did:web:host%3A8000` is often left as it is.
    """
    decoded, verbatim = unquote_to_bytes(raw).decode("utf-8", "replace"), raw.decode("latin-1")
    is_verbatim = not known.entities_named(as_registered(decoded)) and known.entities_named(verbatim)
    return verbatim if is_verbatim else decoded
