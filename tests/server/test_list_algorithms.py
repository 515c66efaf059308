"""Issuers with keys of each algorithm, side by side: each form of their lists verifies, elsewhere and here."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from proofs import Algorithm, read_compact, verify_compact, verify_proof
from resolver import public_key_of
from tests.server.running import Running, running_in

pytestmark = pytest.mark.anyio

ISSUERS = {"edwards": Algorithm.ED25519, "short": Algorithm.P256, "long": Algorithm.P384}
SUITES = {"edwards": "eddsa-{}-2022", "short": "ecdsa-{}-2019", "long": "ecdsa-{}-2019"}


class Asker:
    """Somebody with an API key for all issuers, who also reads what is public."""

    def __init__(self, running: Running, client: httpx.AsyncClient) -> None:
        self.url = running.url
        self._operator_url, self._headers = running.operator_url, running.authorization
        self._client = client

    async def make(self, path: str, body: dict[str, Any]) -> Any:
        made = await self._client.post(f"{self._operator_url}{path}", json=body, headers=self._headers)
        assert made.status_code == 201, made.text
        return made.json()

    async def published(self, path: str) -> httpx.Response:
        """Read what is published a moment after it was asked for."""
        for _ in range(100):
            found = await self._client.get(f"{self.url}{path}")
            if found.status_code == 200:
                return found
            await asyncio.sleep(0.1)
        raise AssertionError(found.text)

    async def check(self, issuer: str, entries: Any) -> Any:
        body = {"issuer": issuer, "credentialStatus": entries}
        return (await self._client.post(f"{self.url}/status/check", json=body)).json()


@pytest.mark.parametrize("transformation", ["rdfc", "jcs"])
async def test_every_form_verifies_with_the_key_of_the_document(tmp_path: Path, transformation: str) -> None:
    settings = {"cryptosuite": f"eddsa-{transformation}-2022"}
    async with running_in(tmp_path, **settings) as running, httpx.AsyncClient() as client:
        asker = Asker(running, client)
        for issuer_id, algorithm in ISSUERS.items():
            wanted = {"id": issuer_id, "issuerId": issuer_id, "purposes": ["revocation"]}
            made = await asker.make("/operator/issuers", {"id": issuer_id, "algorithm": algorithm.value})
            await asker.make("/operator/status-lists", wanted)
            allocated = await asker.make(f"/operator/status-lists/{issuer_id}/allocations", {})
            document = (await asker.published(f"/status-lists/{issuer_id}-revocation/credential.json")).json()
            token = (await asker.published(f"/status-lists/{issuer_id}-revocation/credential.jwt")).content
            listed = (await asker.published(f"/issuers/{issuer_id}/did.json")).json()["verificationMethod"]
            methods = {method["id"]: method for method in listed}
            header = read_compact(token, max_bytes=len(token)).header

            verify_proof(
                document,
                public_key_of(methods[document["proof"]["verificationMethod"]]),
                now=time.time_ns() // 1_000,
            )
            verify_compact(token, public_key_of(methods[header["kid"]]))
            checked = await asker.check(made["did"], allocated["entries"][0]["credentialStatus"])

            assert document["proof"]["cryptosuite"] == SUITES[issuer_id].format(transformation)
            assert (header["alg"], methods[header["kid"]]["type"]) == (algorithm.jose, "JsonWebKey")
            assert (checked["valid"], checked["results"][0]["listIssuer"]) == (True, made["did"])
