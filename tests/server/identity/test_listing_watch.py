"""Keys in the documents of others are looked at again and again: what raises the alarm, and what ends it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from operators import Issuer, KeyState
from operators.issuers import key_store
from resolver import GuardLimits, Resolver
from server.identity.documents import methods_of
from server.identity.listing_watch import RETRY_SECONDS, UNSEEN_SECONDS, ListingWatch
from tests.databases import SqlitePlace
from tests.issuers import inserting, key_row
from tests.keys import KEYS
from tests.server.identity.keeping import Node
from tests.simulator import Host, World, canned

pytestmark = pytest.mark.anyio

BANK = Issuer(id="bank", did="did:web:bank.example")
WEB = "/.well-known/did.json"
KEY = key_row("bank", "key-0123456789ab", KEYS["p256-pub"])
SUBJECT = f"bank#{KEY.key_id}"
INTERVAL = 3_600.0
FIRST_SECONDS = 60.0


class Scene:
    """A node whose bank publishes its own document in a fake web."""

    def __init__(self, node: Node, world: World, host: Host, resolver: Resolver) -> None:
        self.node, self.world, self.host, self.resolver = node, world, host, resolver
        self.watch = self.with_interval(INTERVAL)

    def with_interval(self, interval: float) -> ListingWatch:
        return ListingWatch(
            self.resolver,
            self.node.identities,
            interval=interval,
            clock=self.node.clock,
            timer=self.node.timer,
            on_state=self.node.alarms.state,
        )

    def publish(self, *relationships: str) -> None:
        """Publish the two methods of the key, under the relationships given."""
        methods = list(methods_of(BANK, KEY))
        document: dict[str, Any] = {"@context": ["https://www.w3.org/ns/did/v1.1"], "id": BANK.did}
        document["verificationMethod"] = methods
        names = [method["id"] for method in methods]
        self.host.publish(WEB, document | dict.fromkeys(relationships, names))

    async def after(self, seconds: float) -> list[tuple[str, str]]:
        """Let time pass, look once; return subject and reason of each alarm that is open."""
        for clock in (self.node.timer, self.node.clock):
            clock.now += seconds
        await self.node.identities.refresh()
        await self.watch.look()
        return [
            (subject, reason)
            for kind, subject, reason in await self.node.open_alarms()
            if kind == "key-not-listed"
        ]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    node = await Node(SqlitePlace(tmp_path / "test.db"), tmp_path).start()
    await node.database.write(inserting(BANK, KEY))
    limits = GuardLimits(host_burst=1_000, site_burst=1_000)
    async with World() as world, world.guard(limits) as guard:
        resolver = Resolver(fetcher=guard.fetch_stranger, clock=node.clock, timer=node.timer)
        async with resolver:
            scene = Scene(node, world, world.host("bank.example"), resolver)
            scene.publish("assertionMethod")
            await scene.after(0)  # Turns are given.
            yield scene
    node.database.close()


async def test_a_key_that_leaves_the_document_raises_the_alarm_and_one_that_is_back_ends_it(
    scene: Scene,
) -> None:
    listed = await scene.after(FIRST_SECONDS)
    scene.publish("authentication")
    too_early = await scene.after(INTERVAL / 2)
    gone = await scene.after(INTERVAL)
    scene.publish("assertionMethod")
    back = await scene.after(RETRY_SECONDS)

    assert (listed, too_early, back) == ([], [], [])
    assert [subject for subject, _ in gone] == [SUBJECT]
    assert "does not list the key under assertionMethod" in gone[0][1]
    assert len(scene.world.requests) == 3


async def test_a_key_is_looked_at_about_once_an_interval_while_it_is_listed(scene: Scene) -> None:
    for _ in range(300):
        await scene.after(INTERVAL / 30)

    assert 8 <= len(scene.world.requests) <= 12


async def test_a_key_that_is_not_listed_is_looked_at_each_minute(scene: Scene) -> None:
    scene.publish()
    for _ in range(30):
        await scene.after(RETRY_SECONDS / 2)

    assert 14 <= len(scene.world.requests) <= 16


@pytest.mark.parametrize(("status", "words"), [(404, "cannot be resolved"), (410, "is deactivated")])
async def test_a_document_that_its_host_says_is_gone_raises_the_alarm_at_once(
    scene: Scene, status: int, words: str
) -> None:
    scene.host.answer(WEB, canned(b"", status))
    alarms = await scene.after(FIRST_SECONDS)

    assert [subject for subject, _ in alarms] == [SUBJECT]
    assert words in alarms[0][1]


async def test_an_origin_that_is_away_raises_the_alarm_after_a_day(scene: Scene) -> None:
    await scene.after(FIRST_SECONDS)
    scene.host.answer(WEB, canned(b"", 503))
    hours = [await scene.after(1.2 * INTERVAL) for _ in range(19)]
    late = await scene.after(UNSEEN_SECONDS - 18 * 1.2 * INTERVAL)
    scene.publish("assertionMethod")
    back = await scene.after(RETRY_SECONDS)

    assert hours == [[]] * 19
    assert [subject for subject, _ in late] == [SUBJECT]
    assert "could not be resolved for 2" in late[0][1]
    assert back == []


async def test_an_origin_that_goes_away_does_not_end_the_alarm_that_it_raised(scene: Scene) -> None:
    scene.publish()
    gone = await scene.after(FIRST_SECONDS)
    scene.host.answer(WEB, canned(b"", 503))
    away = await scene.after(RETRY_SECONDS)

    assert gone == away
    assert len(gone) == 1


async def test_a_key_that_signs_no_more_is_nobodys_worry(scene: Scene) -> None:
    scene.publish()
    gone = await scene.after(FIRST_SECONDS)
    await scene.node.database.write(lambda tx: key_store.compromise(tx, KEY, 1, 2))
    given_up = await scene.after(RETRY_SECONDS)
    await scene.after(2 * INTERVAL)

    assert (len(gone), given_up) == (1, [])
    assert len(scene.world.requests) == 1


async def test_a_key_that_waits_for_its_document_raises_no_alarm_until_it_signs(scene: Scene) -> None:
    waiting = key_row("bank", "key-fedcba987654", KEYS["ed25519-pub"], KeyState.ANNOUNCED)
    await scene.node.database.write(lambda tx: key_store.insert_key(tx, waiting))
    not_listed = await scene.after(FIRST_SECONDS)
    await scene.node.database.write(lambda tx: key_store.activate(tx, waiting, 5))
    signs = await scene.after(1.2 * INTERVAL)

    assert not_listed == []
    assert [subject for subject, _ in signs] == [f"bank#{waiting.key_id}"]


async def test_who_holds_the_lease_no_more_tells_nothing(scene: Scene) -> None:
    scene.publish()
    gone = await scene.after(FIRST_SECONDS)
    scene.watch.leave()

    assert len(gone) == 1
    assert [kind for kind, _, _ in await scene.node.open_alarms() if kind == "key-not-listed"] == []


async def test_a_hosted_issuer_is_not_looked_at(scene: Scene) -> None:
    await scene.node.create("acme")
    await scene.after(FIRST_SECONDS)
    await scene.after(FIRST_SECONDS)

    assert {request.host for request in scene.world.requests} == {"bank.example"}
    assert [host for host, _ in scene.world.resolutions] == ["bank.example"]


async def test_an_interval_of_0_looks_at_nothing(scene: Scene) -> None:
    scene.watch = scene.with_interval(0)
    await scene.after(0)
    await scene.after(10 * INTERVAL)

    assert scene.world.requests == []


async def test_many_documents_are_looked_at_a_few_at_a_time(scene: Scene) -> None:
    for number in range(10):
        issuer = Issuer(id=f"i{number}", did=f"did:web:i{number}.example")
        key = msgspec.structs.replace(KEY, issuer_id=issuer.id)
        await scene.node.database.write(inserting(issuer, key))
        scene.world.host(f"i{number}.example")
    await scene.after(0)
    looks = [len(await scene.after(FIRST_SECONDS if number == 0 else 1)) for number in range(3)]

    assert looks[0] <= 4
    assert looks[1] - looks[0] <= 4
    assert looks[-1] == 10
