"""Trusted callers over HTTP: who has which rates, and that nothing else depends on an API key."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from operators import Kind, Role
from operators.access.views import CreatePrincipal
from operators.actors.api_keys import new_api_key
from server.app import operator_app, public_app
from server.commands.database.bootstrap import initialise
from server.edge.callers import Caller, ClientAddresses
from server.edge.protocol_limits import ProtocolLimits
from server.identity.own import DEFAULT_ISSUER
from server.services import Services, open_services
from tests.actors import ROOT, Access
from tests.server.running import quiet, running_in, settings_in
from tests.simulator import World

pytestmark = pytest.mark.anyio

HERE, ELSEWHERE, PROXY = "203.0.113.7", "198.51.100.8", "10.0.0.1"
DID = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
IDENTIFIERS = "/1.0/identifiers"
LIST = "/status-lists/sample-revocation"
# Two requests at once and one a second; a trusted caller has more than any test asks.
SCARCE: dict[str, Any] = {f"rate_{cost}_per_second": 1.0 for cost in ("hot", "cpu", "outbound", "no_cache")}
PLENTY: dict[str, Any] = {f"trusted_{name}": 1_000.0 for name in SCARCE}
COUNT = 10


class Site:
    """A server with the sample, asked from any address, and what it has of callers."""

    def __init__(self, services: Services, world: World) -> None:
        self.services = services
        self.world = world
        self.app = public_app(services)

    @asynccontextmanager
    async def at(self, address: str, key: str = "") -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.ASGITransport(self.app, client=(address, 1))
        headers = {"authorization": f"Bearer {key}"} if key else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://x", headers=headers) as client:
            yield client

    async def key(self, name: str = "verifier") -> str:
        """Make a service, which needs no grant for this, and return an API key of it."""
        await self.access.add(name)
        return await self.access.key(name)

    @property
    def access(self) -> Access:
        return Access(self.services.database, time.time)

    async def metrics(self) -> str:
        transport = httpx.ASGITransport(operator_app(self.services), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return (await client.get("/metrics")).text

    @property
    def looked_up(self) -> dict[str, int]:
        return dict(self.services.telemetry.service_keys)


@asynccontextmanager
async def site_in(directory: Path, **changes: Any) -> AsyncIterator[Site]:
    settings = settings_in(directory, **(SCARCE | PLENTY | changes))
    await initialise(settings, sample=True, say=quiet)
    async with World() as world, world.guard() as guard, open_services(settings, guard=guard) as services:
        host = world.host("issuer.example")
        for number in range(3 * COUNT):
            host.publish(f"/{number}/did.json", {"id": f"did:web:issuer.example:{number}"})
        yield Site(services, world)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_in(tmp_path) as opened:
        yield opened


Ask = Callable[[httpx.AsyncClient, int], Awaitable[httpx.Response]]


def _accept(number: int) -> dict[str, str]:
    """A header with which no hot answer serves the request."""
    return {"accept": f"*/*;q=0.{number + 100}"}


async def _known(client: httpx.AsyncClient, _: int) -> httpx.Response:
    return await client.get("/.well-known/did.json", headers={"if-none-match": "*"})


async def _check(client: httpx.AsyncClient, _: int) -> httpx.Response:
    return await client.post("/status/check", json={})


async def _trqp(client: httpx.AsyncClient, _: int) -> httpx.Response:
    return await client.post("/trqp/authorization", json={})


async def _batch(client: httpx.AsyncClient, _: int) -> httpx.Response:
    return await client.post(IDENTIFIERS, json={"dids": [DID]})


async def _post(client: httpx.AsyncClient, _: int) -> httpx.Response:
    return await client.post(f"{IDENTIFIERS}/{DID}", json={})


async def _fetched(client: httpx.AsyncClient, number: int) -> httpx.Response:
    return await client.get(f"{IDENTIFIERS}/did:web:issuer.example:{number}")


def _getting(path: str, method: str = "GET", *, is_hot: bool = False) -> Ask:
    async def ask(client: httpx.AsyncClient, number: int) -> httpx.Response:
        return await client.request(method, path, headers={} if is_hot else _accept(number))

    return ask


ASKED: dict[str, Ask] = {
    "hot": _getting("/.well-known/did.json", is_hot=True),
    "hot HEAD": _getting("/.well-known/did.json", "HEAD", is_hot=True),
    "hot 304": _known,
    "hot identifier": _getting(f"{IDENTIFIERS}/{DID}", is_hot=True),
    "hot list": _getting(LIST, is_hot=True),
    "page": _getting("/docs"),
    "HEAD": _getting("/docs", "HEAD"),
    "nothing": _getting("/nowhere"),
    "preflight": _getting("/docs", "OPTIONS"),
    "list": _getting(LIST),
    "identifier": _getting(f"{IDENTIFIERS}/{DID}"),
    "identifier HEAD": _getting(f"{IDENTIFIERS}/{DID}", "HEAD"),
    "identifier POST": _post,
    "identifier elsewhere": _fetched,
    "batch": _batch,
    "check": _check,
    "TRQP": _trqp,
}


@pytest.mark.parametrize("name", ASKED)
async def test_a_service_asks_more_than_a_stranger_at_its_address_whatever_it_asks(
    site: Site, name: str
) -> None:
    ask = ASKED[name]
    async with site.at(HERE, await site.key()) as service, site.at(HERE) as stranger:
        theirs = [(await ask(service, number)).status_code for number in range(COUNT)]
        others = [(await ask(stranger, COUNT + number)).status_code for number in range(COUNT)]

    assert 429 not in theirs
    assert 429 in others
    if name.startswith("hot"):
        assert others[:2] == theirs[-2:], "the service spent what is the stranger's"


async def test_what_is_charged_late_is_charged_to_the_service(tmp_path: Path) -> None:
    """Each DID of a batch, and each list of a check."""
    plenty = {"rate_hot_per_second": 1_000.0, "rate_cpu_per_second": 1_000.0}
    async with site_in(tmp_path, **plenty) as site:
        dids = [f"did:web:issuer.example:{number}" for number in range(COUNT)]
        own = msgspec.json.decode((site.services.settings.state_dir / "sample-check.json").read_bytes())
        [entry, *_] = own["credentialStatus"]
        lists = [entry | {"statusListCredential": f"https://dead{number}.example/1"} for number in range(8)]
        found = []
        for key in ("", await site.key()):
            async with site.at(HERE, key) as client:
                check = {"issuer": "did:web:dead.example", "credentialStatus": lists}
                checks = [(await client.post("/status/check", json=check)).status_code for _ in range(3)]
                batch = await client.post(IDENTIFIERS, json={"dids": dids})
            found.append((checks[-1], {item["status"] for item in batch.json()["results"]}))

    assert found == [(429, {503}), (502, {200})]


async def test_a_service_goes_around_the_cache_more_often_than_a_stranger(tmp_path: Path) -> None:
    plenty = {name: 1_000.0 for name in SCARCE if "no_cache" not in name}
    async with site_in(tmp_path, **plenty) as site:
        target = f"{IDENTIFIERS}/did%3Aweb%3Aissuer.example%3A1?noCache=true"
        found = []
        for key in (await site.key(), ""):
            async with site.at(HERE, key) as client:
                found.append({(await client.get(target)).status_code for _ in range(COUNT)})

    assert found == [{200}, {200, 501}]


async def test_a_service_has_one_account_for_all_its_addresses_and_keys(tmp_path: Path) -> None:
    scarce = dict.fromkeys((*SCARCE, *PLENTY), 0.1)
    async with site_in(tmp_path, **scarce) as site:
        key, other = await site.key(), await site.key("other")
        second = await site.access.key("verifier")
        statuses = []
        for address, shown in ((HERE, key), (ELSEWHERE, key), ("192.0.2.1", second), ("192.0.2.2", other)):
            async with site.at(address, shown) as client:
                statuses.append((await client.get("/nowhere")).status_code)

    assert statuses == [404, 429, 429, 404]


async def test_a_client_in_a_trusted_network_has_an_account_of_its_own_at_their_rates(tmp_path: Path) -> None:
    trusted = ("203.0.113.0/24", "2001:db8::5")
    async with site_in(tmp_path, trusted_clients=trusted, trusted_rate_cpu_per_second=2.0) as site:
        answered = {}
        for address in (HERE, "203.0.113.8", "::ffff:203.0.113.9", "2001:db8::5", "2001:db8::6", ELSEWHERE):
            async with site.at(address) as client:
                statuses = [(await client.get("/nowhere")).status_code for _ in range(4)]
            answered[address] = statuses.count(404)

    assert all(answered[address] == 4 for address in list(answered)[:4])
    assert all(answered[address] < 4 for address in list(answered)[4:])


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "is_trusted"),
    [
        (HERE, "", True),
        (PROXY, HERE, True),
        (PROXY, f"{ELSEWHERE}, {HERE}", True),
        (PROXY, f"{HERE}, {ELSEWHERE}", False),
        (PROXY, f"{HERE}, junk", False),
        (PROXY, f"trusted {HERE}", False),
        (PROXY, "trusted verifier", False),
        (ELSEWHERE, HERE, False),
        (ELSEWHERE, f"{HERE}, {PROXY}", False),
        ("", HERE, False),
    ],
)
async def test_only_a_proxy_says_that_a_client_is_in_a_trusted_network(
    tmp_path: Path, peer: str, forwarded_for: str, is_trusted: bool
) -> None:
    async with (
        site_in(tmp_path, trusted_proxies=(PROXY,), trusted_clients=(f"{HERE}/32",)) as site,
        site.at(peer) as client,
    ):
        headers = {"x-forwarded-for": forwarded_for}
        statuses = [(await client.get("/nowhere", headers=headers)).status_code for _ in range(COUNT)]

    assert (429 not in statuses) is is_trusted


@pytest.mark.parametrize("forwarded_for", ["", "unknown", "999.1.2.3"])
async def test_a_proxy_in_a_trusted_network_makes_nobody_behind_it_trusted(
    tmp_path: Path, forwarded_for: str
) -> None:
    """It does not say for whom it asks, or not so that we could read it."""
    async with (
        site_in(tmp_path, trusted_proxies=(PROXY,), trusted_clients=(f"{PROXY}/32",)) as site,
        site.at(PROXY) as client,
    ):
        headers = {"x-forwarded-for": forwarded_for} if forwarded_for else {}
        statuses = [(await client.get("/nowhere", headers=headers)).status_code for _ in range(COUNT)]

    assert 429 in statuses


async def test_services_of_one_issuer_have_its_rates_together_though_their_grants_were_taken_back(
    tmp_path: Path,
) -> None:
    """Else whoever administers one issuer has as many trusted accounts as it likes."""
    async with site_in(tmp_path, trusted_rate_hot_per_second=2.0, trusted_rate_cpu_per_second=2.0) as site:
        keys = []
        for number in range(COUNT):
            name = f"robot-{number}"
            await site.access.add(name, Role.VIEWER, issuer_id=DEFAULT_ISSUER)
            keys.append(await site.access.key(name))
            if number % 2:
                await site.services.database.write(
                    lambda tx, n=name: tx.execute(  # type: ignore[misc]
                        "UPDATE grants SET ended_at = 1, ended_by = 'root' WHERE principal_id = :id",
                        {"id": n},
                    )
                )
        statuses = []
        for key in keys:
            async with site.at(HERE, key) as client:
                statuses.append((await client.get("/nowhere")).status_code)

    assert 429 in statuses


async def test_a_revoked_key_has_a_strangers_rates_within_a_second(site: Site) -> None:
    """It is revoked by another process, of which this one hears nothing."""
    key = await site.key()
    async with site.at(HERE, key) as client:
        before = [(await client.get("/nowhere")).status_code for _ in range(COUNT)]
        await site.access.keys.revoke(ROOT, key.split("_")[1])
        await asyncio.sleep(1.0)
        after = [(await client.get("/nowhere")).status_code for _ in range(COUNT)]

    assert 429 not in before
    assert 429 in after
    assert site.looked_up["refused"] == 1


async def test_a_flood_of_made_up_keys_reads_the_database_no_more_than_it_may_compute(tmp_path: Path) -> None:
    """Hot answers, which cost no computation, are given all the same."""
    async with site_in(tmp_path, rate_hot_per_second=500.0, rate_cpu_per_second=0.01) as site:
        path, statuses = "/.well-known/did.json", set()
        async with site.at(ELSEWHERE) as other:
            await other.get(path)
        async with site.at(HERE) as client:
            for number in range(100):
                headers = {"authorization": f"Bearer {new_api_key(_byte(number)).text}"}
                statuses.add((await client.get(path, headers=headers)).status_code)

    assert statuses == {200}
    assert site.looked_up == {"refused": 1, "unpaid": 99}


def _byte(number: int) -> Callable[[int], bytes]:
    return lambda count: bytes([number] * count)


CHANGES_WITH_TIME = {"date", "age", "x-request-id"}


@pytest.mark.parametrize(
    "path", ["/.well-known/did.json", LIST, f"{IDENTIFIERS}/{DID}", "/nowhere", "/livez"]
)
async def test_an_answer_is_the_same_whatever_the_authorization(tmp_path: Path, path: str) -> None:
    """
    Cold and hot. RFC 9111, section 3.5: what is `public` a shared cache may give to all, also where it was asked
    with an Authorization header, and it does not depend on that one.
    """
    async with site_in(tmp_path, **dict.fromkeys(SCARCE, 1000.0)) as site:
        good, unknown = await site.key(), new_api_key(_byte(1)).text
        given = [
            None,
            f"Bearer {good}",
            f"Bearer {unknown}",
            "Bearer eyJhbGciOiJub25lIn0.e30.",
            "Basic dTpw",
            "",
        ]
        answers = []
        async with site.at(HERE) as client:
            for value in [*given, *reversed(given)]:
                headers = {} if value is None else {"authorization": value}
                answer = await client.get(path, headers=headers)
                kept = {n: v for n, v in answer.headers.items() if n not in CHANGES_WITH_TIME}
                body = answer.content.replace(answer.headers["x-request-id"].encode(), b"id")
                answers.append((answer.status_code, kept, body))

    assert all(answer == answers[0] for answer in answers)
    assert "authorization" not in answers[0][1].get("vary", "").lower()
    if answers[0][0] == 200 and path != "/livez":
        assert answers[0][1]["cache-control"].startswith("public")


async def test_the_log_names_the_service_and_the_metrics_do_not(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "touchstone")
    key = await site.key()
    async with site.at(HERE, key) as service, site.at(HERE) as stranger:
        for client in (service, service, stranger):
            await client.get("/.well-known/did.json")
        await service.get("/nowhere")
    lines = [record.__dict__ for record in caplog.records if record.name == "touchstone.requests"]
    metrics = await site.metrics()

    assert [line["principal"] for line in lines[:4]] == ["verifier", "verifier", None, "verifier"]
    assert {line["client"] for line in lines[:4]} == {"203.0.113.0/24"}
    assert 'touchstone_trusted_requests{outcome="answered",trusted_for="key"} 3.0' in metrics
    assert 'touchstone_service_keys{result="good"} 1.0' in metrics
    assert "verifier" not in metrics
    assert key not in metrics + caplog.text


async def test_a_trusted_caller_that_wants_more_is_counted(tmp_path: Path) -> None:
    async with (
        site_in(tmp_path, trusted_clients=(HERE,), **dict.fromkeys(PLENTY, 1.0)) as site,
        site.at(HERE) as client,
    ):
        statuses = [(await client.get("/nowhere")).status_code for _ in range(COUNT)]
        metrics = await site.metrics()

    limited = (
        f'touchstone_trusted_requests{{outcome="limited",trusted_for="network"}} {statuses.count(429)}.0'
    )
    assert limited in metrics
    assert 429 in statuses


@pytest.mark.parametrize("hot_protocol", [False, True], ids=["front", "protocol"])
async def test_over_a_socket_the_key_decides_who_pays_for_hot_answers(
    tmp_path: Path, hot_protocol: bool
) -> None:
    settings: dict[str, Any] = {"rate_hot_per_second": 10.0, "trusted_rate_hot_per_second": 1_000.0}
    async with (
        running_in(tmp_path, hot_protocol=hot_protocol, **settings) as running,
        httpx.AsyncClient(base_url=running.url, trust_env=False) as client,
    ):
        path = "/.well-known/did.json"
        theirs = [(await client.get(path, headers=running.authorization)).status_code for _ in range(60)]
        others = [(await client.get(path)).status_code for _ in range(60)]

    assert set(theirs) == {200}
    assert others[:20] == [200] * 20
    assert 429 in others


async def test_the_api_key_of_a_person_is_a_strangers(site: Site) -> None:
    await site.access.changes.create(ROOT, CreatePrincipal(id="ada", kind=Kind.PERSON, grants=()))
    async with site.at(HERE, await site.access.key("ada")) as client:
        statuses = [(await client.get("/nowhere")).status_code for _ in range(COUNT)]

    assert 429 in statuses
    assert "good" not in site.looked_up


async def test_a_service_that_was_deactivated_is_a_stranger(site: Site) -> None:
    key = await site.key()
    await site.access.changes.set_active(ROOT, "verifier", False)
    async with site.at(HERE, key) as client:
        statuses = [(await client.get("/nowhere")).status_code for _ in range(COUNT)]

    assert 429 in statuses


@pytest.mark.parametrize(("peer", "allowed"), [(HERE, 20), (ELSEWHERE, 2)])
def test_a_client_in_a_trusted_network_holds_ten_times_the_connections(peer: str, allowed: int) -> None:
    limits = ProtocolLimits(
        head_timeout=9,
        body_timeout=9,
        max_connections_per_client=2,
        addresses=ClientAddresses((), (f"{HERE}/32",)),
    )
    over = []
    for _ in range(21):
        account = limits.enter(peer)
        assert account is not None
        over.append(limits.is_over(account))

    assert over.count(False) == allowed


def test_an_account_of_a_trusted_caller_has_no_address_for_its_name() -> None:
    stranger = ClientAddresses().caller(HERE)
    network = ClientAddresses((), (HERE,)).caller(HERE)

    assert stranger == Caller(HERE, HERE)
    assert network == Caller(f"trusted {HERE}", HERE, "network")
    assert stranger.as_service("verifier") == Caller("trusted verifier", HERE, "key", "verifier")
