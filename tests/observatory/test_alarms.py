"""A change of keys that two workers see is one alarm, told once."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.observatory.documents import DID
from tests.observatory.workers import Workers, two_workers
from tests.registry.examples import a_registry, as_file

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


def _register(workers: Workers) -> None:
    file = workers.server.directory / "registry.json"
    file.write_bytes(as_file(a_registry()))
    subprocess.run(
        [sys.executable, "-m", "server", "registry", "import", str(file)],
        cwd=workers.server.directory,
        env=workers.server.environment,
        check=True,
        capture_output=True,
        timeout=30,
    )


def _events(workers: Workers) -> list[dict[str, Any]]:
    log = (workers.server.directory / "server.log").read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("event") == "key_change"]


async def _observations(workers: Workers, wanted: int) -> dict[str, Any]:
    """Return what an operator sees, once there are that many observations."""
    until = time.monotonic() + 10
    while True:
        found: dict[str, Any] = json.loads(await workers.operator(f"/operator/observations?did={DID}"))
        if len(found["observations"]) >= wanted:
            return found
        assert time.monotonic() < until, found
        await asyncio.sleep(0.1)


async def test_two_workers_that_see_a_change_raise_one_alarm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two_workers(tmp_path, monkeypatch, LOG_LEVEL="WARNING") as workers:
        await asyncio.to_thread(_register, workers)
        await asyncio.sleep(1)  # Until each worker knows the registry.
        workers.publish("old")
        await workers.warm()
        before = await _observations(workers, 1)
        workers.publish("new")
        await workers.purge({"did": DID})
        await asyncio.sleep(1)
        await asyncio.gather(*(workers.keys() for _ in range(40)))
        found = await _observations(workers, 2)
        await asyncio.sleep(6.5)  # Until both workers have written, and told one another their metrics.
        metrics = (await workers.operator("/metrics")).decode()
        (event,) = _events(workers)

    (alarm,) = found["alarms"]
    assert before["alarms"] == []
    assert len(found["observations"]) == 2
    assert event.items() >= {"level": "WARNING", "alarm": alarm["alarm"], "added": 1, "removed": 1}.items()
    assert DID not in json.dumps(event)
    assert "touchstone_key_changes 1.0" in metrics
    assert "touchstone_key_change_alarms 1.0" in metrics
    assert len(workers.world.requests) == 4
