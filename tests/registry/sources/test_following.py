"""Standing sources that go back, are removed, or are looked at while others act."""

import pytest
from msgspec.structs import replace

from tests.databases import Place
from tests.registry.sources.test_sources import DID, HOUR, LIST, OTHER, a_world

pytestmark = pytest.mark.anyio


async def test_a_list_does_not_go_back_while_what_it_says_is_held(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        before = world.page
        await world.sources.add(world.operator, replace(LIST, policy="hold"))
        await world.sources.step()
        held = (await world.view()).held_sha256
        await world.sources.refresh(world.operator, "list", lets_pass=held)
        world.now += 1
        await world.sources.step()
        world.publish(OTHER, LoTESequenceNumber=9)
        world.now += 6 * HOUR
        await world.sources.step()
        assert (await world.view()).held == 3

        world.page = before
        world.now += 6 * HOUR
        await world.sources.step()

        assert ((await world.view()).held, (await world.view()).sequence) == (3, 7)
        assert "number 9 was seen before" in (world.problems["list"] or "")


async def test_a_source_that_is_added_anew_does_not_go_back(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        before = world.page
        await world.sources.add(world.operator, LIST)
        world.publish(OTHER, LoTESequenceNumber=8)
        await world.sources.step()
        await world.sources.remove(world.operator, "list")

        world.page = before
        await world.sources.add(world.operator, LIST)
        await world.sources.step()

        assert "number 8 was seen before" in (world.problems["list"] or "")
        assert world.ask(DID) == "entity_unknown"
