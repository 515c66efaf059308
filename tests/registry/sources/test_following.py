"""Standing sources that go back, are removed, or are looked at while others act."""

from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace

from registry.events import Cause
from registry.files import Files
from registry.identifiers import certificate_identifier
from registry.known import FactChange
from registry.model import Grant, State, StateChange
from registry.sources.model import AnchorSource
from tests.databases import Place
from tests.registry.imports.lists import AT
from tests.registry.sources.test_sources import (
    AUTHORITY,
    CA,
    DID,
    HOUR,
    ISSUE,
    LIST,
    OTHER,
    URL,
    World,
    a_world,
)

pytestmark = pytest.mark.anyio

OWN = {
    "version": 2,
    "entities": [
        {"id": "authority", "names": {"en": "Authority"}, "identifiers": [{"value": AUTHORITY}]},
    ],
    "authorities": [
        {
            "id": "authority",
            "governance_framework": "https://authority.example/",
            "defines": [{"action": "issue", "resource": "PID"}],
        },
    ],
}


async def imports(world: World, data: bytes, *, corrects: bool = False) -> None:
    await Files(world.registry, world.database).import_file(world.operator, data, corrects=corrects)


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


async def changes(world: World, identifier: str, state: State) -> None:
    """An operator gives the one grant of an identifier another state, as a change set does."""
    with world.registry.reading() as known:
        (entity,) = known.entities_named(identifier)
        (found,) = known.grants_to(entity.fact.id)
    history = (*found.fact.history, StateChange(state=state, since=world.now, reason="an audit"))
    grant: Grant = replace(found.fact, history=history)
    change = FactChange("authorization", grant.id, grant, "change", world.now)
    cause = Cause("operator", "change-set")
    await world.registry.edit(lambda known, now: (change,), lambda tx, edit: None, cause)


@pytest.mark.parametrize("state", ["suspended", "revoked"])
@pytest.mark.parametrize("kind", ["list", "anchors"])
async def test_what_an_operator_did_to_a_grant_of_a_source_is_not_undone_by_a_look(
    place: Place, state: State, kind: str
) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        source, asked = LIST, DID
        if kind == "anchors":
            world.page, asked = CA.certificate.public_bytes(Encoding.PEM), certificate_identifier(CA.der)
            source = AnchorSource(id="list", url=URL, authority_id=AUTHORITY, rights=(ISSUE,), policy="pass")
        await world.sources.add(world.operator, source)
        await world.sources.step()
        world.now += HOUR
        await changes(world, asked, state)

        for _ in range(2):
            world.now += 6 * HOUR
            await world.sources.step()

        assert (world.ask(asked), world.ask(asked, AT), world.problems["list"]) == (state, "active", None)
        (remark,) = (await world.sources.show("list")).remarks
        assert "an operator changed the grant" in remark


async def test_what_an_operator_lifts_goes_on_and_ends_with_the_list(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        await world.sources.add(world.operator, LIST)
        await world.sources.step()
        world.now += HOUR
        await changes(world, DID, "suspended")
        world.now += 6 * HOUR
        await changes(world, DID, "active")
        await world.sources.step()
        assert (world.ask(DID), world.ask(DID, AT + 2 * HOUR)) == ("active", "suspended")

        world.publish(OTHER, LoTESequenceNumber=8)
        world.now += 6 * HOUR
        await world.sources.step()

        assert world.ask(DID) == "expired"


async def test_the_import_of_ones_own_file_leaves_what_sources_say(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        await world.sources.add(world.operator, LIST)
        await world.sources.step()
        world.now += HOUR

        await imports(world, msgspec.json.encode(OWN))

        assert world.ask(DID) == "active"


async def test_the_import_of_an_older_export_revives_nothing_that_a_source_ended(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        await world.sources.add(world.operator, LIST)
        await world.sources.step()
        exported = await Files(world.registry, world.database).export()
        world.publish(OTHER, LoTESequenceNumber=8)
        world.now += 6 * HOUR
        await world.sources.step()

        world.now += HOUR
        await imports(world, exported)

        assert (world.ask(DID), world.ask(OTHER)) == ("expired", "active")


async def test_what_an_operator_grants_himself_is_his_and_does_not_end_with_the_source(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        await world.sources.add(world.operator, LIST)
        await world.sources.step()
        own = msgspec.json.decode(await Files(world.registry, world.database).export())
        for item in (*own["entities"], *own["authorizations"]):
            item.pop("source", None)
        world.now += HOUR

        await imports(world, msgspec.json.encode(own), corrects=True)
        await world.sources.remove(world.operator, "list")

        assert world.ask(DID) == "active"


async def test_a_source_that_is_removed_and_added_again_begins_anew_and_the_gap_stays(place: Place) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        await world.sources.add(world.operator, LIST)
        await world.sources.step()
        world.now += HOUR
        await world.sources.remove(world.operator, "list")

        world.now += HOUR
        await world.sources.add(world.operator, LIST)
        await world.sources.step()
        version = world.registry.version
        world.now += 6 * HOUR
        await world.sources.step()

        assert (world.ask(DID), world.ask(DID, AT)) == ("active", "active")
        assert world.ask(DID, AT + HOUR + 1) == "expired"
        assert world.registry.version == version


async def test_what_is_wrong_with_a_source_is_over_when_it_is_removed(place: Place) -> None:
    async with a_world(place) as world:
        await world.sources.add(world.operator, LIST)
        await world.sources.step()
        assert world.problems == {"list": "no answer"}

        await world.sources.remove(world.operator, "list")
        await world.sources.step()

        assert world.problems == {"list": None}


async def test_another_process_tells_once_this_one_leaves(place: Place) -> None:
    async with a_world(place) as world:
        await world.sources.add(world.operator, LIST)
        await world.sources.step()

        world.sources.leave()

        assert world.problems == {"list": None}


async def test_a_source_that_is_removed_during_its_look_keeps_no_other_waiting(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        await world.sources.add(world.operator, LIST)
        await world.sources.add(world.operator, replace(LIST, id="other"))
        fetch = world.sources._fetch

        async def removing(url: str) -> bytes:
            monkeypatch.setattr(world.sources, "_fetch", fetch)
            await world.sources.remove(world.operator, "list")
            return await fetch(url)

        monkeypatch.setattr(world.sources, "_fetch", removing)

        await world.sources.step()

        assert [each.source.id for each in (await world.sources.list()).sources] == ["other"]
        assert (world.ask(DID), world.problems["list"]) == ("active", None)


async def test_a_look_that_comes_before_a_removal_leaves_no_grant(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        await world.sources.add(world.operator, LIST)
        await world.sources.step()
        world.publish(DID, OTHER, LoTESequenceNumber=8)
        world.now += 6 * HOUR
        edit = world.registry.edit

        async def after_a_look(*args: Any, **options: Any) -> Any:
            monkeypatch.setattr(world.registry, "edit", edit)
            await world.sources.step()
            return await edit(*args, **options)

        monkeypatch.setattr(world.registry, "edit", after_a_look)

        await world.sources.remove(world.operator, "list")

        assert (world.ask(DID), world.ask(OTHER)) == ("expired", "expired")


async def test_a_look_says_nothing_of_a_source_that_was_added_otherwise_meanwhile(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_world(place) as world:
        world.publish(DID)
        await world.sources.add(world.operator, LIST)
        fetch = world.sources._fetch

        async def replacing(url: str) -> bytes:
            monkeypatch.setattr(world.sources, "_fetch", fetch)
            await world.sources.remove(world.operator, "list")
            await world.sources.add(world.operator, replace(LIST, policy="hold"))
            return await fetch(url)

        monkeypatch.setattr(world.sources, "_fetch", replacing)

        await world.sources.step()

        assert world.ask(DID) == "entity_unknown"
        assert (await world.view()).source.policy == "hold"
        assert "added otherwise, during the look" in (world.problems["list"] or "")
