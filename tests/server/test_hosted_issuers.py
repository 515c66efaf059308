"""Issuers beside us over HTTP: whose documents we answer, and what one tenant's missing key does to the others."""

from pathlib import Path

import httpx
import pytest

from operators import Issuer
from server.commands.database.bootstrap import initialise
from server.database import open_of
from server.settings import Settings
from tests.issuers import inserting, key_row
from tests.server.running import Running, quiet, running_in, settings_in

pytestmark = pytest.mark.anyio


async def _add(settings: Settings, *issuers: Issuer) -> None:
    database = open_of(settings)
    try:
        for issuer in issuers:
            await database.write(inserting(issuer, key_row(issuer.id, f"{issuer.id}-1")))
    finally:
        database.close()


async def test_a_missing_key_of_one_tenant_stops_neither_the_node_nor_our_own_document(
    tmp_path: Path,
) -> None:
    settings = settings_in(tmp_path)
    await initialise(settings, sample=True, say=quiet)
    did = f"{settings.did}:issuers:acme"
    await _add(settings, Issuer(id="acme", did=did))
    ports = {"public_url": settings.public_url, "bind": settings.bind}
    async with running_in(tmp_path, **ports) as running, httpx.AsyncClient() as client:
        own = await client.get(f"{running.url}/.well-known/did.json")
        theirs = await client.get(f"{running.url}/issuers/acme/did.json")
        resolved = await client.get(f"{running.url}/1.0/identifiers/{did}")
        listed = await client.get(f"{running.url}/status-lists/sample-revocation/credential.json")
        alarms = await _alarms(client, running)

    assert (own.status_code, listed.status_code) == (200, 200)
    assert (theirs.status_code, resolved.status_code) == (503, 503)
    assert theirs.headers["retry-after"] == "5"
    assert [(kind, subject.split(" on ")[0]) for kind, subject in alarms] == [
        ("key-unreadable", "acme#acme-1")
    ]


async def test_a_foreign_did_in_an_issuers_row_is_not_answered_by_us(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await initialise(settings, sample=True, say=quiet)
    await _add(settings, Issuer(id="bank", did="did:web:bank.invalid"))
    ports = {"public_url": settings.public_url, "bind": settings.bind}
    async with running_in(tmp_path, **ports) as running, httpx.AsyncClient() as client:
        resolved = await client.get(f"{running.url}/1.0/identifiers/did:web:bank.invalid")
        document = await client.get(f"{running.url}/issuers/bank/did.json")

    assert resolved.status_code >= 400
    assert resolved.json()["didDocument"] is None
    assert document.status_code == 404


async def _alarms(client: httpx.AsyncClient, running: Running) -> list[tuple[str, str]]:
    found = await client.get(f"{running.operator_url}/operator/alarms", headers=running.authorization)
    return [(alarm["kind"], alarm["subject"]) for alarm in found.json()["alarms"]]
