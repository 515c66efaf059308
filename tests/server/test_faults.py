"""Whose a 5xx is: the metrics tell failures of origins from our own, so that no stranger sets off an alarm."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from resolver.outbound.fetch import DEFAULT_LIMITS, GuardLimits
from server.app import public_app
from server.commands.database.bootstrap import initialise
from server.services import open_services
from tests.server.running import quiet, settings_in
from tests.simulator import World, canned

pytestmark = pytest.mark.anyio

IDENTIFIERS = "/1.0/identifiers/"
KEY = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
ONE_EACH = GuardLimits(host_rate_per_second=0.01, host_burst=1)


class Client:
    """A client of the server, and what the server counts."""

    def __init__(
        self, world: World, http: httpx.AsyncClient, metrics: Callable[[], Counter[tuple[int, str]]]
    ) -> None:
        self.world, self.http, self._metrics = world, http, metrics

    async def resolve(self, identifier: str) -> int:
        return (await self.http.get(IDENTIFIERS + identifier)).status_code

    def faults(self) -> Counter[tuple[int, str]]:
        """Return how many answers of which status were whose fault, as `/metrics` says."""
        return self._metrics()


@asynccontextmanager
async def client_in(folder: Path, limits: GuardLimits = DEFAULT_LIMITS) -> AsyncIterator[Client]:
    settings = settings_in(folder)
    await initialise(settings, sample=True, say=quiet)
    async with (
        World() as world,
        world.guard(limits) as guard,
        open_services(settings, guard=guard) as services,
    ):
        transport = httpx.ASGITransport(public_app(services), client=("203.0.113.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as http:
            yield Client(world, http, lambda: _faults_in(services.telemetry.render().decode()))


def _faults_in(metrics: str) -> Counter[tuple[int, str]]:
    faults: Counter[tuple[int, str]] = Counter()
    line = r'touchstone_http_requests_total\{fault="(\w*)",.*status="(\d+)"\} ([0-9.]+)'
    for fault, status, count in re.findall(line, metrics):
        faults[int(status), fault] += int(float(count))
    return faults


@pytest.mark.parametrize("answers", [[[]], [["93.184.200.1"]], [["127.0.0.1"]]])
async def test_a_dead_host_is_no_fault_of_ours(tmp_path: Path, answers: list[list[str]]) -> None:
    async with client_in(tmp_path) as client:
        client.world.name("dead.example", *answers)
        statuses = [await client.resolve(f"did:web:dead.example:{number}") for number in range(5)]

        assert statuses == [500] * 5
        assert client.faults() == {(500, "origin"): 5}


async def test_a_host_that_does_not_exist_is_no_5xx_at_all(tmp_path: Path) -> None:
    async with client_in(tmp_path) as client:
        statuses = [await client.resolve(f"did:web:nowhere.example:{number}") for number in range(5)]

        assert statuses == [404] * 5
        assert client.faults() == {(404, ""): 5}


async def test_what_an_origin_serves_badly_is_its_own_fault_however_it_is_asked_for(tmp_path: Path) -> None:
    async with client_in(tmp_path) as client:
        host = client.world.host("issuer.example")
        host.answer("/down/did.json", canned(b"", 503))
        host.publish("/other/did.json", {"id": "did:web:other.example"})
        statuses = [await client.resolve(f"did:web:issuer.example:{path}") for path in ("down", "other")]
        posted = await client.http.post(IDENTIFIERS + "did:web:issuer.example:down", json={"noCache": True})
        head = await client.http.head(IDENTIFIERS + "did:web:issuer.example:down")

        assert [*statuses, posted.status_code, head.status_code] == [500] * 4
        assert client.faults() == {(500, "origin"): 4}


async def test_a_status_list_that_cannot_be_fetched_is_the_fault_of_its_host(tmp_path: Path) -> None:
    entry = {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "1",
        "statusListCredential": "https://nowhere.example/lists/1",
    }
    async with client_in(tmp_path) as client:
        answer = await client.http.post("/status/check", json={"credentialStatus": entry, "issuer": KEY})

        assert answer.json()["type"].endswith("#STATUS_RETRIEVAL_ERROR")
        assert client.faults() == {(502, "origin"): 1}


async def test_what_we_do_not_ask_of_others_is_a_limit(tmp_path: Path) -> None:
    async with client_in(tmp_path, ONE_EACH) as client:
        client.world.host("issuer.example")
        statuses = [await client.resolve(f"did:web:issuer.example:{number}") for number in range(2)]

        assert statuses == [404, 503]
        assert client.faults() == {(404, ""): 1, (503, "limit"): 1}


async def test_what_is_not_done_here_is_the_callers(tmp_path: Path) -> None:
    async with client_in(tmp_path) as client:
        statuses = [
            await client.resolve(identifier)
            for identifier in (
                "did:unknown:x",
                f"{KEY}?versionTime=2020-01-01T00:00:00Z",
                f"{KEY.replace('#', '%23')}?verificationRelationship=authentication",
            )
        ]

        assert min(statuses) >= 500
        assert client.faults() == Counter((status, "caller") for status in statuses)


async def test_what_fails_on_our_side_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise RuntimeError("nobody foresaw this")

    async with client_in(tmp_path) as client:
        monkeypatch.setattr("resolver.resolution.Resolver.find", fails)
        status = await client.resolve("did:web:issuer.example")

        assert (status, client.faults()) == (500, {(500, ""): 1})
