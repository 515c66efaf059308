"""A purge reaches every worker: real processes, a fake web, and a key that was stolen."""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from server.bootstrap import MIGRATIONS
from server.purge_store import add, forget_before, newest_number, purges_after
from storage import migrate
from tests.databases import Place
from tests.process import Server
from tests.server.documents import DID, PATH, a_document
from tests.simulator import Host, World, authority_pem

pytestmark = pytest.mark.anyio


async def test_purges_are_followed_in_order_and_old_rows_are_forgotten(place: Place) -> None:
    database = place.open()
    try:
        await migrate(database, MIGRATIONS)
        first = await database.write(lambda tx: add(tx, did=DID, host=None, at=10))
        second = await database.write(lambda tx: add(tx, did=None, host="uni.example", at=20))
        followed = await database.read(lambda tx: purges_after(tx, first - 1))
        forgotten = await database.write(lambda tx: forget_before(tx, 30))
        third = await database.write(lambda tx: add(tx, did=None, host=None, at=40))
        newest = await database.read(newest_number)
    finally:
        database.close()

    assert [(each.number, each.did, each.host) for each in followed] == [
        (first, DID, None),
        (second, None, "uni.example"),
    ]
    assert forgotten == 2
    assert third == newest > second


class Workers:
    """A node of two workers, in a fake web with one host."""

    def __init__(self, server: Server, world: World, host: Host) -> None:
        self.server = server
        self.world = world
        self.host = host

    def publish(self, key: str) -> None:
        self.host.publish(PATH, a_document(key), cache_control="max-age=600")

    async def keys(self) -> str:
        """Ask on a connection of its own, hence whichever worker takes it, for the id of the only key."""
        body = await asyncio.to_thread(self.server.get, f"/1.0/identifiers/{DID}")
        (method,) = json.loads(body)["didDocument"]["verificationMethod"]
        return str(method["id"]).partition("#")[2]

    async def warm(self) -> None:
        """Ask until both workers have fetched the document."""
        until = time.monotonic() + 20
        while len(self.world.requests) < 2:
            await asyncio.gather(*(self.keys() for _ in range(8)))
            assert time.monotonic() < until, "one worker takes all connections"

    async def purge(self, asked: dict[str, Any]) -> dict[str, Any]:
        return await asyncio.to_thread(self._purge, asked)

    def _purge(self, asked: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.server.operator_url}/operator/cache/purge",
            data=json.dumps(asked).encode(),
            headers={
                "Authorization": f"Bearer {self.server.operator_key}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@asynccontextmanager
async def _two_workers(directory: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workers]:
    async with World() as world:
        host = world.host("uni.example")
        authority = directory / "authority.pem"
        authority.write_bytes(authority_pem())
        monkeypatch.setenv("FAKE_WEB_PORT", str(await host.port()))
        server = Server(
            directory,
            workers=2,
            RATE_OUTBOUND_PER_SECOND="100000",
            DANGEROUSLY_TRUSTED_CA_FILE=str(authority),
        )
        server.initialise()
        server.command = ("-m", "tests.server.served_world")
        await asyncio.to_thread(server.start)
        try:
            yield Workers(server, world, host)
        finally:
            await asyncio.to_thread(server.terminate)
            server.kill()


@pytest.fixture
async def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workers]:
    async with _two_workers(tmp_path, monkeypatch) as running:
        yield running


async def _all_new_since(workers: Workers, seconds: float) -> set[str]:
    """Return what the workers answer from `seconds` from now on."""
    await asyncio.sleep(seconds)
    return set(await asyncio.gather(*(workers.keys() for _ in range(40))))


async def test_a_stolen_key_is_gone_from_every_worker_within_a_second(workers: Workers) -> None:
    workers.publish("stolen")
    await workers.warm()
    workers.publish("new")
    before = set(await asyncio.gather(*(workers.keys() for _ in range(40))))
    answer = await workers.purge({"did": DID})
    after = await _all_new_since(workers, 1.0)

    assert before == {"stolen"}
    assert after == {"new"}
    assert answer["did"] == DID
    assert len(workers.world.requests) == 4, "each worker asked once before the purge and once after it"


async def test_the_command_line_purges_beside_running_workers(workers: Workers) -> None:
    workers.publish("stolen")
    await workers.warm()
    workers.publish("new")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "server", "cache", "purge", "--host", "uni.example"],
        cwd=workers.server.directory,
        env=workers.server.environment,
        capture_output=True,
        text=True,
        timeout=30,
    )
    after = await _all_new_since(workers, 1.0)

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "every running server has done it by" in done.stderr
    assert after == {"new"}
