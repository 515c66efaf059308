"""A whole server: what somebody did is sealed, signed and with the collector within seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest

from operators import Principal
from operators.audit.heads import Verification, read_head
from operators.audit.views import AuditPage
from proofs.notes import read_note_key, verify_note
from server.commands.database.bootstrap import initialise
from server.services import open_services
from storage import read_audit, read_sealed
from tests.operators.audit.collector import Collector
from tests.server.running import quiet, running_in, settings_in
from wire import decode

pytestmark = pytest.mark.anyio

SET = {"id": "badges", "purposes": ["revocation"], "issuerId": "default"}


async def until(found: Callable[[], Awaitable[bool]], seconds: float = 15.0) -> None:
    async with asyncio.timeout(seconds):
        while not await found():
            await asyncio.sleep(0.05)


async def test_a_change_is_read_signed_and_pushed(tmp_path: Path) -> None:
    collector = Collector()
    async with (
        collector.listening() as url,
        running_in(tmp_path, audit_push_url=url) as running,
        httpx.AsyncClient(
            base_url=running.operator_url, headers=running.authorization, trust_env=False
        ) as client,
    ):
        made = await client.post("/operator/status-lists", json=SET)

        async def is_sealed() -> bool:
            found = await client.get("/operator/audit", params={"subject": "badges"})
            return bool(found.json()["rows"])

        async def is_pushed() -> bool:
            return any(line.subject == "badges" for one in collector.received for line in one.lines)

        await until(is_sealed)
        await until(is_pushed)
        anchor = (await client.post("/operator/audit/anchor")).json()
        page = decode((await client.get("/operator/audit?limit=500")).content, AuditPage, max_bytes=2**24)
        metrics = (await client.get("/metrics")).text
    files = {path.suffix for path in (tmp_path / "var/published/audit").iterdir()}
    head = read_head(verify_note(anchor["note"].encode(), [read_note_key(anchor["key"])]))
    verification = Verification([head])
    for line in page.rows:
        verification.take(line.sealed())
    verification.end()

    assert made.status_code == 201
    assert anchor["key"].startswith(f"did:web:localhost%3A{running.port}#")
    assert head.origin == f"localhost:{running.port}/audit"
    assert files == {".note", ".key"}
    assert collector.positions == sorted(set(collector.positions)), "each once, in order"
    assert "touchstone_audit_push_waiting 0.0" in metrics
    assert "touchstone_audit_unsealed_seconds" in metrics


async def test_refused_attempts_are_written_when_the_server_stops(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await initialise(settings, sample=False, say=quiet)
    async with open_services(settings) as services:
        services.auditing.refusals.note(Principal(id="mallory"), "GET /operator/audit", 403)
    async with open_services(settings) as services:
        rows = await services.database.read(lambda tx: read_audit(tx, limit=1_000))

    assert [row.detail["count"] for row in rows if row.actor == "mallory"] == [1]


async def test_the_first_head_is_signed_soon_after_the_start(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    await initialise(settings, sample=False, say=quiet)
    async with open_services(settings) as services:

        async def is_signed() -> bool:
            return any((tmp_path / "var/published/audit").glob("*.note"))

        await until(is_signed)
        sealed = await services.database.read(lambda tx: read_sealed(tx, limit=1_000))
    (note,) = (tmp_path / "var/published/audit").glob("*.note")

    assert 0 < int(note.name.partition("-")[0]) <= len(sealed)


async def test_refused_attempts_are_written_once_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.background.REFUSALS_EVERY_SECONDS", 0.05)
    settings = settings_in(tmp_path)
    await initialise(settings, sample=False, say=quiet)
    async with open_services(settings) as services:
        services.auditing.refusals.note(Principal(id="mallory"), "GET /operator/audit", 403)

        async def is_written() -> bool:
            rows = await services.database.read(lambda tx: read_audit(tx, limit=1_000))
            return any(row.actor == "mallory" for row in rows)

        await until(is_written)
