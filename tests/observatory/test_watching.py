"""The server looks at registered did:web documents itself: in turns, quietly, and at nothing else."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from observatory.watching import AT_ONCE, HOST_SECONDS, LookAt, Watch, _host_of, looking_with
from resolver import GuardLimits, Resolver
from tests.observatory.documents import PATH, a_document
from tests.simulator import World

pytestmark = pytest.mark.anyio

START = 1_800_000_000.0
OWN = "did:web:us.example"
INTERVAL = 3_600.0


class Watched:
    """A watch over a registry and a fake web; jitter is none: each turn comes in the middle of its range."""

    def __init__(self, world: World, resolver: Resolver, now: list[float]) -> None:
        self.world = world
        self.registered: frozenset[str] = frozenset()
        self.seen: dict[str, int] = {}
        self.now = now
        self.resolver = resolver
        self.set_by = 0.0  # seconds by which somebody set the clock
        self.watch = self.with_interval(INTERVAL)

    def with_interval(self, interval: float, look_at: LookAt | None = None) -> Watch:
        async def watched() -> frozenset[str]:
            return self.registered

        async def last_seen(dids: frozenset[str]) -> dict[str, int]:
            return {did: at for did, at in self.seen.items() if did in dids}

        return Watch(
            look_at or looking_with(self.resolver),
            watched=watched,
            last_seen=last_seen,
            interval=interval,
            clock=lambda: self.now[0] + self.set_by,
            timer=lambda: self.now[0],
            uniform=lambda low, high: (low + high) / 2,
        )

    async def asked_after(self, seconds: float) -> list[str]:
        """Let time pass, look as often as it takes; return the hosts that were asked meanwhile."""
        before = len(self.world.requests)
        self.now[0] += seconds
        while await self.watch.look():
            pass
        return sorted(request.host for request in self.world.requests[before:])


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    now = [START]
    async with World() as world, world.guard(GuardLimits(host_burst=1_000, site_burst=1_000)) as guard:
        resolver = Resolver(
            fetcher=guard.fetch_stranger,
            own_document=lambda did: a_document(did=OWN) if did == OWN else None,
            own_hosts=frozenset({"us.example"}),
            clock=lambda: now[0],
            timer=lambda: now[0],
        )
        async with resolver:
            yield Watched(world, resolver, now)


def publish(watched: Watched, *names: str) -> frozenset[str]:
    for name in names:
        watched.world.host(name).publish(PATH, a_document("a", did=f"did:web:{name}"))
    return frozenset(f"did:web:{name}" for name in names)


async def test_a_new_did_has_its_turn_within_a_minute_and_then_once_an_interval(watched: Watched) -> None:
    watched.registered = publish(watched, "a.example", "b.example")

    assert await watched.asked_after(0) == []
    assert await watched.asked_after(60) == ["a.example", "b.example"]
    assert await watched.asked_after(INTERVAL - 120) == []
    assert await watched.asked_after(120) == ["a.example", "b.example"]


async def test_only_did_webs_of_others_that_the_registry_names_are_asked_for(watched: Watched) -> None:
    publish(watched, "stranger.example", "us.example")
    named = publish(watched, "a.example")
    watched.registered = named | {
        OWN,
        "did:web:us.example:issuers:gone",
        "did:web:localhost%3A8000",
        "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
        "did:ebsi:zvHWX359A3CvfJnCYaAiAde",
    }
    await watched.asked_after(0)

    assert await watched.asked_after(60) == ["a.example"]
    assert [host for host, _ in watched.world.resolutions] == ["a.example"]


async def test_a_name_that_does_not_resolve_is_asked_again_next_time_and_nothing_is_logged(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    watched.registered = frozenset({"did:web:nowhere.example"})
    with caplog.at_level(logging.INFO):
        await watched.asked_after(0)
        looked = []
        for seconds in (60.0, INTERVAL + 60):
            watched.now[0] += seconds
            looked.append(await watched.watch.look())

    assert looked == [1, 1]
    assert watched.world.resolutions[0] == ("nowhere.example", 443)
    assert caplog.records == []


async def test_what_was_seen_lately_waits_for_its_turn_after_a_restart(watched: Watched) -> None:
    watched.registered = publish(watched, "a.example", "b.example")
    watched.seen = {"did:web:a.example": int((START - 600) * 1_000_000)}
    await watched.asked_after(0)

    assert await watched.asked_after(60) == ["b.example"]
    assert await watched.asked_after(INTERVAL - 600) == ["a.example"]


async def test_turns_come_though_the_clock_is_set_back(watched: Watched) -> None:
    """Three days ahead by mistake, every DID had its next turn in three days."""
    watched.registered = publish(watched, "a.example")
    await watched.asked_after(0)
    watched.set_by = 3 * 86_400.0
    assert await watched.asked_after(60) == ["a.example"]
    watched.set_by = 0.0

    assert await watched.asked_after(INTERVAL + 60) == ["a.example"]


async def test_what_was_seen_in_the_future_is_looked_at_within_an_interval(watched: Watched) -> None:
    watched.registered = publish(watched, "a.example")
    watched.seen = {"did:web:a.example": int((START + 3 * 86_400) * 1_000_000)}
    await watched.asked_after(0)

    assert await watched.asked_after(INTERVAL + 60) == ["a.example"]


async def test_a_did_that_leaves_the_registry_is_looked_at_no_more_and_others_keep_their_turns(
    watched: Watched,
) -> None:
    both = publish(watched, "a.example", "b.example")
    watched.registered = both
    await watched.asked_after(0)
    await watched.asked_after(60)
    watched.registered = frozenset({"did:web:b.example"}) | publish(watched, "c.example")
    await watched.asked_after(0)

    assert await watched.asked_after(60) == ["c.example"]
    assert await watched.asked_after(INTERVAL) == ["b.example", "c.example"]


def publish_tenants(watched: Watched, count: int) -> frozenset[str]:
    """Publish documents of many DIDs of one host."""
    host = watched.world.host("many.example")
    dids = [f"did:web:many.example:t{number}" for number in range(count)]
    for number, did in enumerate(dids):
        host.publish(f"/t{number}/did.json", a_document("a", did=did))
    return frozenset(dids)


async def test_dids_of_one_host_follow_one_another_and_do_not_hold_up_other_hosts(watched: Watched) -> None:
    watched.registered = publish_tenants(watched, 20) | publish(watched, "a.example")
    await watched.asked_after(0)

    assert await watched.asked_after(60) == ["a.example", "many.example"]
    assert await watched.asked_after(HOST_SECONDS / 2) == []
    asked = [await watched.asked_after(HOST_SECONDS) for _ in range(19)]
    assert asked == [["many.example"]] * 19
    assert len({request.target for request in watched.world.requests}) == 21
    assert await watched.asked_after(60) == []


@asynccontextmanager
async def _on_a_budget() -> AsyncIterator[Watched]:
    """A watch that may ask a host once in five seconds, and not before."""
    now = [START]
    limits = GuardLimits(host_burst=1, host_rate_per_second=0.2)
    async with (
        World() as world,
        world.guard(limits, clock=lambda: now[0]) as guard,
        Resolver(fetcher=guard.fetch_stranger, clock=lambda: now[0], timer=lambda: now[0]) as resolver,
    ):
        yield Watched(world, resolver, now)


async def test_a_look_that_our_own_budget_refuses_is_soon_made_up_for() -> None:
    async with _on_a_budget() as watched:
        watched.registered = publish_tenants(watched, 10)
        await watched.asked_after(0)
        for _ in range(180):
            await watched.asked_after(1)

    assert len({request.target for request in watched.world.requests}) == 10


async def test_what_is_stale_is_no_look_where_our_budget_refuses_to_renew_it() -> None:
    async with _on_a_budget() as watched:
        did, other = sorted(publish_tenants(watched, 2))
        watched.registered = frozenset({did})
        await watched.asked_after(0)
        await watched.asked_after(60)
        watched.now[0] += INTERVAL
        await watched.resolver.resolve(other)
        await watched.watch.look()
        for _ in range(30):
            await watched.asked_after(1)

    assert [request.target for request in watched.world.requests] == [
        "/t0/did.json",
        "/t1/did.json",
        "/t0/did.json",
    ]


@pytest.mark.parametrize(
    ("did", "host"),
    [
        ("did:web:A.example", "a.example"),
        ("did:web:a.example%3A8443:x", "a.example"),
        ("did:webvh:QmScid:a.example:x", "a.example"),
        ("did:webvh:QmScid", "qmscid"),
        ("did:web:", ""),
    ],
)
def test_ports_and_paths_are_of_one_host(did: str, host: str) -> None:
    assert _host_of(did) == host


async def test_one_look_takes_a_few_at_most(watched: Watched) -> None:
    watched.registered = publish(watched, *(f"n{number}.example" for number in range(10)))
    await watched.asked_after(0)
    watched.now[0] += 60

    assert [await watched.watch.look() for _ in range(4)] == [AT_ONCE, AT_ONCE, 2, 0]


async def test_an_interval_of_0_looks_at_nothing(watched: Watched) -> None:
    watched.registered = publish(watched, "a.example")
    watched.watch = watched.with_interval(0)

    assert await watched.asked_after(10_000) == []


async def test_a_look_that_fails_unexpectedly_is_not_the_last(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    looked: list[str] = []

    async def look_at(did: str) -> None:
        looked.append(did)
        raise RuntimeError("a bug")

    watched.registered = frozenset({"did:web:a.example", "did:web:b.example"})
    watched.watch = watched.with_interval(INTERVAL, look_at)
    await watched.asked_after(0)
    await watched.asked_after(60)
    first = sorted(looked)
    await watched.asked_after(INTERVAL + 60)

    assert first == sorted(watched.registered)
    assert len(looked) == 4
    assert "a look at a DID failed" in caplog.text


async def test_who_looks_says_in_how_many_seconds_again(watched: Watched) -> None:
    looked: list[str] = []

    async def look_at(did: str) -> float:
        looked.append(did)
        return 60.0

    watched.registered = frozenset({"did:web:a.example"})
    watched.watch = watched.with_interval(INTERVAL, look_at)
    await watched.asked_after(0)
    for _ in range(3):
        await watched.asked_after(60)

    assert len(looked) == 3
