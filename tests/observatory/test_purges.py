"""A purge reaches every worker: real processes, a fake web, and a key that was stolen."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from observatory.purge_store import add, forget_before, newest_number, purges_after
from server.database import MIGRATIONS
from storage import migrate
from tests.databases import Place
from tests.observatory.documents import DID
from tests.observatory.workers import Workers, two_workers

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_purges_are_followed_in_order_and_old_rows_are_forgotten(place: Place) -> None:
    database = place.open()
    try:
        await migrate(database, MIGRATIONS)
        first = await database.write(lambda tx: add(tx, did=DID, host=None, at=10))
        second = await database.write(lambda tx: add(tx, did=None, host="uni.example", at=20))
        followed = await database.read(lambda tx: purges_after(tx, first - 1))
        forgotten = await database.write(lambda tx: forget_before(tx, 30))
        third = await database.write(lambda tx: add(tx, did=None, host=None, at=40))
        newest = await database.read(newest_number)
    finally:
        database.close()

    assert [(each.number, each.did, each.host) for each in followed] == [
        (first, DID, None),
        (second, None, "uni.example"),
    ]
    assert forgotten == 2
    assert third == newest > second


@pytest.fixture
async def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workers]:
    async with two_workers(tmp_path, monkeypatch) as running:
        yield running


async def _all_new_since(workers: Workers, seconds: float) -> set[str]:
    """Return what the workers answer from `seconds` from now on."""
    await asyncio.sleep(seconds)
    return set(await asyncio.gather(*(workers.keys() for _ in range(40))))


async def test_a_stolen_key_is_gone_from_every_worker_within_a_second(workers: Workers) -> None:
    workers.publish("stolen")
    await workers.warm()
    workers.publish("new")
    before = set(await asyncio.gather(*(workers.keys() for _ in range(40))))
    answer = await workers.purge({"did": DID})
    after = await _all_new_since(workers, 1.0)

    assert before == {"stolen"}
    assert after == {"new"}
    assert answer["did"] == DID
    assert len(workers.world.requests) == 4, "each worker asked once before the purge and once after it"


async def test_the_command_line_purges_beside_running_workers(workers: Workers) -> None:
    workers.publish("stolen")
    await workers.warm()
    workers.publish("new")
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "server", "cache", "purge", "--host", "uni.example"],
        cwd=workers.server.directory,
        env=workers.server.environment,
        capture_output=True,
        text=True,
        timeout=30,
    )
    after = await _all_new_since(workers, 1.0)

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "every running server has done it by" in done.stderr
    assert after == {"new"}
