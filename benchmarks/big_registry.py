"""
A registry of any size, told as events: entities with one name, one DID and two authorizations each.

It is written past the index, in few large versions, so that a million authorizations take less than a minute.
"""

from collections.abc import Iterator
from itertools import islice

from registry.events import Cause, NewEvent, append, lock_head, new_event
from registry.known import FactChange
from registry.model import Authority, Definition, Entity, Fact, Grant, Identifier, derived_id, kind_of
from storage import Engine, Transaction

AUTHORITIES = 10
RESOURCES = 20  # that each authority defines
GRANTS_EACH = 2  # of each entity, by one authority
EVENTS_PER_VERSION = 100_000  # few, since each version writes nearly every page of the unique index again
ISSUE = "issue"
BEGIN = 1_704_067_200_000_000  # 2024-01-01, in microseconds since 1970

_CAUSE = Cause("bench", "import")


async def fill(database: Engine, entities: int) -> None:
    """Tell the registry of `database`, which is empty and migrated, of so many entities and their authorities."""
    events = _events(entities)
    while batch := list(islice(events, EVENTS_PER_VERSION)):
        await database.write(lambda tx, batch=batch: _append(tx, batch))  # type: ignore[misc]


def did_of(number: int) -> str:
    """Return the DID of an entity, 0, 1, 2..."""
    return f"did:web:e{number}.example"


def authority_did(number: int) -> str:
    """Return the DID of the authority that the entity of that number has its grants from."""
    return f"did:web:a{number % AUTHORITIES}.example"


def resources_of(number: int) -> tuple[str, ...]:
    """Return what an entity may issue."""
    return tuple(f"Credential{(number + index) % RESOURCES}" for index in range(GRANTS_EACH))


def question(number: int) -> dict[str, str]:
    """Return a query about an entity whose answer is yes."""
    return {
        "entity_id": did_of(number),
        "authority_id": authority_did(number),
        "action": ISSUE,
        "resource": resources_of(number)[0],
    }


def _append(tx: Transaction, events: list[NewEvent]) -> None:
    append(tx, lock_head(tx), events, _CAUSE, BEGIN)


def _events(entities: int) -> Iterator[NewEvent]:
    for fact in _facts(entities):
        yield new_event(FactChange(kind_of(fact), fact.id, fact, "add", BEGIN), 1)


def _facts(entities: int) -> Iterator[Fact]:
    for number in range(AUTHORITIES):
        yield from _authority(number)
    for number in range(entities):
        yield _entity(did_of(number), f"Issuer {number}")
        yield from _grants(number)


def _authority(number: int) -> Iterator[Fact]:
    yield _entity(authority_did(number), f"Authority {number}")
    yield Authority(
        id=_id(authority_did(number)),
        governance_framework="https://example.com/rules",
        defines=tuple(
            Definition(action=ISSUE, resource=f"Credential{resource}") for resource in range(RESOURCES)
        ),
    )


def _entity(did: str, name: str) -> Entity:
    return Entity(id=_id(did), names={"en": name}, identifiers=(Identifier(value=did),))


def _grants(number: int) -> Iterator[Grant]:
    authority_id, entity_id = _id(authority_did(number)), _id(did_of(number))
    for resource in resources_of(number):
        yield Grant(
            id=derived_id("g", authority_id, entity_id, resource),
            kind="authorization",
            authority_id=authority_id,
            entity_id=entity_id,
            action=ISSUE,
            resource=resource,
            valid_from=BEGIN,
        )


def _id(did: str) -> str:
    return derived_id("e", did)
