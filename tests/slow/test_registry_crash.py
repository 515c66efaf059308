"""kill -9 at random moments during acknowledged edits of the registry: none is lost, all is served."""

import asyncio
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from registry import Registry
from registry.events import Cause
from registry.index.file import connect, dump_of
from registry.known import FactChange, Known
from registry.model import Entity, Identifier
from storage import open_database
from tests.databases import Place
from tests.process import ROOT, Server
from tests.registry.databases import a_database
from tests.slow.editors import Asker, Suspenders, prepare, statuses

pytestmark = pytest.mark.slow

EDITS = int(os.environ.get("TOUCHSTONE_REGISTRY_EDITS", "200"))  # `make soak`: 1,000
CRASHES = int(os.environ.get("TOUCHSTONE_REGISTRY_CRASHES", "6"))  # `make soak`: 20
SPARE = 50  # entities that nobody suspends
CLIENTS = 4
UPTIME_SECONDS = (0.1, 0.8)  # between "ready" and the kill
BIG_VERSION = 8_000  # events
STEP_KILLS = 5


def test_no_acknowledged_edit_is_lost_and_what_is_served_is_what_was_told(server: Server) -> None:
    server.settings |= {"WORKERS": "2", "RATE_CPU_PER_SECOND": "100000"}
    server.initialise()
    server.start()
    prepare(server, EDITS + SPARE)
    edited, untouched = list(range(EDITS)), list(range(EDITS, EDITS + SPARE))
    # Twice as much work as there is time, so that every kill falls into it.
    pause = 2 * CRASHES * sum(UPTIME_SECONDS) / 2 * CLIENTS / EDITS
    suspenders = Suspenders(server, edited, clients=CLIENTS, pause=pause)
    asker = Asker(server, suspenders, within=5.0)
    for _ in range(CRASHES):
        time.sleep(random.uniform(*UPTIME_SECONDS))
        assert not suspenders.is_done, "the work was over before the kills were"
        server.kill()
        server.start()
    suspenders.join()
    time.sleep(1)  # As long as another process may take.
    asker.finish()
    shown, others = statuses(server, edited), statuses(server, untouched)
    server.terminate()
    print(
        f"\n{CRASHES} kills, {len(suspenders.acknowledged)} acknowledged edits, {asker.answers} answers between"
    )

    assert suspenders.errors == []
    assert asker.failures == []
    assert suspenders.acknowledged.keys() == set(edited)
    assert set(shown) == {"suspended"}
    assert set(others) == {"active"}
    var = server.directory / "var"
    assert served(var / "registry-index.sqlite") == asyncio.run(rebuilt(f"sqlite:///{var}/touchstone.db"))


def served(path: Path) -> list[object]:
    connection = connect(path, "ro")
    try:
        return list(dump_of(connection))
    finally:
        connection.close()


async def rebuilt(url: str) -> list[object]:
    """Return what an index says that is made of all events."""
    database = open_database(url)
    try:
        registry = Registry(database, time.time)
        await registry.load()
        return list(registry.index.dump())
    finally:
        database.close()


_FOLLOWER = """
import asyncio, sys, time
from pathlib import Path
from registry import Registry
from storage import open_database

async def main():
    registry = Registry(open_database(sys.argv[1]), time.time, index_path=Path(sys.argv[2]))
    await registry.load()
    while True:
        print(registry.version, flush=True)
        await asyncio.sleep(0.01)
        await registry.follow()

asyncio.run(main())
"""


def follower(url: str, index: Path) -> "subprocess.Popen[str]":
    """Start a process that follows the registry, and prints the version that it is at."""
    return subprocess.Popen(
        [sys.executable, "-c", _FOLLOWER, url, str(index)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=index.parent,
        stdout=subprocess.PIPE,
        text=True,
    )


def end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def plan(_: Known, now: int) -> tuple[FactChange, ...]:
    """Change all entities, of which there are many."""
    return tuple(_change(number, now) for number in range(BIG_VERSION))


def _change(number: int, now: int) -> FactChange:
    identifiers = (Identifier(value=f"did:web:e{number}.example"),)
    fact = Entity(id=f"e{number}", names={"en": f"Entity {now}"}, identifiers=identifiers)
    return FactChange("entity", fact.id, fact, "change", now)


@pytest.mark.anyio
async def test_a_process_that_is_killed_while_it_takes_up_a_big_version_leaves_all_of_it_or_nothing(
    place: Place, tmp_path: Path
) -> None:
    """Whoever reads the file meanwhile sees one version or another, each complete; the next process goes on."""
    index = tmp_path / "index.sqlite"
    async with a_database(place) as database:
        writer = Registry(database, time.time, index_path=tmp_path / "writer.sqlite")
        reader = Registry(database, time.time, index_path=index)
        await writer.load()
        await writer.edit(plan, lambda *_: None, Cause("ada", "change-set"))
        await reader.load()
        seen = set()
        for kill in range(STEP_KILLS):
            await writer.edit(plan, lambda *_: None, Cause("ada", "change-set"))
            process = await asyncio.to_thread(follower, place.url, index)
            began = time.monotonic()
            while time.monotonic() - began < 0.6 + 0.2 * kill:
                with reader.reading() as known:
                    seen.add(len({each.fact.names["en"] for each in known.all("entity")}))  # type: ignore[union-attr]
                await asyncio.sleep(0.02)
            end(process)
        await reader.follow()

        assert seen == {1}
        assert reader.index.dump() == writer.index.dump()


@pytest.mark.anyio
async def test_processes_of_one_node_and_of_another_follow_at_once(place: Place, tmp_path: Path) -> None:
    """Each is at every version within a second of its being recorded."""
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    files = [folders[0] / "index.sqlite", folders[0] / "index.sqlite", folders[1] / "index.sqlite"]
    async with a_database(place) as database:
        writer = Registry(database, time.time, index_path=tmp_path / "writer.sqlite")
        await writer.load()
        processes = [await asyncio.to_thread(follower, place.url, file) for file in files]
        try:
            delays = [await _tell(writer, processes, number) for number in range(1, 21)]
        finally:
            for process in processes:
                end(process)
        await writer.follow()
        nodes = [Registry(database, time.time, index_path=file) for file in files[1:]]
        for node in nodes:
            await node.load()

    assert sorted(delays)[len(delays) // 2] < 1.0, delays
    assert nodes[0].index.dump() == nodes[1].index.dump() == writer.index.dump()


async def _tell(writer: Registry, processes: "list[subprocess.Popen[str]]", version: int) -> float:
    """Record a version; return after how many seconds all processes are at it."""
    await writer.edit(lambda _, now: (_change(version, now),), lambda *_: None, Cause("ada", "change-set"))
    began = time.monotonic()
    await asyncio.gather(*(asyncio.to_thread(_wait_for, process, version) for process in processes))
    return time.monotonic() - began


def _wait_for(process: "subprocess.Popen[str]", version: int) -> None:
    assert process.stdout is not None
    while int(process.stdout.readline()) < version:
        pass
