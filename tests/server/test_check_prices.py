"""`POST /status/check` over the whole server: what its clients are charged for."""

from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from server.app import public_app
from server.commands.database.bootstrap import initialise
from server.services import open_services
from tests.server.running import quiet, settings_in
from tests.simulator import World

pytestmark = pytest.mark.anyio


async def test_own_lists_are_checked_at_the_rate_of_computation_and_dead_hosts_at_that_of_requests(
    tmp_path: Path,
) -> None:
    settings = settings_in(tmp_path, rate_cpu_per_second=100.0, rate_outbound_per_second=5.0)
    await initialise(settings, sample=True, say=quiet)
    own = msgspec.json.decode((tmp_path / "var" / "sample-check.json").read_bytes())
    entry: dict[str, Any] = own["credentialStatus"][0]
    dead = {
        "issuer": "did:web:dead.example",
        "credentialStatus": [
            entry | {"statusListCredential": f"https://dead{number}.example/lists/1"} for number in range(8)
        ],
    }
    async with World() as world, world.guard() as guard, open_services(settings, guard=guard) as services:
        app = public_app(services)
        for client in ("203.0.113.7", "203.0.113.8"):
            transport = httpx.ASGITransport(app, client=(client, 1))
            async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as http:
                checks = [(await http.post("/status/check", json=own)).status_code for _ in range(60)]
                first = await http.post("/status/check", json=dead)
                second = await http.post("/status/check", json=dead)

                assert checks == [200] * 60
                assert (first.status_code, second.status_code) == (502, 429)
                assert int(second.headers["retry-after"]) >= 1
        assert len(world.resolutions) == 16
