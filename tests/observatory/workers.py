"""A node of two workers as processes of their own, in a fake web with one host: the issuer of `documents.DID`."""

import asyncio
import json
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.observatory.documents import DID, PATH, a_document
from tests.process import Server
from tests.simulator import Host, World, authority_pem


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
        found: dict[str, Any] = json.loads(await self.operator("/operator/cache/purge", asked))
        return found

    async def operator(self, path: str, body: dict[str, Any] | None = None) -> bytes:
        """Ask the operator's listener of whichever worker takes the connection."""
        return await asyncio.to_thread(self._operator, path, body)

    def _operator(self, path: str, body: dict[str, Any] | None) -> bytes:
        request = urllib.request.Request(
            f"{self.server.operator_url}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.server.operator_key}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bytes(answer.read())


@asynccontextmanager
async def two_workers(
    directory: Path, monkeypatch: pytest.MonkeyPatch, **settings: str
) -> AsyncIterator[Workers]:
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
            **settings,
        )
        server.initialise()
        server.command = ("-m", "tests.server.served_world")
        await asyncio.to_thread(server.start)
        try:
            yield Workers(server, world, host)
        finally:
            await asyncio.to_thread(server.terminate)
            server.kill()
