"""A whole server: whoever reads the feed, or subscribed to it, learns of a change, and can verify who says so."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from registry import IdentifierNotFound
from registry.client import RegistryClient, RegistryUnavailable
from registry.feed import read_set
from resolver import public_key_of
from server.app import operator_app, public_app
from server.commands.database.bootstrap import initialise, operator_key_path
from server.services import Services, open_services
from tests.server.running import quiet, settings_in
from tests.simulator import World, canned
from wire import BadRequest

pytestmark = pytest.mark.anyio

SUBSCRIBER = {
    "id": "wallets",
    "url": "https://wallets.example/events",
    "audience": "wallets",
    "filters": {"kind": "recognition"},
}


class Deployment(NamedTuple):
    world: World
    services: Services
    public: httpx.AsyncClient
    operator: httpx.AsyncClient

    async def replace_registry(self, **changes: Any) -> None:
        registry = (await self.operator.get("/operator/registry")).json() | changes
        answer = await self.operator.put("/operator/registry", json=registry)
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def deployed(directory: Path) -> AsyncIterator[Deployment]:
    settings = settings_in(directory)
    await initialise(settings, sample=True, say=quiet)
    key = operator_key_path(settings).read_text().strip()
    async with World() as world, world.guard() as guard, open_services(settings, guard=guard) as services:

        def client(app: Any, **headers: str) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app)
            return httpx.AsyncClient(transport=transport, base_url=settings.public_url, headers=headers)

        operator = operator_app(services)
        async with (
            client(public_app(services)) as public,
            client(operator, authorization=f"Bearer {key}") as admin,
        ):
            yield Deployment(world, services, public, admin)


async def test_a_subscriber_is_told_of_a_change_and_verifies_who_says_so(tmp_path: Path) -> None:
    async with deployed(tmp_path) as deployment:
        deployment.world.host("wallets.example").answer("/events", canned(b"", 202))
        added = await deployment.operator.post("/operator/registry/subscribers", json=SUBSCRIBER)
        await deployment.replace_registry(recognitions=[])
        async with asyncio.timeout(10):
            while not deployment.world.requests:
                await asyncio.sleep(0.02)
        request = deployment.world.requests[0]
        document = (await deployment.public.get("/.well-known/did.json")).json()
        header = json.loads(_decoded(request.body.split(b".")[0]))
        (method,) = [one for one in document["verificationMethod"] if one["id"] == header["kid"]]
        received = read_set(request.body, public_key_of(method), issuer=document["id"], audience="wallets")
        client = RegistryClient("", http=deployment.public)
        page = await client.changes(added.json()["position"], kind="recognition")
        metrics = (await deployment.operator.get("/metrics")).text

    assert added.status_code == 201
    assert header["kid"] in document["assertionMethod"]
    assert (request.method, request.headers["content-type"]) == ("POST", "application/secevent+jwt")
    assert received.change == page.changes[0]
    assert (received.change.occasion, received.change.what) == ("import", "end")
    assert "touchstone_registry_deliveries" in metrics


async def test_the_feed_is_read_by_pages_and_asked_for_conditionally(tmp_path: Path) -> None:
    async with deployed(tmp_path) as deployment:
        client = RegistryClient("", http=deployment.public)
        first = await client.changes(limit=10)
        second = await client.changes(first.next, limit=500)
        nothing = await client.changes(second.next)
        about = await client.changes(authority="did:web:education.example", kind="authority")
        answer = await deployment.public.get("/trust/changes?limit=10")
        again = await deployment.public.get(
            "/trust/changes?limit=10", headers={"if-none-match": answer.headers["etag"]}
        )
        who = (await deployment.operator.get("/operator/registry/changes?limit=1")).json()["changes"][0]

    assert [change.position for change in (*first.changes, *second.changes)] == list(
        range(1, second.last + 1)
    )
    assert (nothing.changes, nothing.next) == ((), second.last)
    assert [change.kind for change in about.changes] == ["authority"]
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert (again.status_code, again.content) == (304, b"")
    assert "actor" not in answer.text
    assert who["actor"]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"entity": "did:web:nobody.example"}, IdentifierNotFound),
        ({"kind": "gap"}, BadRequest),
        ({"limit": 0}, BadRequest),
        ({"since": -1}, BadRequest),
    ],
)
async def test_the_client_is_told_what_cannot_be_asked(
    tmp_path: Path, asked: dict[str, Any], error: type[Exception]
) -> None:
    async with deployed(tmp_path) as deployment:
        with pytest.raises(error):
            await RegistryClient("", http=deployment.public).changes(**asked)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"changes":[],"next":1,"last":9}',
        b'{"changes":[{"position":3}],"next":3,"last":9}',
    ],
)
async def test_the_client_refuses_a_page_that_goes_back(body: bytes) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    async with httpx.AsyncClient(transport=transport, base_url="https://registry.example") as http:
        with pytest.raises(RegistryUnavailable):
            await RegistryClient("https://registry.example", http=http).changes(2)


def _decoded(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
