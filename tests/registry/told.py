"""A registry that a test tells facts, each at a time of its own, and what answers from it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from registry.answering import Answering
from registry.asking.metadata import Service
from registry.events import Cause
from registry.known import FactChange, Known
from registry.model import (
    Authority,
    Definition,
    Entity,
    Fact,
    Grant,
    Identifier,
    StateChange,
    kind_of,
)
from registry.registry import Registry
from registry.telling import Telling
from registry.trust import Trust
from tests.databases import SqlitePlace
from tests.registry.databases import a_database
from tests.registry.examples import EDU, LICENSING, UNI
from wire import decode, encode, parse_utc

BASE_URL = "https://registry.example"
OURS = "did:web:registry.example"
SERVICE = Service(
    base_url=BASE_URL,
    did=OURS,
    did_methods=("did:key", "did:web"),
    freshness_seconds=300,
    requests_per_second=100,
    burst=200,
)


def at(text: str) -> int:
    """Return a day, or a time, in microseconds since 1970."""
    return parse_utc(text if "T" in text else f"{text}T00:00:00Z")


NOW = at("2026-11-24T12:00:00Z")


def an_entity(id: str, *identifiers: str | Identifier, **more: Any) -> Entity:
    named = (each if isinstance(each, Identifier) else Identifier(value=each) for each in identifiers)
    return Entity(id=id, names={"en": id.capitalize()}, identifiers=tuple(named), **more)


def an_authority(id: str = "edu", **more: Any) -> Authority:
    pairs = (("issue", "Degree"), ("verify", "Degree"), ("issue", "Licence"))
    defines = tuple(Definition(action=action, resource=resource) for action, resource in pairs)
    return Authority(id=id, governance_framework=f"https://{id}.example/rules", defines=defines, **more)


def a_grant(id: str = "g1", **changes: Any) -> Grant:
    """Return that edu authorized uni to issue Degree from 2024 until 2028."""
    fields: dict[str, Any] = {
        "kind": "authorization",
        "authority_id": "edu",
        "entity_id": "uni",
        "action": "issue",
        "resource": "Degree",
        "valid_from": at("2024-01-01"),
        "valid_until": at("2028-01-01"),
    }
    return Grant(id=id, **(fields | changes))


def a_state(state: Any, since: str, **more: Any) -> StateChange:
    return StateChange(state=state, since=at(since), **more)


ENTITIES = (an_entity("edu", EDU), an_entity("lic", LICENSING), an_entity("uni", UNI))
AUTHORITIES = (an_authority("edu"), an_authority("lic"))


class Told:
    """The registry over a database, with a clock that the test sets."""

    def __init__(self, database: Any, index_path: Path | None = None) -> None:
        self.now = NOW
        self.database = database
        self.registry = Registry(database, lambda: self.now / 1_000_000, index_path=index_path)
        self.answering = Answering(self.registry, SERVICE)
        self.telling = Telling(self.registry, SERVICE)
        self.trust = Trust(self.registry, SERVICE.freshness_seconds)

    async def tell(self, *facts: Fact, when: int | None = None) -> int:
        """Record facts; return when they were recorded."""

        def plan(_: Known, now: int) -> tuple[FactChange, ...]:
            return tuple(FactChange(kind_of(fact), fact.id, fact, "add", now) for fact in facts)

        before, self.now = self.now, when or self.now
        recorded_at = await self.registry.edit(plan, lambda _, edit: edit.recorded_at, Cause("ada", "import"))
        self.now = max(before, recorded_at)
        return recorded_at

    async def ask(self, kind: str = "authorization", **changes: Any) -> dict[str, Any]:
        """Return the answer to whether UNI may issue Degree, says EDU."""
        question = {"entity_id": UNI, "authority_id": EDU, "action": "issue", "resource": "Degree"} | changes
        answer = getattr(self.answering, kind)(encode(question), "application/json")
        return decode((await answer).body, dict[str, Any], max_bytes=100_000)


@asynccontextmanager
async def a_registry(
    folder: Path, *facts: Fact, when: int = at("2024-01-01"), index_path: Path | None = None
) -> AsyncIterator[Told]:
    """Open a registry that learned of two authorities and a university, and of `facts`, at one time."""
    async with a_database(SqlitePlace(folder / "db")) as database:
        told = Told(database, index_path)
        await told.registry.load()
        by_key = {(kind_of(fact), fact.id): fact for fact in (*ENTITIES, *AUTHORITIES, *facts)}
        await told.tell(*by_key.values(), when=when)
        told.now = NOW
        yield told
