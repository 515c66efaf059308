"""
Rows of releases before 0.3 become events. Store.

There a registry was replaced version by version, and rows were closed. Version N of then is version N of now, with
the times at which it was recorded; so the step can be resumed wherever it stopped. It is run before the node
serves.
"""

from collections.abc import Iterator, Sequence

import msgspec

from registry.events import Cause, NewEvent, append, body_of, lock_head
from registry.identifiers import canonical_identifier
from registry.model import (
    Authority,
    Definition,
    Entity,
    Fact,
    Grant,
    Identifier,
    Kind,
    Link,
    LocalisedText,
    StateChange,
    derived_id,
    kind_of,
)
from storage import Database, Row, Transaction

_CAUSE = Cause("touchstone", "upgrade")


class _Authority(msgspec.Struct, frozen=True):
    id: str
    names: LocalisedText
    governance_framework: str
    defines: tuple[Definition, ...]
    description: LocalisedText = {}


class _Entity(msgspec.Struct, frozen=True):
    id: str
    names: LocalisedText
    url: str | None = None


class _Grant(msgspec.Struct, frozen=True):
    kind: Kind
    authority_id: str
    entity_id: str
    action: str
    resource: str
    valid_from: int
    valid_until: int | None = None
    history: tuple[StateChange, ...] = ()


async def adopt_former_rows(database: Database) -> int:
    """Make events of the rows that releases before 0.3 left; return how many versions of them there were."""
    adopted = 0
    while await database.read(has_former_rows):
        adopted += await database.write(_adopt_next)
    return adopted


def has_former_rows(tx: Transaction) -> bool:
    """Tell whether there are rows that are not events yet."""
    row = tx.one(
        "SELECT f.version AS former, h.version AS head FROM registry_version f JOIN registry_head h ON h.id = f.id"
    )
    return row is not None and int(row["head"]) < int(row["former"])


def _adopt_next(tx: Transaction) -> bool:
    """Make the events of the next version of then; tell whether there was one."""
    head = lock_head(tx)
    former = tx.one("SELECT version FROM registry_version WHERE id = 1")
    if former is None or head.version >= int(former["version"]):
        return False
    version = head.version + 1
    opened = tx.all(
        "SELECT kind, body, recorded_at FROM registry_facts WHERE version = :version ORDER BY id",
        {"version": version},
    )
    closed = tx.all(
        "SELECT kind, body, closed_at AS recorded_at FROM registry_facts WHERE closed_version = :version"
        " ORDER BY id",
        {"version": version},
    )
    at = max((int(row["recorded_at"]) for row in (*opened, *closed)), default=head.recorded_at)
    events = _events(tx, opened, closed, head.next_time(at))
    append(tx, head, events, _CAUSE, at)
    return True


def _events(tx: Transaction, opened: Sequence[Row], closed: Sequence[Row], at: int) -> list[NewEvent]:
    """
    Return what a version of then, recorded at a time, changed.

    That is what it opened, and, of what it closed, all that it did not open again.
    """
    said = {(kind_of(fact), fact.id): fact for row in opened for fact in _facts(row)}
    gone = {(kind_of(fact), fact.id) for row in closed for fact in _facts(row)} - said.keys()
    events = [_event(tx, kind, fact_id, fact, at) for (kind, fact_id), fact in said.items()]
    return events + [_event(tx, kind, fact_id, None, at) for kind, fact_id in sorted(gone)]


def _event(tx: Transaction, kind: str, fact_id: str, fact: Fact | None, at: int) -> NewEvent:
    row = tx.one(
        "SELECT MAX(revision) AS last FROM registry_events WHERE kind = :kind AND fact_id = :id",
        {"kind": kind, "id": fact_id},
    )
    number = int(row["last"] or 0) + 1 if row is not None else 1
    what = "void" if fact is None else "add" if number == 1 else "correct"
    effective_at = getattr(fact, "valid_from", None) or at  # nobody said since when it is so
    return NewEvent(kind, fact_id, number, what, effective_at, None if fact is None else body_of(fact))


def _facts(row: Row) -> Iterator[Fact]:
    """Yield what a row of then says; an authority was no entity there."""
    if row["kind"] == "authority":
        former = msgspec.json.decode(row["body"], type=_Authority)
        entity = _entity_of(former.id, former.names)
        yield msgspec.structs.replace(entity, description=former.description)
        yield Authority(
            id=entity.id, governance_framework=former.governance_framework, defines=former.defines
        )
    elif row["kind"] == "entity":
        of = msgspec.json.decode(row["body"], type=_Entity)
        links = (Link(rel="home", href=of.url),) if of.url is not None else ()
        yield msgspec.structs.replace(_entity_of(of.id, of.names), links=links)
    else:
        yield _grant(msgspec.json.decode(row["body"], type=_Grant))


def _entity_of(identifier: str, names: LocalisedText) -> Entity:
    value = canonical_identifier(identifier)
    return Entity(id=derived_id("e", value), names=names, identifiers=(Identifier(value=value),))


def _grant(former: _Grant) -> Grant:
    authority_id, entity_id = (
        derived_id("e", canonical_identifier(each)) for each in (former.authority_id, former.entity_id)
    )
    about = (authority_id, entity_id, former.action, former.resource)
    return Grant(
        id=derived_id("g", former.kind, *about, former.valid_from),
        kind=former.kind,
        authority_id=authority_id,
        entity_id=entity_id,
        action=former.action,
        resource=former.resource,
        valid_from=former.valid_from,
        valid_until=former.valid_until,
        history=former.history,
    )
