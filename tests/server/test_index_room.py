"""A node whose index of the registry finds no room starts, refuses the registry alone, and mends itself."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from server.app import public_app
from server.commands.database.bootstrap import initialise
from server.services import open_services
from tests.server.running import quiet, settings_in

pytestmark = pytest.mark.anyio


async def test_a_node_starts_without_room_for_its_index(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await initialise(settings, sample=True, say=quiet)
    index = settings.registry_index
    for suffix in ("", "-wal", "-shm"):
        index.with_name(index.name + suffix).unlink(missing_ok=True)
    index.mkdir()  # Nothing can be kept under its name.
    async with open_services(settings) as services:
        services.health.is_started = True
        transport = httpx.ASGITransport(public_app(services), client=("203.0.113.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as http:
            document, refused, ready = [
                await http.get(path) for path in ("/.well-known/did.json", "/trust/entities", "/readyz")
            ]
            detail = json.loads(services.health.ready(detailed=True).body)
            index.rmdir()
            async with asyncio.timeout(30):
                while (answer := await http.get("/trust/entities")).status_code == 503:
                    await asyncio.sleep(0.05)

    assert document.status_code == 200
    assert refused.status_code == 503
    assert str(tmp_path) not in refused.text
    assert ready.status_code == 200
    assert [check["ok"] for check in detail["checks"] if check["name"] == "registry"] == [False]
    assert answer.status_code == 200
    assert "did:" in answer.text
