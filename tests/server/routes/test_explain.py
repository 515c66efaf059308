"""What an operator is told of a resolution, over the operator's listener."""

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from operators import Role
from server.database import open_of
from tests.actors import Access
from tests.server.running import Running, running_in

pytestmark = pytest.mark.anyio

KEY = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"


async def asked(running: Running, query: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient() as http:
        url = f"{running.operator_url}/operator/explain{query}"
        return await http.get(url, headers=headers or running.authorization)


async def test_an_operator_is_told_the_steps_of_what_is_found_and_of_what_is_not(tmp_path: Path) -> None:
    async with running_in(tmp_path) as running:
        computed: Any = (await asked(running, f"?did={KEY}")).json()
        own: Any = (await asked(running, f"?did={running.settings.did.replace('%', '%25')}")).json()
        refused: Any = (await asked(running, "?did=did:web:127.0.0.1")).json()

    assert (computed["did"], computed["steps"]) == (KEY, [{"step": "computed from the DID"}])
    assert own["steps"] == [{"step": "published by this server"}]
    assert refused["error"].endswith("#INVALID_DID")


async def test_a_question_that_is_none_and_a_stranger_are_refused(tmp_path: Path) -> None:
    async with running_in(tmp_path) as running:
        statuses = [
            (await asked(running, "")).status_code,
            (await asked(running, f"?did={KEY}&did={KEY}")).status_code,
            (await asked(running, f"?did={KEY}", authorization="Bearer x")).status_code,
        ]

    assert statuses == [400, 400, 401]


@pytest.mark.parametrize(
    ("role", "issuer_id", "status"),
    [
        (Role.ADMINISTRATOR, None, 200),
        (Role.VIEWER, None, 403),
        (Role.EDITOR, None, 403),
        (Role.ADMINISTRATOR, "default", 403),
        (Role.EDITOR, "default", 403),
        (Role.VIEWER, "default", 403),
    ],
)
async def test_the_network_of_a_node_is_explained_to_admins_of_all_issuers_only(
    tmp_path: Path, role: Role, issuer_id: str | None, status: int
) -> None:
    async with running_in(tmp_path) as running:
        key = await a_key(running, role, issuer_id)
        answer = await asked(running, f"?did={KEY}", authorization=f"Bearer {key}")

    assert answer.status_code == status
    assert ("steps" in answer.json()) == (status == 200)


async def a_key(running: Running, role: Role, issuer_id: str | None) -> str:
    """Return the API key of a new principal, made beside the running server."""
    database = open_of(running.settings)
    try:
        access = Access(database, time.time)
        await access.add("eve", role, issuer_id=issuer_id)
        return await access.key("eve")
    finally:
        database.close()
