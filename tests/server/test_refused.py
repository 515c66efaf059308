"""Who is refused over HTTP: known principals are written down by route, strangers are a number."""

from pathlib import Path

import httpx
import pytest

from server.app import operator_app
from server.commands.database.bootstrap import initialise, operator_key_path
from server.services import Services, open_services
from storage import read_audit
from tests.server.running import quiet, settings_in

pytestmark = pytest.mark.anyio


async def test_a_refused_attempt_is_noted_by_route_and_one_of_a_stranger_counted(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await initialise(settings, sample=True, say=quiet)
    admin = operator_key_path(settings).read_text().strip()
    async with (
        open_services(settings) as services,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(operator_app(services)), base_url=f"http://{settings.operator_bind}"
        ) as client,
    ):
        await _made(client, admin, "issuers", {"id": "acme"})
        viewer = {"id": "vera", "kind": "service", "grants": [{"scope": "issuer:acme", "role": "viewer"}]}
        await _made(client, admin, "principals", viewer)
        key = (await _made(client, admin, "principals/vera/keys", {}))["apiKey"]
        mine = {"authorization": f"Bearer {key}"}
        statuses = [
            (await client.post("/operator/issuers/acme/keys", headers=mine, json={})).status_code,
            (await client.post("/operator/issuers/default/keys", headers=mine, json={})).status_code,
            (await client.get("/operator/issuers/default", headers=mine)).status_code,
            (await client.get("/operator/issuers/acme", headers=mine)).status_code,
            (await client.get("/operator/audit", headers=mine)).status_code,
            (await client.get("/operator/audit", headers={"authorization": "Bearer x"})).status_code,
            (await client.get("/operator/audit")).status_code,
        ]
        assert [reading.value for reading in services.auditing.refusals.readings()] == [2, 4]
        noted = await _noted(services)

    assert statuses == [403, 404, 404, 200, 403, 401, 401]
    assert noted == {
        ("vera", "POST /operator/issuers/{issuer_id}/keys"): {"403": 1, "404": 1},
        ("vera", "GET /operator/issuers/{issuer_id}"): {"404": 1},
        ("vera", "GET /operator/audit"): {"403": 1},
    }


async def test_a_key_that_was_good_is_noted_and_answered_as_any_other(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await initialise(settings, sample=True, say=quiet)
    admin = operator_key_path(settings).read_text().strip()
    async with (
        open_services(settings) as services,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(operator_app(services)), base_url=f"http://{settings.operator_bind}"
        ) as client,
    ):
        as_admin = {"authorization": f"Bearer {admin}"}
        keys = {}
        for name in ("revoked", "deactivated"):
            service = {"id": name, "kind": "service", "grants": [{"scope": "everything", "role": "viewer"}]}
            await _made(client, admin, "principals", service)
            keys[name] = (await _made(client, admin, f"principals/{name}/keys", {}))["apiKey"]
        public_id = keys["revoked"].split("_")[1]
        ended = [
            await client.post(f"/operator/keys/{public_id}/revoke", headers=as_admin),
            await client.post("/operator/principals/deactivated/deactivate", headers=as_admin),
        ]
        guessed = f"{keys['revoked'][:-4]}AAAA"
        answers = [
            await client.get("/operator/issuers", headers={"authorization": f"Bearer {key}"})
            for key in (*keys.values(), guessed)
        ]
        noted = await _noted(services)
        rows = await services.database.read(lambda tx: read_audit(tx, limit=1_000))

    assert [answer.status_code for answer in ended] == [200, 200]
    told = [{**answer.json(), "instance": "a number of its own"} for answer in answers]
    assert told == [told[2]] * 3 and told[2]["status"] == 401
    assert len({tuple(sorted(answer.headers)) for answer in answers}) == 1
    assert noted == {(name, "GET /operator/issuers"): {"401": 1} for name in keys}
    by = {row.actor: row.detail["by"]["key"] for row in rows if row.action == "request.refuse"}
    assert by == {name: key.split("_")[1] for name, key in keys.items()}, (
        "a guess at a secret is a stranger's"
    )


async def _made(client: httpx.AsyncClient, admin: str, path: str, body: dict[str, object]) -> dict[str, str]:
    answer = await client.post(f"/operator/{path}", json=body, headers={"authorization": f"Bearer {admin}"})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def _noted(services: Services) -> dict[tuple[str, str], object]:
    refusals = services.auditing.refusals
    await refusals.flush()
    rows = await services.database.read(lambda tx: read_audit(tx, limit=1_000))
    return {
        (row.actor, row.subject): row.detail["statuses"] for row in rows if row.action == "request.refuse"
    }
