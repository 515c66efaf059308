"""What a question and an edit cost does not grow with the registry, nor with the history of what they are about."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from benchmarks.big_registry import did_of, fill, question
from registry.asking.standing import Asked, find
from registry.events import Cause, events_after
from registry.index.file import IndexFile
from registry.index.index import Index
from registry.known import FactChange, Known
from registry.registry import Registry
from tests.databases import Place, SqlitePlace
from tests.registry.databases import a_database
from tests.registry.examples import NOW
from tests.registry.statements import statements_of

pytestmark = pytest.mark.anyio

SMALL, LARGE = 20, 2_000  # entities; twice as many authorizations
CAUSE = Cause("ada", "change-set")


@asynccontextmanager
async def a_registry_of(entities: int, folder: Path) -> AsyncIterator[Registry]:
    async with a_database(SqlitePlace(folder / f"{entities}.db")) as database:
        await fill(database, entities)
        registry = Registry(database, lambda: NOW / 1_000_000)
        await registry.load()
        yield registry


async def rename(registry: Registry, did: str, name: str) -> None:
    """Give an entity another name."""

    def plan(known: Known, now: int) -> tuple[FactChange, ...]:
        entity = known.entities_named(did)[0].fact
        renamed = msgspec.structs.replace(entity, names={"en": name})
        return (FactChange("entity", entity.id, renamed, "change", now),)

    await registry.edit(plan, lambda *_: None, CAUSE)


async def void_grants(registry: Registry, did: str) -> None:
    """Say that an entity was never granted anything."""

    def plan(known: Known, now: int) -> tuple[FactChange, ...]:
        grants = known.grants_to(known.entities_named(did)[0].fact.id)
        return tuple(FactChange("authorization", each.fact.id, None, "void", now) for each in grants)

    await registry.edit(plan, lambda *_: None, CAUSE)


def ask(registry: Registry, number: int, known_at: int | None = None) -> str:
    of = question(number)
    asked = Asked(
        kind="authorization",
        authority=of["authority_id"],
        entity=of["entity_id"],
        action=of["action"],
        resource=of["resource"],
        at=NOW,
    )
    with registry.reading(known_at) as known:
        return find(known, asked).reason


def steps_of(registry: Registry, number: int, known_at: int | None = None) -> int:
    """Return how many steps SQLite's machine takes to answer one question."""
    ask(registry, number, known_at)  # Statements are prepared once.
    ticks = 0

    def tick() -> int:
        nonlocal ticks
        ticks += 1
        return 0

    connection = registry.index.connection()
    connection.set_progress_handler(tick, 1)
    try:
        assert ask(registry, number, known_at) == "active"
    finally:
        connection.set_progress_handler(None, 0)
    return ticks


async def test_a_question_costs_the_same_in_a_large_registry(tmp_path: Path) -> None:
    statements, steps = [], []
    for entities in (SMALL, LARGE):
        async with a_registry_of(entities, tmp_path) as registry:
            with statements_of(registry) as asked:
                assert ask(registry, 7) == "active"
            statements.append(asked)
            steps.append(steps_of(registry, 7))

    assert len(statements[0]) == len(statements[1])
    assert steps[0] == steps[1]


async def test_a_question_about_now_costs_the_same_however_often_its_facts_were_changed(
    tmp_path: Path,
) -> None:
    async with a_registry_of(SMALL, tmp_path) as registry:
        before = steps_of(registry, 7)
        for number in range(50):
            await rename(registry, did_of(7), f"name {number}")

        assert steps_of(registry, 7) == before


async def test_an_edit_touches_only_the_rows_of_what_it_changes(tmp_path: Path) -> None:
    statements, rows = [], []
    for entities in (SMALL, LARGE):
        async with a_database(SqlitePlace(tmp_path / f"{entities}.db")) as database:
            await fill(database, entities)
            registry, path = Registry(database, lambda: NOW / 1_000_000), tmp_path / f"{entities}.index"
            await Index(database, path).load()
            position = (await registry.index.load()).position
            await rename(registry, did_of(7), "another")
            events = await database.read(partial(events_after, position=position, limit=10))
            file, asked = IndexFile(path), []
            file.connection.set_trace_callback(asked.append)
            file.apply(events)
            statements.append(asked)
            rows.append(file.connection.total_changes)
            file.close()

    assert len(statements[0]) == len(statements[1])
    assert rows[0] == rows[1] <= 12  # Two revisions, a few keys of each, the words of the name, and progress.


async def test_a_file_that_was_filled_says_the_same_as_one_that_followed(place: Place) -> None:
    async with a_database(place) as database:
        registry, late = Registry(database, lambda: NOW / 1_000_000), Index(database)
        await registry.load()
        await late.load()
        await fill(database, 3)
        for number in range(3):
            await rename(registry, did_of(1), f"name {number}")
        await void_grants(registry, did_of(2))
        filled = Index(database)
        await filled.load()
        await late.follow()

        assert filled.dump() == registry.index.dump()
        assert late.dump() == registry.index.dump()


async def test_what_was_known_is_found_after_it_was_superseded(tmp_path: Path) -> None:
    async with a_registry_of(SMALL, tmp_path) as registry:
        before = registry.index.version
        with registry.reading() as known:
            then = known.entities_named(did_of(2))[0].recorded_at
        await void_grants(registry, did_of(2))

        assert registry.index.version == before + 1
        assert ask(registry, 2) == "not_granted"
        assert ask(registry, 2, known_at=then) == "active"
