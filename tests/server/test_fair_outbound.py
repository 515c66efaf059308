"""Two clients, one outbound budget: what one asks of dead hosts does not keep the other from its own."""

import asyncio
from pathlib import Path

import httpx
import pytest

from server.app import public_app
from server.commands.database.bootstrap import initialise
from server.services import open_services
from server.settings.outbound import guard_of
from tests.server.running import quiet, settings_in
from tests.simulator import World, authority_pem, canned, held

pytestmark = pytest.mark.anyio

PATH = "/.well-known/did.json"


async def test_a_client_that_asks_dead_hosts_leaves_the_outbound_budget_to_others(tmp_path: Path) -> None:
    """Within its own rate it held all connections, for as long as we wait for an origin."""
    authority = tmp_path / "authority.pem"
    authority.write_bytes(authority_pem())
    settings = settings_in(
        tmp_path,
        outbound_connections=8,
        outbound_connections_per_host=2,
        dangerously_trusted_ca_file=str(authority),
    )
    await initialise(settings, sample=True, say=quiet)
    never = asyncio.Event()
    async with World() as world:
        for number in range(10):
            world.host(f"dead{number}.site{number}.example").answer(PATH, held(never, canned(b"{}")))
        for number in range(5):
            name = f"issuer{number}.example"
            world.host(name).publish(PATH, {"id": f"did:web:{name}"})
        guard = guard_of(settings, resolve_name=world.resolve_name, dial=world.dial)
        async with open_services(settings, guard=guard) as services:
            app = public_app(services)
            greedy, modest = [
                httpx.AsyncClient(
                    transport=httpx.ASGITransport(app, client=(address, 1)), base_url=settings.public_url
                )
                for address in ("203.0.113.7", "198.51.100.8")
            ]
            async with greedy, modest:
                dead = [
                    asyncio.create_task(greedy.get(f"/1.0/identifiers/did:web:dead{n}.site{n}.example"))
                    for n in range(10)
                ]
                while len(world.requests) < 4:
                    await asyncio.sleep(0.01)
                statuses = [
                    (await modest.get(f"/1.0/identifiers/did:web:issuer{number}.example")).status_code
                    for number in range(5)
                ]
                for task in dead:
                    task.cancel()
                await asyncio.gather(*dead, return_exceptions=True)
        await guard.aclose()

    assert statuses == [200] * 5


@pytest.mark.parametrize("count", [5, 60])
async def test_dids_of_one_host_asked_together_are_as_many_documents(tmp_path: Path, count: int) -> None:
    """Sixty are more than a host is asked at once: the last of them wait for their turn."""
    settings = settings_in(tmp_path, rate_outbound_per_second=100.0)
    await initialise(settings, sample=True, say=quiet)
    async with World() as world, world.guard() as guard:
        host = world.host("issuer.example")
        dids = [f"did:web:issuer.example:{number}" for number in range(count)]
        for number, did in enumerate(dids):
            host.publish(f"/{number}/did.json", {"id": did})
        async with open_services(settings, guard=guard) as services:
            transport = httpx.ASGITransport(public_app(services), client=("203.0.113.7", 1))
            async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
                answer = await client.post("/1.0/identifiers", json={"dids": dids})

    assert [item["status"] for item in answer.json()["results"]] == [200] * count
    assert len(world.requests) == count
