"""Who lets pass what a source says, and what exactly."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace

from operators import Principal
from operators.approvals.change import ApprovalView
from registry.imports.terms import Right
from registry.sources.model import AnchorSource, Source
from tests.databases import Place
from tests.operators.approvals.office import Office
from tests.registry.sources.test_sources import AUTHORITY, CA, DID, HOUR, ISSUANCE, LIST, URL, World, a_world
from wire import Conflict, Forbidden

pytestmark = pytest.mark.anyio

HELD = replace(LIST, policy="hold")
STATUS = Right("status", "PID")


class Room:
    """A world in which Bob and Eve approve, and Ada administers."""

    def __init__(self, world: World, key_dir: Path) -> None:
        self.world = world
        self.office = Office(world.database, world.clock, key_dir)

    async def open(self) -> "Room":
        self.office.approvals.doers |= self.world.sources.doers()
        await self.office.person("ada", "administrator", "approver")
        for name in ("bob", "eve"):
            await self.office.person(name, "approver")
        self.world.needs_another = True
        self.world.publish(DID)
        return self

    async def held(self, by: Principal, source: Source = HELD) -> str:
        """Add a source; return the digest of what is held."""
        await self.world.sources.add(by, source)
        await self.world.sources.step()
        digest = (await self.world.view()).held_sha256
        assert digest is not None
        return digest

    async def passes(self, by: Principal, digest: str) -> str:
        """Let pass what is held; return what is answered then."""
        await self.world.sources.refresh(by, HELD.id, lets_pass=digest)
        await self.world.sources.step()
        return self.world.ask(DID)

    async def asks_to_remove(self) -> ApprovalView:
        asked = await self.world.sources.remove(await self.office.who("ada"), HELD.id)
        assert isinstance(asked, ApprovalView)
        return asked


@pytest.fixture
async def room(place: Place, tmp_path: Path) -> AsyncIterator[Room]:
    async with a_world(place) as world:
        yield await Room(world, tmp_path).open()


async def test_an_approval_of_the_same_bytes_with_another_right_puts_nothing_in_force(room: Room) -> None:
    old = await room.held(await room.office.who("ada"))
    await room.office.approves("bob", (await room.asks_to_remove()).approval)
    await room.held(await room.office.who("ada"), replace(HELD, services={ISSUANCE: (STATUS,)}))

    with pytest.raises(Conflict):
        await room.passes(await room.office.who("bob"), old)
    assert room.world.ask(DID) == "entity_unknown"


async def test_what_is_held_keeps_its_digest_from_one_look_to_the_next(room: Room) -> None:
    room.world.now += 123_456
    room.world.page = CA.certificate.public_bytes(Encoding.PEM)
    right = (Right("issue", "PID"),)
    source = AnchorSource(id=HELD.id, url=URL, authority_id=AUTHORITY, rights=right)
    digest = await room.held(await room.office.who("ada"), source)

    room.world.now += 6 * HOUR + 1
    await room.world.sources.step()
    assert (await room.world.view()).held_sha256 == digest
    room.world.now += 1
    await room.passes(await room.office.who("bob"), digest)

    view = await room.world.view()
    assert (view.held, view.grants, view.problem) == (0, 1, None)


async def test_another_person_lets_it_pass(room: Room) -> None:
    digest = await room.held(await room.office.who("ada"))

    assert await room.passes(await room.office.who("bob"), digest) == "active"


@pytest.mark.parametrize("by", ["ada", "twin", "bob with a key that ada made", "no approver", "a service"])
async def test_nobody_lets_pass_what_could_be_his_own(room: Room, by: str) -> None:
    office = room.office
    await office.person("twin", "approver", address="ADA@example.com")
    await office.person("tom", "administrator")
    await office.service("deployer", "administrator", made_by="eve")
    key = await office.api_key("bob", made_by="ada", person="ada")
    digest = await room.held(await office.who("ada"))

    who = {
        "bob with a key that ada made": ("bob", key),
        "no approver": ("tom", None),
        "a service": ("deployer", None),
    }
    with pytest.raises(Forbidden):
        await room.passes(await office.who(*who.get(by, (by, None))), digest)
    assert room.world.ask(DID) == "entity_unknown"


async def test_whoever_made_a_service_does_not_let_pass_what_it_adds(room: Room) -> None:
    deployer = await room.office.service("deployer", "administrator", made_by="bob")
    digest = await room.held(replace(deployer, person="ada"))

    for name in ("ada", "bob"):
        with pytest.raises(Forbidden):
            await room.passes(await room.office.who(name), digest)
    assert await room.passes(await room.office.who("eve"), digest) == "active"


async def test_what_nobody_known_added_is_let_pass_by_nobody(room: Room) -> None:
    bootstrap = await room.office.service("bootstrap", "administrator")
    digest = await room.held(bootstrap)

    with pytest.raises(Forbidden, match="not known which person"):
        await room.passes(await room.office.who("bob"), digest)
    assert room.world.ask(DID) == "entity_unknown"


async def test_nobody_alone_ends_what_a_source_granted(room: Room) -> None:
    digest = await room.held(await room.office.who("ada"))
    await room.passes(await room.office.who("bob"), digest)

    asked = await room.asks_to_remove()
    before = room.world.ask(DID)
    with pytest.raises(Forbidden):
        await room.office.approves("ada", asked.approval)
    await room.office.approves("bob", asked.approval)

    assert (before, room.world.ask(DID)) == ("active", "expired")
    assert (await room.world.sources.list()).sources == ()
    assert (await room.office.state_of(asked.approval)) == "approved"


async def test_another_source_of_that_name_is_not_removed_by_an_old_request(room: Room) -> None:
    await room.held(await room.office.who("ada"))
    first = await room.asks_to_remove()
    joe = await room.office.person("joe", "administrator")
    again = await room.world.sources.remove(joe, HELD.id)
    assert isinstance(again, ApprovalView)
    await room.office.approves("bob", first.approval)
    await room.held(await room.office.who("ada"), replace(HELD, services={ISSUANCE: (STATUS,)}))

    with pytest.raises(Conflict, match="ask anew"):
        await room.office.approves("bob", again.approval)
    assert len((await room.world.sources.list()).sources) == 1


async def test_whoever_administers_nothing_any_more_removes_no_source(room: Room) -> None:
    await room.held(await room.office.who("ada"))
    asked = await room.world.sources.remove(await room.office.who("eve"), HELD.id)  # As if she did then.
    assert isinstance(asked, ApprovalView)

    with pytest.raises(Conflict, match="cannot do it now"):
        await room.office.approves("bob", asked.approval)
    assert len((await room.world.sources.list()).sources) == 1
