"""`POST /verify` over the whole server, of credentials with proofs over RDF."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from proofs import JsonObject
from resolver.keys.multikey import multikey_of
from server.app import public_app
from server.canonicalizer import Canonicalizer
from server.commands.database.bootstrap import initialise
from server.services import Services, open_services
from tests.credentials.rdf.credentials import KEY, credential, signed
from tests.server.running import quiet, settings_in
from tests.simulator import World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    settings = settings_in(tmp_path)
    await initialise(settings, sample=False, say=quiet)
    async with World() as world, world.guard() as guard, open_services(settings, guard=guard) as services:
        yield services
        assert world.resolutions == []


@pytest.fixture
async def http(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(public_app(services), client=("203.0.113.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url=services.settings.public_url) as http:
        yield http


def by_its_key(**members: Any) -> JsonObject:
    """Return a credential that its did:key signed."""
    key = multikey_of(KEY.public_key())
    did = f"did:key:{key}"
    return signed(credential(issuer=did, **members), verificationMethod=f"{did}#{key}")


async def verified(http: httpx.AsyncClient, document: JsonObject) -> JsonObject:
    answer = await http.post("/verify", json={"credential": document, "policy": "any-issuer"})
    assert answer.status_code == 200
    body: JsonObject = answer.json()
    return body


async def test_a_credential_of_anybody_verifies(http: httpx.AsyncClient) -> None:
    answer = await verified(http, by_its_key())

    assert (answer["rely"], answer["verdicts"]["authentic"]["reason"]) == (True, "signature_valid")


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"description": "added"}, "signature_invalid"),
        ({"@context": ["https://www.w3.org/ns/credentials/v2", "https://unknown.example/"]}, "unsupported"),
        ({"@context": ["https://www.w3.org/ns/credentials/v2", {"name": "urn:name"}]}, "unsupported"),
        ({"@context": ["https://www.w3.org/ns/credentials/v2"]}, "malformed"),
        ({"id": "relative"}, "malformed"),
    ],
    ids=str,
)
async def test_a_changed_one_does_not_and_no_context_is_fetched(
    http: httpx.AsyncClient, members: JsonObject, reason: str
) -> None:
    answer = await verified(http, by_its_key() | members)

    assert (answer["rely"], answer["verdicts"]["authentic"]["reason"]) == (False, reason)


async def test_those_that_would_take_long_hold_nobody_up(http: httpx.AsyncClient, services: Services) -> None:
    """Four batches of a client's at once, without a signature of his: all are refused before they are begun."""
    assert (await verified(http, by_its_key()))["rely"]
    canonicalizer = services.resources.canonicalize_rdf
    assert isinstance(canonicalizer, Canonicalizer)
    pid = canonicalizer.pid
    alike = by_its_key() | {"evidence": [{"about": [{} for _ in range(10)]} for _ in range(2)]}
    batches = [
        asyncio.create_task(http.post("/verify/batch", json={"credentials": [alike] * 10})) for _ in range(4)
    ]
    other = httpx.ASGITransport(public_app(services), client=("203.0.113.8", 1))
    async with httpx.AsyncClient(transport=other, base_url=services.settings.public_url) as neighbour:
        good = [await verified(neighbour, by_its_key()) for _ in range(5)]
    told = [each for batch in batches for each in (await batch).json()["results"]]

    assert [each["rely"] for each in good] == [True] * 5
    assert {each["verdicts"]["authentic"]["reason"] for each in told} == {"unsupported"}
    assert all("look alike" in each["verdicts"]["authentic"]["detail"] for each in told)
    assert canonicalizer.pid == pid


async def test_no_process_is_left_when_the_server_ends(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await initialise(settings, sample=False, say=quiet)
    async with World() as world, world.guard() as guard, open_services(settings, guard=guard) as services:
        transport = httpx.ASGITransport(public_app(services), client=("203.0.113.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as http:
            assert (await verified(http, by_its_key()))["rely"]
        canonicalizer = services.resources.canonicalize_rdf
        assert isinstance(canonicalizer, Canonicalizer)
        pid = canonicalizer.pid
    assert pid is not None

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
