"""
A node with 10,000 sets: how soon it serves, what it holds, and what one revocation costs beside 10 sets.

Every set has 131,072 entries, of which 1 % are revoked, a list of the W3C and a token list, in four forms. Rows are
inserted past the API, without the events of those first revocations, which nothing here reads. Their lists are made
by the server itself, which keeps no copies of them in files. CPU time is that of all its processes, less what they
take while nothing happens.
"""

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import httpx

from benchmarks.machine import cpu_seconds, resident_mib
from benchmarks.processes import Deployment, Running
from benchmarks.result import Result, fact, within
from statuslist.entries.store import StatusSet, insert_set
from statuslist.formats.forms import DATA_INTEGRITY, list_id_of, list_url
from storage import Engine, Transaction, open_database

SIZES = (10, 100, 1_000, 10_000)
LENGTH = 131_072  # entries
SET = LENGTH // 100
CHANGED = 10  # sets that are revoked in, in turn
ROUNDS = 12  # of them; the first two are to warm up
PACE_SECONDS = 0.06  # between two; a set's turn comes when its cadence is over, so that each makes a version
MEASURED_SECONDS = 8.0  # in each, doing nothing and revoking
START_SECONDS, MEMORY_MIB, MORE_TIMES = 30.0, 2_560.0, 1.5
LISTS = "/operator/status-lists"


def measure(folder: Path) -> list[Result]:
    """Return the curve of the costs, then start and memory with the most sets."""
    deployment = Deployment(folder / "many", WORKERS="2", MIRROR_DIR="off")
    costs: list[float] = []
    for before, size in zip((0, *SIZES), SIZES, strict=False):
        with _database(deployment) as database:
            asyncio.run(_fill(database, before, size))
        with deployment.serving(_path(0), patience=600):
            _wait_until_published(deployment, size)
        with deployment.serving(_path(size - 1), patience=600) as server:
            memory = resident_mib(server.pid)
            costs.append(_cost(deployment, server))
    most = SIZES[-1]
    return [
        *(
            fact(f"revocation_beside_{size}_lists", [cost], "CPU ms")
            for size, cost in zip(SIZES, costs, strict=True)
        ),
        within(f"revocation_{most}_over_{SIZES[0]}_lists", [costs[-1] / costs[0]], "times", MORE_TIMES),
        within(f"start_with_{most}_lists", [server.started_in], "s", START_SECONDS),
        within(f"memory_with_{most}_lists", [memory], "MiB", MEMORY_MIB),
    ]


def _path(number: int) -> str:
    return list_url("", list_id_of(_id(number), "revocation"), DATA_INTEGRITY)


def _id(number: int) -> str:
    return f"many-{number}"


@contextmanager
def _database(deployment: Deployment) -> Iterator[Engine]:
    database = open_database(f"sqlite:///{deployment.folder}/var/touchstone.db")
    try:
        yield database
    finally:
        database.close()


async def _fill(database: Engine, first: int, end: int) -> None:
    """Insert the sets of these numbers, each with as many statuses at places of its own."""
    for begin in range(first, end, 100):
        numbers = range(begin, min(begin + 100, end))
        await database.write(lambda tx, numbers=numbers: _insert(tx, numbers))  # type: ignore[misc]


def _insert(tx: Transaction, numbers: range) -> None:
    for number in numbers:
        insert_set(tx, new_set(_id(number), "default", "revocation"))
        if number == 0:
            drawn = random.sample(range(LENGTH), SET)
            tx.execute_many(
                "INSERT INTO statuses (set_id, purpose, entry_index, value) VALUES (:id, 'revocation', :index, 1)",
                [{"id": _id(0), "index": index} for index in drawn],
            )
            continue
        tx.execute(  # Those of the first, moved on: so no list says what another does.
            "INSERT INTO statuses (set_id, purpose, entry_index, value)"
            " SELECT :id, purpose, (entry_index + :moved) % :length, value FROM statuses WHERE set_id = :first",
            {"id": _id(number), "moved": 13 * number, "length": LENGTH, "first": _id(0)},
        )


def new_set(set_id: str, issuer_id: str, *purposes: str) -> StatusSet:
    """Return a set that is not published yet; for `insert_set`."""
    return StatusSet(
        id=set_id,
        issuer_id=issuer_id,
        length=LENGTH,
        purposes=purposes,
        permutation_key=secrets.token_bytes(32),
        next_number=0,
        created_at=0,
        profile="default",
        cadence_ms=1_000,
        has_tokens=True,
        version=0,
        wanted_version=1,
    )


def _wait_until_published(deployment: Deployment, size: int) -> None:
    with _database(deployment) as database:
        while asyncio.run(database.read(_unpublished)):
            time.sleep(0.2 + size / 10_000)


def _unpublished(tx: Transaction) -> int:
    row = tx.one("SELECT count(*) AS found FROM set_versions WHERE published_version < wanted_version")
    return int(row["found"]) if row is not None else 0


def _cost(deployment: Deployment, server: Running) -> float:
    """Return the milliseconds of CPU time that one revocation takes, up to its published lists."""
    key = (deployment.folder / "var/keys/operator.key").read_text().strip()
    url = f"http://{deployment.environment['TOUCHSTONE_OPERATOR_BIND']}"
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}, timeout=60) as operator:
        entries = _entries(operator)
        _revoke(operator, islice(entries, 2 * CHANGED))
        time.sleep(1.0)
        seconds, idle = _measured(server, MEASURED_SECONDS, lambda: None)
        rate_of_idle = idle / seconds
        seconds, busy = _measured(server, MEASURED_SECONDS, lambda: _revoke(operator, entries))
    return (busy - rate_of_idle * seconds) / (CHANGED * (ROUNDS - 2)) * 1_000


def _entries(operator: httpx.Client) -> Iterator[tuple[str, str]]:
    """Yield set and index of entries that were allocated, a set after the other, in turn."""
    allocated = []
    for number in range(CHANGED):
        answer = operator.post(
            f"{LISTS}/{_id(number)}/allocations", json={"count": ROUNDS}
        ).raise_for_status()
        allocated.append([(_id(number), entry["statusListIndex"]) for entry in answer.json()["entries"]])
    for one_of_each in zip(*allocated, strict=True):
        yield from one_of_each


def _revoke(operator: httpx.Client, entries: Iterable[tuple[str, str]]) -> None:
    for set_id, index in entries:
        began = time.perf_counter()
        change = {"statusListIndex": index, "statusPurpose": "revocation", "status": 1}
        operator.post(f"{LISTS}/{set_id}/statuses", json={"changes": [change]}).raise_for_status()
        time.sleep(max(0.0, began + PACE_SECONDS - time.perf_counter()))


def _measured(server: Running, at_least: float, act: Callable[[], None]) -> tuple[float, float]:
    """Return how many seconds passed, and the CPU seconds that the server took in them."""
    before, began = cpu_seconds(server.pid), time.perf_counter()
    act()
    time.sleep(max(0.0, began + at_least - time.perf_counter()))
    return time.perf_counter() - began, cpu_seconds(server.pid) - before
