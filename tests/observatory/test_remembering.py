"""What the resolver remembers of registered DIDs and forgets when asked, over HTTP, on either engine."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from server.app import operator_app, public_app
from server.commands.database.bootstrap import initialise, operator_key_path
from server.services import Services, open_services
from tests.actors import ADA
from tests.databases import Place
from tests.observatory.documents import DID, PATH, a_document
from tests.registry.examples import a_registry, as_file
from tests.resolver.webvh.logs import Log
from tests.server.running import quiet, settings_in
from tests.simulator import World, canned, held
from wire import format_utc

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ENCODED = quote(DID, safe="")


class Deployment:
    """One process of a server in a fake web, its clock, and clients of its two listeners."""

    def __init__(self, world: World, services: Services, now: list[float]) -> None:
        self.world = world
        self.services = services
        self.now = now
        key = operator_key_path(services.settings).read_text().strip()
        self.public = httpx.AsyncClient(
            transport=httpx.ASGITransport(public_app(services)), base_url=services.settings.public_url
        )
        self.operator = httpx.AsyncClient(
            transport=httpx.ASGITransport(operator_app(services)),
            base_url="http://operator",
            headers={"authorization": f"Bearer {key}"},
        )

    def publish(self, document: dict[str, Any]) -> None:
        host = next(iter(self.world._hosts.values()))
        host.publish(PATH, document, cache_control="max-age=600")

    async def keys(self, did: str = DID, query: str = "") -> list[str]:
        answer = await self.public.get(f"/1.0/identifiers/{quote(did, safe='')}{query}")
        assert answer.status_code == 200, answer.text
        return [
            method["id"].partition("#")[2] for method in answer.json()["didDocument"]["verificationMethod"]
        ]

    async def written(self) -> dict[str, Any]:
        """Write what was seen; return what an operator sees of it."""
        await self.services.observatory.history.observations.flush(0)
        answer = await self.operator.get("/operator/observations", params={"did": DID})
        found: dict[str, Any] = answer.json()
        return found

    def later(self, seconds: float) -> str:
        """Let time pass; return the time before that, as an option is written."""
        before = format_utc(int(self.now[0] * 1_000_000))
        self.now[0] += seconds
        self.services.hot.evict(b"/1.0/identifiers/")  # The layer in front has the machine's clock.
        return before


@asynccontextmanager
async def _two_nodes(place: Place, directory: Path) -> AsyncIterator[tuple[Deployment, Deployment]]:
    """Two nodes of one deployment, in one fake web."""
    async with _deployed(place, directory) as one, one.world.guard() as guard:
        settings = one.services.settings
        async with open_services(
            settings, guard=guard, clock=lambda: one.now[0], timer=lambda: one.now[0]
        ) as services:
            other = Deployment(one.world, services, one.now)
            async with other.public, other.operator:
                yield one, other


@asynccontextmanager
async def _deployed(place: Place, directory: Path, **changes: Any) -> AsyncIterator[Deployment]:
    settings = settings_in(directory, database_url=place.url, rate_outbound_per_second=1_000.0, **changes)
    await initialise(settings, sample=False, say=quiet)
    now = [float(int(time.time()))]
    async with World() as world, world.guard() as guard:
        world.host("uni.example").publish(PATH, a_document("a"), cache_control="max-age=600")
        async with open_services(
            settings, guard=guard, clock=lambda: now[0], timer=lambda: now[0]
        ) as services:
            await services.registry.files.import_file(ADA, as_file(a_registry()))
            deployment = Deployment(world, services, now)
            async with deployment.public, deployment.operator:
                yield deployment


@pytest.fixture
async def deployment(place: Place, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with _deployed(place, tmp_path) as deployed:
        yield deployed


async def test_version_time_of_a_did_web_is_answered_from_what_we_saw_and_says_so(
    deployment: Deployment,
) -> None:
    await deployment.keys()
    first = deployment.later(700)
    await deployment.keys()
    confirmed = deployment.later(700)
    deployment.publish(a_document("b"))
    now = await deployment.keys()
    await deployment.written()

    answer = await deployment.public.get(f"/1.0/identifiers/{ENCODED}?versionTime={first}")
    between = await deployment.keys(
        query=f"?versionTime={format_utc(int((deployment.now[0] - 1_000) * 1e6))}"
    )
    unknown = await deployment.public.get(
        f"/1.0/identifiers/{ENCODED}?versionTime={format_utc(int((deployment.now[0] - 100) * 1e6))}"
    )

    metadata = answer.json()["didResolutionMetadata"]
    assert now == ["b"]
    assert between == ["a"]
    assert answer.json()["didDocument"]["verificationMethod"][0]["id"] == f"{DID}#a"
    assert (metadata["observation"]["firstSeen"], metadata["observation"]["lastSeen"]) == (first, confirmed)
    assert metadata["observation"]["by"].startswith("this resolver; did:web keeps no versions")
    assert unknown.status_code == 404


async def test_another_did_of_a_host_that_is_not_registered_leaves_no_trace(deployment: Deployment) -> None:
    other = "did:web:uni.example:staff"
    host = next(iter(deployment.world._hosts.values()))
    host.publish("/staff/did.json", a_document("a", did=other))
    await deployment.keys(other)
    before = deployment.later(10)
    found = await deployment.written()
    asked = await deployment.public.get(f"/1.0/identifiers/{quote(other, safe='')}?versionTime={before}")

    assert found["observations"] == []
    assert asked.status_code == 404


async def test_a_key_change_is_an_alarm_that_an_operator_sees_and_acknowledges(
    deployment: Deployment,
) -> None:
    await deployment.keys()
    deployment.later(700)
    deployment.publish(a_document("b"))
    await deployment.keys()
    found = await deployment.written()
    metrics = (await deployment.operator.get("/metrics")).text
    listed = (await deployment.operator.get("/operator/key-changes")).json()
    raised = (await deployment.operator.get("/operator/alarms")).json()["alarms"]
    (alarm,) = found["alarms"]
    first, again = [
        await deployment.operator.post(
            "/operator/observations/acknowledge",
            json={"alarm": alarm["alarm"]},
            headers={"idempotency-key": "1"},
        )
        for _ in range(2)
    ]

    assert listed == {"alarms": [alarm]}
    assert [(one["kind"], one["subject"]) for one in raised] == [("key-change", DID)]
    assert [key["id"] for key in alarm["changes"]["added"]] == [f"{DID}#b"]
    assert [key["id"] for key in alarm["changes"]["removed"]] == [f"{DID}#a"]
    assert [each["keys"][0]["id"] for each in found["observations"]] == [f"{DID}#a", f"{DID}#b"]
    assert "touchstone_key_changes 1.0" in metrics
    assert first.status_code == 200
    assert first.json() == again.json()
    assert (await deployment.written())["alarms"] == []
    assert (await deployment.operator.get("/operator/alarms")).json()["alarms"] == []


async def test_acknowledging_the_alarm_of_a_did_acknowledges_every_change_of_its_keys(
    deployment: Deployment,
) -> None:
    for name in "abc":
        deployment.publish(a_document(name))
        await deployment.keys()
        deployment.later(700)
    before = await deployment.written()
    (alarm,) = (await deployment.operator.get("/operator/alarms?kind=key-change")).json()["alarms"]
    answer = await deployment.operator.post("/operator/alarms/acknowledge", json={"alarm": alarm["alarm"]})

    assert len(before["alarms"]) == 2
    assert answer.json()["closedAt"]
    assert (await deployment.operator.get("/operator/key-changes")).json() == {"alarms": []}


async def test_an_announced_change_is_no_alarm(deployment: Deployment) -> None:
    await deployment.keys()
    await deployment.written()
    not_after = format_utc(int((deployment.now[0] + 3_600) * 1_000_000))
    announced = await deployment.operator.post(
        "/operator/observations/announce", json={"did": DID, "notAfter": not_after}
    )
    deployment.later(700)
    deployment.publish(a_document("b"))
    await deployment.keys()

    assert announced.json() == {"did": DID, "notAfter": not_after}
    assert (await deployment.written())["alarms"] == []


async def test_what_was_seen_last_is_written_when_the_server_stops(place: Place, tmp_path: Path) -> None:
    async with _deployed(place, tmp_path) as deployment:
        await deployment.keys()

    assert place.query("SELECT did FROM observations") == [(DID,)]


@pytest.mark.parametrize(
    "asked", [{"did": DID}, {"did": "did:web:UNI.example%3A443"}, {"host": "uni.example"}, {"all": True}]
)
async def test_a_purge_takes_a_stolen_key_out_of_cache_and_hot_answers(
    deployment: Deployment, asked: dict[str, Any]
) -> None:
    before = [await deployment.keys(), await deployment.keys()]
    deployment.publish(a_document("b"))
    stale = await deployment.keys()
    answer = await deployment.operator.post("/operator/cache/purge", json=asked)

    assert (before, stale) == ([["a"], ["a"]], ["a"])
    assert answer.status_code == 202
    assert asked.items() <= answer.json().items()
    assert await deployment.keys() == ["b"]
    assert len(deployment.world.requests) == 2


async def test_a_purge_reaches_another_node_within_a_second(place: Place, tmp_path: Path) -> None:
    async with _two_nodes(place, tmp_path) as (one, other):
        await one.keys()
        await other.keys()
        one.publish(a_document("b"))
        await one.operator.post("/operator/cache/purge", json={"did": DID})
        await asyncio.sleep(1)

        assert await other.keys() == ["b"]


async def test_what_one_node_saw_another_tells(place: Place, tmp_path: Path) -> None:
    async with _two_nodes(place, tmp_path) as (one, other):
        await one.keys()
        await one.written()
        seen = one.later(0)

        assert await other.keys(query=f"?versionTime={seen}") == ["a"]


async def test_a_log_that_forks_from_the_one_that_another_node_saw_is_refused(
    place: Place, tmp_path: Path
) -> None:
    log = Log("logs.example").append()
    mine, yours = log.copy().append(), log.copy().append({"ttl": 60})
    path = f"/1.0/identifiers/{quote(log.did, safe='')}"
    async with _two_nodes(place, tmp_path) as (one, other):
        host = one.world.host("logs.example")
        host.answer("/.well-known/did.jsonl", canned(mine.text, content_type="text/jsonl"))
        seen = await one.public.get(path)
        host.answer("/.well-known/did.jsonl", canned(yours.text, content_type="text/jsonl"))
        forked = await other.public.get(path)

    assert seen.status_code == 200, seen.text
    assert forked.status_code != 200
    assert "log-forked" in forked.text


async def test_an_answer_that_was_being_made_when_its_did_was_purged_is_not_kept(
    deployment: Deployment,
) -> None:
    host = next(iter(deployment.world._hosts.values()))
    body = json.dumps(a_document("a")).encode()
    until = asyncio.Event()
    host.answer(PATH, held(until, canned(body, content_type="application/json")))
    slow = asyncio.create_task(deployment.keys())
    while not deployment.world.requests:
        await asyncio.sleep(0.01)
    await deployment.operator.post("/operator/cache/purge", json={"did": DID})
    deployment.publish(a_document("b"))
    until.set()

    assert await slow == ["a"]
    assert await deployment.keys() == ["b"]


async def test_a_purge_of_another_did_leaves_a_document_in_the_cache(deployment: Deployment) -> None:
    await deployment.keys()
    for asked in (
        {"did": "did:web:other.example"},
        {"did": "did:ebsi:zvHWX359A3CvfJnCYaAiAde"},
        {"did": "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"},
        {"host": "other.example"},
    ):
        assert (await deployment.operator.post("/operator/cache/purge", json=asked)).status_code == 202
        await deployment.keys()

    assert len(deployment.world.requests) == 1


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"did": DID, "all": True},
        {"did": "uni.example"},
        {"did": "did:web:10.0.0.1"},
        {"host": "uni.example:443"},
        {"host": "UNI.example"},
        {"host": "https://uni.example"},
        {"all": False},
        {"everything": True},
    ],
)
async def test_a_purge_that_cannot_be_meant_is_refused(deployment: Deployment, asked: dict[str, Any]) -> None:
    answer = await deployment.operator.post("/operator/cache/purge", json=asked)

    assert answer.status_code == 400
    assert answer.json()["detail"]


async def test_a_purge_is_audited_and_done_once_for_a_key(deployment: Deployment, place: Place) -> None:
    for _ in range(2):
        await deployment.operator.post(
            "/operator/cache/purge", json={"all": True}, headers={"idempotency-key": "a"}
        )

    audited = place.query("SELECT actor, subject, detail FROM audit WHERE action = 'cache.purge'")
    assert [(actor, subject, json.loads(detail)["kind"]) for actor, subject, detail in audited] == [
        ("bootstrap", "everything", "all")
    ]
    assert deployment.services.observatory.purges.followed == 1
