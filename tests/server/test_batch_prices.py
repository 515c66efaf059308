"""What a batch costs who asks, over HTTP."""

from pathlib import Path

import httpx
import pytest

from tests.server.running import running_in

pytestmark = pytest.mark.anyio

KEY = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"


async def test_a_batch_costs_the_client_a_token_for_each_did_that_may_be_fetched(tmp_path: Path) -> None:
    """One token is there, and another every two seconds; what is computed is answered all the same."""
    nobody = {"name": "nobody", "pattern": "did:example:.+", "url": "http://127.0.0.1:1"}
    async with (
        running_in(tmp_path, rate_outbound_per_second=0.5, drivers=(nobody,)) as running,
        httpx.AsyncClient(base_url=running.url, trust_env=False) as client,
    ):
        dids = [*(f"did:example:{n}" for n in range(10)), KEY]
        results = (await client.post("/1.0/identifiers", json={"dids": dids})).json()["results"]
        alone = await client.get("/1.0/identifiers/did:example:10")

    statuses = [result["status"] for result in results]
    assert statuses == [500, *[503] * 9, 200]
    assert all(result["retryAfter"] >= 1 for result in results[1:10])
    assert alone.status_code == 429


async def test_a_batch_costs_a_token_of_computation_for_each_did(tmp_path: Path) -> None:
    async with (
        running_in(tmp_path, rate_cpu_per_second=10.0) as running,
        httpx.AsyncClient(base_url=running.url, trust_env=False) as client,
    ):
        dids = [f"{KEY}?n={n}" for n in range(40)]
        results = (await client.post("/1.0/identifiers", json={"dids": dids})).json()["results"]

    statuses = [result["status"] for result in results]
    assert 15 <= statuses.count(404) + statuses.count(200) <= 25
    assert statuses.count(503) >= 15
