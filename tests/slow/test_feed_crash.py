"""kill -9 while changes are pushed: none is lost, none overtakes another, and a repeat can be told by its id."""

import asyncio
import random
import sys
from pathlib import Path

import pytest

from tests.clock import Clock
from tests.databases import Place
from tests.process import ROOT
from tests.registry.examples import NOW
from tests.registry.feed.feeding import TAKEN, Feeding, feeding_at
from tests.simulator import Host, Request, authority_pem

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

ROUNDS = 12
CHANGES = 60


async def pushing(place: Place, host: Host, directory: Path, kill_after: int) -> asyncio.subprocess.Process:
    ca_file = directory / "ca.pem"
    ca_file.write_bytes(authority_pem())
    arguments = (place.url, str(await host.port()), str(ca_file), str(kill_after))
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.registry.feed.child", *arguments), cwd=ROOT
    )


async def killed_before_it_is_answered(
    feeding: Feeding, place: Place, host: Host, directory: Path, count: int
) -> None:
    child = await pushing(place, host, directory, 0)
    left = count

    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        left -= 1
        if left:
            await TAKEN(request, writer)
        else:
            child.kill()

    feeding.answers(host, script)
    async with asyncio.timeout(30):
        await child.wait()


async def test_no_change_is_lost_to_a_process_that_is_killed_while_it_pushes(
    place: Place, tmp_path: Path
) -> None:
    chance = random.Random(13)
    async with feeding_at(place, Clock(NOW / 1_000_000)) as feeding:
        host = await feeding.subscribe("wallets")
        await feeding.entities(*range(CHANGES))
        for number in range(ROUNDS):
            count = chance.randint(1, 4)
            if number % 2:
                await killed_before_it_is_answered(feeding, place, host, tmp_path, count)
            else:
                feeding.answers(host, TAKEN)
                child = await pushing(place, host, tmp_path, count)
                async with asyncio.timeout(30):
                    assert await child.wait() == -9
        before = (await feeding.shown("wallets")).position
        feeding.answers(host, TAKEN)
        child = await pushing(place, host, tmp_path, 0)
        async with asyncio.timeout(30):
            while (await feeding.shown("wallets")).position < CHANGES:
                await asyncio.sleep(0.05)
        child.kill()
        await child.wait()
    received = feeding.received["wallets"]
    positions = [each.change.position for each in received]
    repeats = len(positions) - CHANGES

    assert list(dict.fromkeys(positions)) == list(range(1, CHANGES + 1)), "each comes first in its order"
    assert repeats == ROUNDS, "each kill left one that was taken, or might have been, and not noted"
    assert len({each.id for each in received}) == CHANGES
    assert 0 < before < CHANGES
