"""Which DIDs are watched where the registry has more than may be: important ones, and the others in rotation."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from benchmarks.big_registry import AUTHORITIES, authority_did, did_of, fill
from registry.events import Cause
from registry.known import FactChange, Known
from registry.registry import Registry
from server.registered import RegisteredDids, WatchedDids
from tests.databases import SqlitePlace
from tests.registry.databases import a_database
from tests.registry.examples import NOW
from tests.registry.statements import statements_of

pytestmark = pytest.mark.anyio

INTERVAL = 3_600.0
ENTITIES = 200
EVERYBODY = frozenset(map(did_of, range(ENTITIES))) | frozenset(map(authority_did, range(AUTHORITIES)))


class Chooser:
    """A registry of 210 DIDs, and what chooses some of them, at a time that is set."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.seconds = 0.0

    async def grant_again(self, did: str) -> None:
        def again(known: Known, now: int) -> tuple[FactChange, ...]:
            entity = known.entities_named(did)[0].fact
            grant = msgspec.structs.replace(
                known.grants_to(entity.id)[0].fact, id="again", valid_from=now - 1
            )
            return (FactChange("authorization", grant.id, grant, "add", now),)

        await self.registry.edit(again, lambda *_: None, Cause("ada", "import"))

    def watched(self, limit: int) -> WatchedDids:
        return WatchedDids(self.registry, limit=limit, interval=INTERVAL, timer=lambda: self.seconds)


@pytest.fixture
async def chooser(tmp_path: Path) -> AsyncIterator[Chooser]:
    async with a_database(SqlitePlace(tmp_path / "registry.db")) as database:
        await fill(database, ENTITIES)
        registry = Registry(database, lambda: NOW / 1_000_000)
        await registry.load()
        yield Chooser(registry)


async def test_all_are_watched_where_there_are_no_more_than_may_be(chooser: Chooser) -> None:
    watched = chooser.watched(limit=len(EVERYBODY))

    assert await watched() == EVERYBODY
    chooser.seconds += 10 * INTERVAL
    assert await watched() is await watched()


async def test_authorities_come_first_and_no_more_than_the_limit_are_watched(chooser: Chooser) -> None:
    dids = await chooser.watched(limit=16)()

    assert len(dids) == 16
    assert dids >= frozenset(map(authority_did, range(AUTHORITIES)))


async def test_those_of_whom_the_registry_was_told_last_are_watched(chooser: Chooser) -> None:
    watched = chooser.watched(limit=40)
    before = await watched()
    late = next(did for did in map(did_of, range(ENTITIES)) if did not in before)
    await chooser.grant_again(late)

    after = await watched()

    assert late in after
    assert len(after) == 40


async def test_all_others_have_their_turn_in_rotation(chooser: Chooser) -> None:
    watched = chooser.watched(limit=40)
    looked_at = set(await watched())
    for _ in range(ENTITIES // 10 + 1):
        assert len(await watched()) == 40
        chooser.seconds += INTERVAL
        looked_at |= await watched()

    assert looked_at == EVERYBODY


async def test_choosing_takes_as_long_in_a_larger_registry(tmp_path: Path) -> None:
    asked = []
    for entities in (100, 3_000):
        async with a_database(SqlitePlace(tmp_path / f"{entities}.db")) as database:
            await fill(database, entities)
            registry = Registry(database, lambda: NOW / 1_000_000)
            await registry.load()
            watched = WatchedDids(registry, limit=20, interval=INTERVAL, timer=lambda: 0.0)
            with statements_of(registry) as statements:
                watched._choose()
            asked.append(len(statements))

    assert asked[0] == asked[1]


async def test_a_did_is_registered_where_an_entity_has_it(chooser: Chooser) -> None:
    registered = RegisteredDids(chooser.registry)

    assert registered.knows(did_of(7))
    assert registered.knows(authority_did(0))
    assert not registered.knows(did_of(ENTITIES))
