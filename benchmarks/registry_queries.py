"""
The registry over HTTP: queries beside a bare ASGI server that reads and answers as many bytes, and batches.

Queries are of two sorts: those that come again, which a process answers from memory, and those that it works out.

Then the same queries, and edits, where a million authorizations are known, beside a thousand; and how such a node
starts. Its registry is told as events before it, so that the first start has an index to make.
"""

import asyncio
import http.client
import random
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec

from benchmarks.big_registry import GRANTS_EACH, did_of, fill, question
from benchmarks.hot_answers import in_turns, rates
from benchmarks.http import Captured
from benchmarks.load import GENERATOR, Posts
from benchmarks.machine import resident_mib
from benchmarks.processes import Deployment, Running, rival
from benchmarks.result import Result, compared, within
from registry.events import Cause
from registry.known import FactChange, Known
from registry.registry import Registry
from registry.routes import AUTHORIZATION_PATH, BATCH_PATH
from storage.sqlite import open_sqlite

ROUNDS = 5
SMALL, LARGE = 1_000, 1_000_000  # authorizations
QUESTIONS = 10_000
BATCH = 1_000  # queries
EDITS = 20  # in a round
RIVAL = f"bare ASGI app on uvicorn that reads bodies and gives as many bytes ({GENERATOR})"
ONE_BY_ONE = f"{BATCH:,} calls of the same client over the same connection"
FEWER = f"{SMALL:,} authorizations, same rounds"
QUERY_AT_LEAST = 0.5  # of the bare server's rate
BATCH_AT_LEAST = 10.0  # times as many answers a second as single calls, of one client
LARGE_AT_LEAST = 1 / 1.5  # of the rate with a thousand authorizations
READY = "/.well-known/did.json"
PATIENCE = 200.0  # seconds until a node that does not start is given up
START_SECONDS = 20.0
FOLLOWED_SECONDS = 1.0  # until every process has taken up an edit
MEMORY_MIB = 1_536.0


def measure(folder: Path) -> list[Result]:
    """Return rates and CPU time of queries, batches and edits; start and memory with a million authorizations."""
    small, large = _told(folder / "small", SMALL), _told(folder / "large", LARGE)
    return [*_starts(large), *_queries(folder, small, large), *asyncio.run(_edits(small, large))]


def _told(folder: Path, authorizations: int) -> Deployment:
    deployment = Deployment(folder)
    asyncio.run(_fill(deployment, authorizations // GRANTS_EACH))
    return deployment


async def _fill(deployment: Deployment, entities: int) -> None:
    database = open_sqlite(_database(deployment))
    try:
        await fill(database, entities)
    finally:
        database.close()


def _database(deployment: Deployment) -> Path:
    return deployment.folder / "var" / "touchstone.db"


def _starts(deployment: Deployment) -> Iterator[Result]:
    """Start two workers and the background process: with an index to make, and then with one that is there."""
    deployment.environment["TOUCHSTONE_WORKERS"] = "2"
    with deployment.serving(READY, patience=PATIENCE) as server:
        yield within("registry_first_start_at_a_million", [server.started_in], "s", START_SECONDS)
        yield _memory("registry_memory_after_the_first_start", server)
    with deployment.serving(READY) as server:
        yield within("registry_start_at_a_million", [server.started_in], "s", START_SECONDS)
        for number in range(QUESTIONS):
            _post(server.port, AUTHORIZATION_PATH, msgspec.json.encode(question(number * 47)))
        yield _memory("registry_memory_at_a_million", server)
        asyncio.run(_edit_once(deployment))
        time.sleep(FOLLOWED_SECONDS)
        yield _memory("registry_memory_after_an_edit", server)
    deployment.environment["TOUCHSTONE_WORKERS"] = "1"


def _memory(name: str, server: Running) -> Result:
    return within(name, [resident_mib(server.pid)], "MiB", MEMORY_MIB)


async def _edit_once(deployment: Deployment) -> None:
    """Edit as another process does, such as a command."""
    editor = await _Editor.open(deployment)
    await editor.cpu_ms()
    editor.close()


def _queries(folder: Path, small: Deployment, large: Deployment) -> list[Result]:
    few, many = (_questions(folder / f"{each}.posts", each // GRANTS_EACH) for each in (SMALL, LARGE))
    few_anew, many_anew = (
        _questions(folder / f"{each}.anew", each // GRANTS_EACH, context={}) for each in (SMALL, LARGE)
    )
    with small.serving(READY) as node, large.serving(READY, patience=PATIENCE) as big:
        captured = _post(node.port, AUTHORIZATION_PATH, msgspec.json.encode(question(0)))
        (folder / "captured").write_bytes(msgspec.msgpack.encode(captured))
        with rival("bare_posts", folder, str(folder / "captured")) as bare:
            targets = [(node, few), (bare, few), (big, many), (node, few_anew), (big, many_anew)]
            ours, theirs, million, anew, million_anew = in_turns(targets, ROUNDS)
        batched = _batches(node.port)
    return [
        *rates("registry_query", ours, theirs, RIVAL, at_least=QUERY_AT_LEAST),
        batched,
        *rates("registry_query_at_a_million", million, ours, FEWER, at_least=LARGE_AT_LEAST),
        *rates("registry_query_worked_out", anew, theirs, RIVAL),
        *rates("registry_query_worked_out_at_a_million", million_anew, anew, FEWER, at_least=LARGE_AT_LEAST),
    ]


def _questions(file: Path, entities: int, **more: object) -> Posts:
    """Write queries about entities at random; answers to those that have a context are not kept."""
    asked = (question(random.randrange(entities)) | more for _ in range(QUESTIONS))
    bodies = map(msgspec.json.encode, asked)
    file.write_bytes(b"".join(AUTHORIZATION_PATH.encode() + b" " + body + b"\n" for body in bodies))
    return Posts(file)


def _batches(port: int) -> Result:
    """Ask a thousand queries as one client over one connection: in one batch, and one after another."""
    asked = [question(number % (SMALL // GRANTS_EACH)) for number in range(BATCH)]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    rounds = [
        (
            _rate(connection, BATCH_PATH, [msgspec.json.encode({"queries": asked})]),
            _rate(connection, AUTHORIZATION_PATH, list(map(msgspec.json.encode, asked))),
        )
        for _ in range(ROUNDS + 1)
    ]
    connection.close()
    ours, theirs = zip(*rounds[1:], strict=True)
    return compared("registry_batch", ours, theirs, "answers/s", ONE_BY_ONE, at_least=BATCH_AT_LEAST)


def _rate(connection: http.client.HTTPConnection, path: str, bodies: list[bytes]) -> float:
    """Return how many queries are answered a second, of a thousand in some bodies."""
    began = time.perf_counter()
    for body in bodies:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    return BATCH / (time.perf_counter() - began)


def _post(port: int, path: str, body: bytes) -> Captured:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        told = answer.read()
    finally:
        connection.close()
    headers = [(name.lower(), value) for name, value in answer.getheaders() if name.lower() != "date"]
    return Captured(answer.status, headers, told)


async def _edits(small: Deployment, large: Deployment) -> list[Result]:
    """Rename entities, an edit each, in turns: in process, with an index file of our own."""
    few, many = await _Editor.open(small), await _Editor.open(large)
    try:
        rounds = [(await few.cpu_ms(), await many.cpu_ms()) for _ in range(ROUNDS + 1)][1:]
    finally:
        few.close()
        many.close()
    speeds = [[1 / each for each in of_one] for of_one in zip(*rounds, strict=True)]
    return [
        compared(
            "registry_edits_at_a_million",
            speeds[1],
            speeds[0],
            "edits/CPU ms",
            FEWER,
            at_least=LARGE_AT_LEAST,
        )
    ]


class _Editor:
    def __init__(self, deployment: Deployment) -> None:
        self._database = open_sqlite(_database(deployment))
        path = deployment.folder / "var" / "registry-index.sqlite"
        self._registry = Registry(self._database, time.time, index_path=path)
        self._numbers = iter(range(10**9))

    @classmethod
    async def open(cls, deployment: Deployment) -> "_Editor":
        editor = cls(deployment)
        await editor._registry.load()
        return editor

    async def cpu_ms(self) -> float:
        """Return the CPU milliseconds that an edit takes, of this process."""
        before = time.process_time()
        for _ in range(EDITS):
            await self._registry.edit(partial(_renamed, next(self._numbers)), lambda *_: None, _CAUSE)
        return (time.process_time() - before) * 1_000 / EDITS

    def close(self) -> None:
        self._database.close()


_CAUSE = Cause("bench", "change-set")


def _renamed(number: int, known: Known, now: int) -> tuple[FactChange, ...]:
    entity = known.entities_named(did_of(number % (SMALL // GRANTS_EACH)))[0].fact
    renamed = msgspec.structs.replace(entity, names={"en": f"Name {number}"})
    return (FactChange("entity", entity.id, renamed, "change", now),)
