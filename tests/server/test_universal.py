"""Batches, and what the resolver tells of itself, over HTTP: caching, hostile requests."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from resolver.client import ResolverClient
from resolver.errors import InvalidDid
from resolver.results import Resolved
from tests.server.running import Running, running_in

pytestmark = pytest.mark.anyio

KEY = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
ENDPOINTS = ("methods", "properties", "testIdentifiers", "traits")


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running_in(tmp_path_factory.mktemp("server"), rate_cpu_per_second=1_000.0) as started:
        yield started


@pytest.fixture
async def client(running: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=running.url, trust_env=False, timeout=30) as client:
        yield client


@pytest.mark.parametrize("name", ENDPOINTS)
async def test_what_it_tells_of_itself_is_json_that_caches_keep(client: httpx.AsyncClient, name: str) -> None:
    first = await client.get(f"/1.0/{name}")
    head = await client.head(f"/1.0/{name}")
    again = await client.get(f"/1.0/{name}", headers={"if-none-match": first.headers["etag"]})

    assert (first.status_code, head.status_code, again.status_code) == (200, 200, 304)
    assert first.headers["content-type"] == "application/json"
    assert first.headers["cache-control"] == "public, max-age=300"
    assert first.headers["access-control-allow-origin"] == "*"
    assert (head.content, head.headers["content-length"]) == (b"", str(len(first.content)))
    assert isinstance(first.json(), list if name == "methods" else dict)


@pytest.mark.parametrize("name", ENDPOINTS)
async def test_what_it_tells_of_itself_is_told_with_the_last_slash_too(
    client: httpx.AsyncClient, name: str
) -> None:
    without = await client.get(f"/1.0/{name}")
    for _ in range(2):  # from the route, and from memory
        found = await client.get(f"/1.0/{name}/")

        assert (found.status_code, found.content) == (200, without.content)
        assert found.headers["etag"] == without.headers["etag"]
    assert (await client.head(f"/1.0/{name}/")).status_code == 200
    assert (await client.get(f"/1.0/{name}//")).status_code == 404
    assert (await client.get(f"//1.0/{name}/")).status_code == 404
    assert (await client.post(f"/1.0/{name}/")).status_code == 405


async def test_a_batch_is_answered_in_order_and_is_not_kept_by_caches(
    running: Running, client: httpx.AsyncClient
) -> None:
    own = running.settings.did
    answer = await client.post("/1.0/identifiers", json={"dids": [own, "x", KEY]})

    results = answer.json()["results"]
    assert [(result.get("identifier"), result["status"]) for result in results] == [
        (own, 200),
        (None, 400),
        (KEY, 200),
    ]
    assert answer.headers["cache-control"] == "no-store"
    assert results[0]["result"]["didDocument"]["id"] == own


async def test_without_an_identifier_a_read_is_an_invalid_did(client: httpx.AsyncClient) -> None:
    for path in ("/1.0/identifiers", "/1.0/identifiers/"):
        assert (await client.get(path)).status_code == 400
        assert (await client.head(path)).status_code == 400


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b'{"dids":[]}', "application/json", 400),
        (json.dumps({"dids": ["a"] * 101}).encode(), "application/json", 400),
        (b'{"dids":' + b"[" * 60_000, "application/json", 400),
        (b" " * 196_609, "application/json", 413),
        (b'{"dids":["a"]}', "text/plain", 415),
        (b'{"dids":["a"]}', "", 415),
    ],
)
@pytest.mark.parametrize("path", ["/1.0/identifiers", "/1.0/identifiers/"])
async def test_a_hostile_batch_is_refused(
    client: httpx.AsyncClient, path: str, content: bytes, media_type: str, status: int
) -> None:
    headers = {"content-type": media_type} if media_type else {}
    answer = await client.post(path, content=content, headers=headers)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_client_resolves_many_against_the_server(running: Running) -> None:
    async with ResolverClient(running.url) as resolver:
        found = await resolver.resolve_many([KEY, "did:key:z", running.settings.did])

    assert [type(item) for item in found] == [Resolved, InvalidDid, Resolved]
