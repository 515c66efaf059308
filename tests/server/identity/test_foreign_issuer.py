"""An issuer whose DID document lies elsewhere, over the whole server: its key is here, and its lists are."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest

from credentials.secured import VC
from credentials.verifying import verify_secured
from operators.issuers import key_store
from operators.issuers.views import AddKey, CompromiseKey, CreateIssuer, IssuerKeyView
from proofs import ProofInvalid
from resolver import Resolver
from resolver.outbound.fetch import GuardLimits
from server.app import public_app
from server.commands.database.bootstrap import initialise
from server.services import Services, open_services
from statuslist.entries.requests import Allocate, CreateSet
from tests.server.identity.keeping import ADMIN
from tests.server.running import quiet, settings_in
from tests.simulator import Host, World, canned
from wire import Conflict

pytestmark = pytest.mark.anyio

BANK = "did:web:bank.example"
WEB = "/.well-known/did.json"
LIST = "/status-lists/bank-revocation/credential.json"
PATIENCE_SECONDS = 20.0
WANTED = CreateSet(id="bank", issuer_id="bank", purposes=("revocation",))


class Scene:
    """A server whose issuer `bank` publishes its DID document on its own host."""

    def __init__(self, services: Services, http: httpx.AsyncClient, world: World, fetch: Any) -> None:
        self.services, self.http, self.world, self.fetch = services, http, world, fetch
        self.host: Host = world.host("bank.example")
        self.changes = services.issuing.changes

    async def add_key(self) -> IssuerKeyView:
        return await self.changes.add(ADMIN, "bank", AddKey(algorithm="P-256"))

    def publish(self, *keys: IssuerKeyView) -> None:
        methods = [method for key in keys for method in key.verification_methods]
        document = {
            "@context": ["https://www.w3.org/ns/did/v1.1"],
            "id": BANK,
            "verificationMethod": methods,
            "assertionMethod": [method["id"] for method in methods],
        }
        self.host.publish(WEB, document, cache_control="max-age=600")

    async def verified(self) -> None:
        """Verify the list as it is served, as somebody who never saw the document."""
        body = (await self.http.get(LIST)).content
        async with Resolver(fetcher=self.fetch) as resolver:
            await verify_secured(body, VC, resolve=resolver.resolve, now=self._now(), max_bytes=1 << 20)

    async def verified_with(self, key: IssuerKeyView) -> None:
        """Wait until the list is served with that key, and verify it."""
        method = key.verification_methods[0]["id"]
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await self.http.get(LIST)).json().get("proof", {}).get("verificationMethod") != method:
                await asyncio.sleep(0.05)
        await self.verified()

    def _now(self) -> int:
        return int(self.services.resources.clock() * 1_000_000)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    settings = settings_in(tmp_path)
    await initialise(settings, sample=True, say=quiet)
    limits = GuardLimits(host_burst=1_000, site_burst=1_000)
    async with (
        World() as world,
        world.guard(limits) as guard,
        open_services(settings, guard=guard) as services,
    ):
        transport = httpx.ASGITransport(public_app(services), client=("203.0.113.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as http:
            await services.operators.issuers.create(ADMIN, CreateIssuer(id="bank", did=BANK))
            yield Scene(services, http, world, guard.fetch_stranger)


async def _signing(scene: Scene) -> tuple[IssuerKeyView, dict[str, Any]]:
    """Let the bank's first key sign for a set of its own; return the key, and a question about an entry."""
    key = await scene.add_key()
    scene.publish(key)
    await scene.changes.activate(ADMIN, "bank", key.key)
    await scene.services.status.sets.create_set(ADMIN, WANTED)
    allocated = await scene.services.status.sets.allocate(ADMIN, "bank", Allocate())
    await scene.verified_with(key)
    entries = msgspec.to_builtins(allocated.entries[0].credential_status)
    return key, {"issuer": BANK, "credentialStatus": entries}


async def test_a_key_signs_as_soon_as_the_document_lists_it_and_not_before(scene: Scene) -> None:
    key = await scene.add_key()
    scene.publish()
    with pytest.raises(Conflict, match="does not list the key under assertionMethod"):
        await scene.changes.activate(ADMIN, "bank", key.key)
    with pytest.raises(Conflict):
        await scene.services.status.sets.create_set(ADMIN, WANTED)
    scene.publish(key)

    assert (await scene.changes.activate(ADMIN, "bank", key.key)).state == "active"
    assert len(scene.world.requests) == 2


async def test_its_lists_are_believed_here_and_elsewhere_by_the_document_that_its_host_serves(
    scene: Scene,
) -> None:
    key, question = await _signing(scene)
    checked = await scene.http.post("/status/check", json=question)
    ours = await scene.http.get("/issuers/bank/did.json")
    scene.publish()
    scene.services.resolver.purge(did=BANK)
    scene.services.status.checker.purge_lists()
    refused = await scene.http.post("/status/check", json=question)

    assert checked.status_code == 200, checked.text
    assert [result["valid"] for result in checked.json()["results"]] == [True]
    assert checked.json()["results"][0]["listIssuer"] == BANK
    assert ours.status_code == 404
    assert refused.status_code >= 400
    assert "does not list the key under assertionMethod" in refused.text
    assert {request.host for request in scene.world.requests} == {"bank.example"}
    with pytest.raises(ProofInvalid):
        await scene.verified()
    assert key.state == "announced"


async def test_our_rows_never_answer_for_a_foreign_did_though_its_key_is_active_here(scene: Scene) -> None:
    key, _ = await _signing(scene)
    scene.publish()
    scene.services.resolver.purge(did=BANK)
    resolved = await scene.http.get(f"/1.0/identifiers/{BANK}", headers={"accept": "application/did"})
    named = await scene.http.get(f"/1.0/identifiers/{quote(f'{BANK}#{key.key}', safe='')}")
    scene.host.answer(WEB, canned(b"", 410))
    scene.services.resolver.purge(did=BANK)
    gone = await scene.http.get(f"/1.0/identifiers/{BANK}")

    assert resolved.json()["assertionMethod"] == []
    assert (named.status_code, gone.status_code) == (404, 410)


async def test_a_second_key_follows_once_the_document_lists_it_too(scene: Scene) -> None:
    first, _ = await _signing(scene)
    second = await scene.add_key()
    with pytest.raises(Conflict, match="does not list the key"):
        await scene.changes.activate(ADMIN, "bank", second.key)
    scene.publish(first, second)
    await scene.changes.activate(ADMIN, "bank", second.key)
    await scene.verified_with(second)

    keys = await scene.services.database.read(lambda tx: key_store.keys_of(tx, "bank"))
    assert [key.state.value for key in keys] == ["retired", "active"]


async def test_a_key_that_was_given_up_is_followed_by_one_that_the_document_lists(scene: Scene) -> None:
    first, _ = await _signing(scene)
    unlisted, listed = await scene.add_key(), await scene.add_key()
    scene.publish(listed)
    await scene.changes.compromise(ADMIN, "bank", first.key, CompromiseKey())
    await scene.verified_with(listed)

    states = {key.key: key.state.value for key in await _keys(scene)}
    assert states == {first.key: "compromised", unlisted.key: "announced", listed.key: "active"}


async def _keys(scene: Scene) -> tuple[IssuerKeyView, ...]:
    return (await scene.services.operators.issuers.show(ADMIN, "bank")).keys
