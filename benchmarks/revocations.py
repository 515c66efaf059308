"""
Acknowledged (durable) revocations a second, beside the same engine with a commit per request.

Each writer revokes one entry, waits for the answer and revokes the next, through `StatusSets.set_statuses` as
the operator API does. Publication is not part of it: nothing waits for that.
"""

import asyncio
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import operators.store
from benchmarks.result import Result, compared, fact
from operators import EVERYTHING, Grant, Issuer, IssuerKey, KeyState, Principal, Role
from operators.issuers import key_store
from server.database import MIGRATIONS
from statuslist.entries.requests import Allocate, ChangeStatuses, CreateSet, StatusChange
from statuslist.entries.sets import StatusSets
from storage import Engine, Transaction, migrate
from storage.sqlite import SqliteDatabase, open_sqlite

WRITERS = (1, 8, 64)
ROUNDS = 5
SECONDS = 0.8  # per round
ALLOCATIONS = 60  # of 10,000 entries; more than a run can revoke
LENGTH = 1_048_576  # entries
RIVAL = "the same engine, a commit per request"
ROOT = Principal(id="bench", grants=frozenset({Grant(EVERYTHING, Role.ADMINISTRATOR)}))


def measure(folder: Path) -> list[Result]:
    """Return the rate at 1, 8 and 64 writers, and how often a second the disk can sync."""
    return [*asyncio.run(_measure(folder)), fact("disk_fdatasync", _sync_rates(folder), "syncs/s")]


async def _measure(folder: Path) -> list[Result]:
    grouped = open_sqlite(folder / "grouped.db", create=True)
    open_sqlite(folder / "single.db", create=True).close()
    single = SqliteDatabase(folder / "single.db", max_batch=1)
    try:
        bench = [await RevocationBench.open(grouped), await RevocationBench.open(single)]
        return [await _compare(bench[0], bench[1], writers) for writers in WRITERS]
    finally:
        grouped.close()
        single.close()


async def _compare(ours: "RevocationBench", theirs: "RevocationBench", writers: int) -> Result:
    pairs = [(await ours.rate(writers), await theirs.rate(writers)) for _ in range(ROUNDS)]
    name = f"revocations_{writers}_writers"
    return compared(name, [our for our, _ in pairs], [their for _, their in pairs], "acknowledged/s", RIVAL)


class RevocationBench:
    """A status set in one database, and its entries that are still to be revoked."""

    def __init__(self, sets: StatusSets, entries: Iterator[str]) -> None:
        self._sets = sets
        self._entries = entries

    @classmethod
    async def open(cls, database: Engine) -> "RevocationBench":
        await migrate(database, MIGRATIONS)
        await database.write(insert_issuer)
        sets = StatusSets(
            database,
            clock=time.time,
            random_bytes=secrets.token_bytes,
            base_url="https://bench.example",
            on_changed=lambda: None,
        )
        await sets.create_set(
            ROOT, CreateSet(id="bench", purposes=("revocation",), issuer_id="bench", length=LENGTH)
        )
        return cls(sets, iter(await _allocate(sets)))

    async def rate(self, writers: int) -> float:
        """Return revocations acknowledged a second, by so many writers at once."""
        began = time.perf_counter()
        counts = await asyncio.gather(*(self._write(began + SECONDS) for _ in range(writers)))
        return sum(counts) / (time.perf_counter() - began)

    async def _write(self, until: float) -> int:
        count = 0
        while time.perf_counter() < until:
            change = StatusChange(
                status_list_index=next(self._entries), status_purpose="revocation", status=1
            )
            await self._sets.set_statuses(ROOT, "bench", ChangeStatuses(changes=(change,)))
            count += 1
        return count


async def _allocate(sets: StatusSets) -> list[str]:
    entries: list[str] = []
    for _ in range(ALLOCATIONS):
        allocated = await sets.allocate(ROOT, "bench", Allocate(count=10_000))
        entries += [entry.credential_status[0].status_list_index for entry in allocated.entries]
    return entries


def insert_issuer(tx: Transaction) -> None:
    """Insert the issuer of the set that is measured, with a key."""
    issuer = Issuer(id="bench", did="did:web:bench.example")
    operators.store.insert_issuer(tx, issuer, 0)
    key_store.insert_key(
        tx,
        IssuerKey(
            issuer_id="bench",
            key_id="bench",
            custody="file",
            locator="bench.pem",
            state=KeyState.ACTIVE,
            announced_at=0,
        ),
    )


def _sync_rates(folder: Path) -> list[float]:
    """Append 4 KiB and sync, for half a second, three times."""
    rates = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(3):
            began, count = time.perf_counter(), 0
            while time.perf_counter() < began + 0.5:
                file.write(bytes(4_096))
                os.fdatasync(file.fileno())
                count += 1
            rates.append(count / (time.perf_counter() - began))
    return rates
