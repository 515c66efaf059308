"""What an audit row has the digest of is what the API answered: anybody can compute it again."""

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.app import operator_app
from server.commands.database.bootstrap import initialise, operator_key_path
from server.services import open_services
from storage import read_audit
from tests.server.running import quiet, settings_in

pytestmark = pytest.mark.anyio

ISSUERS = "/operator/issuers"


class Office:
    """An administrator over HTTP, and what the trail says of it."""

    def __init__(self, client: httpx.AsyncClient, services: Any) -> None:
        self._client = client
        self._services = services

    async def post(self, path: str, body: object = None) -> Any:
        answer = await self._client.post(path, **({} if body is None else {"json": body}))
        assert answer.is_success, answer.text
        return answer.json()

    async def get(self, path: str) -> Any:
        return (await self._client.get(path)).json()

    async def key(self, issuer_id: str, key_id: str) -> Any:
        """Return a key as the API shows it, without the members that are its issuer's document's."""
        keys = (await self.get(f"{ISSUERS}/{issuer_id}"))["keys"]
        (found,) = [key for key in keys if key["key"] == key_id]
        del found["verificationMethods"]
        return found

    async def details(self, action: str, subject: str = "") -> list[dict[str, Any]]:
        rows = await self._services.database.read(lambda tx: read_audit(tx, limit=1_000))
        return [row.detail for row in rows if row.action == action and row.subject.startswith(subject)]


@asynccontextmanager
async def office_in(directory: Path) -> AsyncIterator[Office]:
    settings = settings_in(directory)
    await initialise(settings, sample=True, say=quiet)
    key = operator_key_path(settings).read_text().strip()
    async with (
        open_services(settings) as services,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(operator_app(services)),
            base_url=f"http://{settings.operator_bind}",
            headers={"authorization": f"Bearer {key}"},
        ) as client,
    ):
        yield Office(client, services)


def digest_of(answer: object) -> str:
    """As an auditor computes it, without Touchstone."""
    text = json.dumps(answer, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


async def test_issuers_and_their_keys(tmp_path: Path) -> None:
    async with office_in(tmp_path) as office:
        made = await office.post(ISSUERS, {"id": "acme", "owner": "Acmé"})
        spare = next(key["key"] for key in made["keys"] if key["state"] == "announced")
        before = await office.key("acme", spare)
        plans = []
        for _ in range(2):
            await office.post(f"{ISSUERS}/acme/keys/{spare}/activate")
            plans.append(await office.key("acme", spare))
        added = (await office.post(f"{ISSUERS}/acme/keys", {}))["key"]
        shown = await office.key("acme", added)
        await office.post(f"{ISSUERS}/acme/keys/{added}/retire")
        retired = await office.key("acme", added)
        (created,) = await office.details("issuer.create", "acme")
        planned = await office.details("issuer-key.plan", "acme#")
        (add,) = await office.details("issuer-key.add", "acme#")
        (retire,) = await office.details("issuer-key.retire", "acme#")

    assert created["after"] == digest_of(made) and "before" not in created
    assert [(one["before"], one["after"]) for one in planned] == [
        (digest_of(before), digest_of(plans[0])),
        (digest_of(plans[0]), digest_of(plans[1])),
    ]
    assert before != plans[0]
    assert add["after"] == digest_of(shown) and "before" not in add
    assert (retire["before"], retire["after"]) == (digest_of(shown), digest_of(retired))


async def test_api_keys_and_purges(tmp_path: Path) -> None:
    async with office_in(tmp_path) as office:
        service = {"id": "robot", "kind": "service", "grants": [{"scope": "everything", "role": "viewer"}]}
        await office.post("/operator/principals", service)
        first = (await office.post("/operator/principals/robot/keys", {}))["key"]
        second = (await office.post(f"/operator/keys/{first['key']}/rotate", {}))["key"]
        keys = (await office.get("/operator/principals/robot/keys"))["keys"]
        purge = await office.post("/operator/cache/purge", {"all": True})
        created = [one for one in await office.details("key.create") if one["of"] == "robot"]
        (rotated,) = await office.details("key.rotate")
        (purged,) = await office.details("cache.purge")

    replaced = next(key for key in keys if key["key"] == first["key"])
    assert [one["after"] for one in created] == [digest_of(first)]
    assert (rotated["before"], rotated["after"]) == (digest_of(first), digest_of(replaced))
    assert (rotated["new"], rotated["new_digest"]) == (second["key"], digest_of(second))
    assert purged["after"] == digest_of(purge)
