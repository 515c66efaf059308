"""Nodes see one another by a row each, and who goes silent without having ended in order is an alarm."""

from collections.abc import AsyncIterator

import pytest

from operators import AlarmKind
from server.database import MIGRATIONS
from server.vitals import node_store
from server.vitals.nodes import KEPT_SECONDS, SILENT_SECONDS, Nodes
from storage import Engine, migrate
from tests.databases import Place

pytestmark = pytest.mark.anyio


class World:
    """Two nodes with clocks of their own, and what the first tells."""

    def __init__(self, database: Engine) -> None:
        self.database = database
        self.seconds = 0.0
        self.told: dict[str, str | None] = {}
        self.one = self._node("one", 1_700_000_000)
        self.other = self._node("other", 1_699_999_000)

    def _node(self, name: str, epoch: float) -> Nodes:
        return Nodes(
            self.database,
            name,
            on_state=self._note,
            clock=lambda: epoch + self.seconds,
            timer=lambda: self.seconds,
        )

    def _note(self, kind: AlarmKind, subject: str, reason: str | None) -> None:
        assert kind is AlarmKind.NODE_SILENT
        self.told[subject] = reason

    async def pass_by(self, seconds: float, *alive: Nodes) -> None:
        for _ in range(int(seconds / 5)):
            self.seconds += 5
            for node in alive:
                await node.see()
            await self.one.look()


@pytest.fixture
async def world(place: Place) -> AsyncIterator[World]:
    database = place.open()
    await migrate(database, MIGRATIONS)
    yield World(database)
    database.close()


async def test_a_node_that_goes_silent_is_an_alarm_until_it_is_back(world: World) -> None:
    await world.pass_by(300, world.one, world.other)
    well = world.told.get("other")
    await world.pass_by(SILENT_SECONDS, world.one)
    soon = world.told.get("other")
    await world.pass_by(10, world.one)
    silent = world.told.get("other")
    await world.pass_by(5, world.one, world.other)

    assert well is soon is None
    assert silent is not None
    assert "did not end in order" in silent
    assert world.told == {"one": None, "other": None}


async def test_a_node_that_ended_in_order_is_no_alarm(world: World) -> None:
    await world.pass_by(10, world.one, world.other)
    await world.other.end()
    await world.pass_by(600, world.one)
    ended = await world.database.read(node_store.all_nodes)
    await world.other.see()
    again = await world.database.read(node_store.all_nodes)

    assert world.told["other"] is None
    assert [row.ended_at is None for row in ended] == [True, False]
    assert [row.ended_at for row in again] == [None, None]
    assert again[1].started_at > ended[1].started_at, "it started anew"


async def test_a_node_that_was_taken_away_is_forgotten_after_a_day_and_so_is_its_alarm(world: World) -> None:
    await world.pass_by(10, world.one, world.other)
    await world.pass_by(100, world.one)
    silent = world.told["other"]
    world.seconds += KEPT_SECONDS
    await world.one.see()
    await world.one.forget(1_700_000_000 + world.seconds)
    await world.one.look()

    assert silent is not None
    assert world.told["other"] is None
    assert "other" not in {row.name for row in await world.database.read(node_store.all_nodes)}


async def test_a_leader_that_begins_ends_no_alarm_before_it_has_heard_of_the_node(world: World) -> None:
    await world.pass_by(60, world.one, world.other)
    await world.pass_by(SILENT_SECONDS + 30, world.one)
    raised = world.told.pop("other")
    world.one = world._node("one", 1_700_000_000)  # The process was replaced.
    await world.pass_by(30, world.one)
    soon = "other" in world.told
    await world.pass_by(60, world.one, world.other)

    assert raised is not None
    assert not soon
    assert world.told["other"] is None
