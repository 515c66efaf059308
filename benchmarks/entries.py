"""
Entries allocated and changed by the thousand, beside the same rows inserted by a raw, durable `executemany`.

Ours goes through `StatusSets`, as the operator API does: the rules, the audit row, the entries as they go into
credentials, the HMACs of references. Theirs inserts the rows of the largest tables into a database with the same
schema, in one transaction of SQLite's own connection, with the same settings on the same disk.
"""

import asyncio
import itertools
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pysqlite3 import dbapi2 as sqlite3

from benchmarks.result import Result, compared
from benchmarks.revocations import ROOT, insert_issuer
from server.database import MIGRATIONS
from statuslist.entries.references import ReferenceKey
from statuslist.entries.requests import Allocate, ChangeStatuses, CreateSet, StatusChange
from statuslist.entries.sets import StatusSets
from storage import Engine, migrate
from storage.sqlite import open_sqlite

COUNT = 1_000  # entries in a call
ROUNDS = 15
RIVAL = "the same rows, raw executemany (WAL, synchronous=FULL)"
_ALLOCATION = (
    "INSERT INTO allocations (set_id, first_number, count, actor, at)"
    " VALUES (:set_id, :number, :count, :actor, :at)"
)
_REFERENCE = (
    "INSERT INTO entry_references (set_id, number, format, digest)"
    " VALUES (:set_id, :number, :format, :digest)"
)
_STATUS = (
    "INSERT INTO statuses (set_id, purpose, entry_index, value) VALUES (:set_id, :purpose, :number, :value)"
)
_EVENT = (
    "INSERT INTO status_events (set_id, purpose, entry_index, value, reason, actor, at)"
    " VALUES (:set_id, :purpose, :number, :value, :reason, :actor, :at)"
)
_ROW = {
    "set_id": "bench",
    "purpose": "revocation",
    "format": "dc+sd-jwt",
    "value": 1,
    "count": COUNT,
    "reason": None,
    "actor": "bench",
    "at": 1,
}


def measure(folder: Path) -> list[Result]:
    """Return entries a second in calls of 1,000: allocated, allocated with references, and revoked."""
    return asyncio.run(_measure(folder))


async def _measure(folder: Path) -> list[Result]:
    databases = [open_sqlite(folder / f"{name}.db", create=True) for name in ("ours", "raw")]
    try:
        sets, _ = [await _open(database, folder / "references.key") for database in databases]
        raw = _Raw(folder / "raw.db")
        return [
            await _compare("allocations_1000", _allocating(sets, with_references=False), raw.allocation),
            await _compare(
                "allocations_1000_references", _allocating(sets, with_references=True), raw.references
            ),
            await _compare("revocations_1000", _revoking(sets), raw.statuses, at_least=0.5),
        ]
    finally:
        for database in databases:
            database.close()


async def _open(database: Engine, key: Path) -> StatusSets:
    await migrate(database, MIGRATIONS)
    await database.write(insert_issuer)
    reference_key = ReferenceKey(key)
    reference_key.make()
    sets = StatusSets(
        database,
        clock=time.time,
        random_bytes=secrets.token_bytes,
        base_url="https://bench.example",
        on_changed=lambda: None,
        reference_key=reference_key,
    )
    await sets.create_set(ROOT, CreateSet(id="bench", purposes=("revocation",), issuer_id="bench"))
    return sets


async def _compare(
    name: str, ours: Callable[[], Any], raw: Callable[[], None], *, at_least: float | None = None
) -> Result:
    """Return entries a second; `ours` prepares a call and returns it."""
    our_rates, their_rates = [], []
    for _ in range(ROUNDS):
        call = await ours()
        began = time.perf_counter()
        await call()
        between = time.perf_counter()
        raw()
        our_rates.append(COUNT / (between - began))
        their_rates.append(COUNT / (time.perf_counter() - between))
    return compared(name, our_rates, their_rates, "entries/s", RIVAL, at_least=at_least)


def _allocating(sets: StatusSets, *, with_references: bool) -> Callable[[], Any]:
    numbers = itertools.count()

    async def prepare() -> Callable[[], Any]:
        if not with_references:
            return lambda: sets.allocate(ROOT, "bench", Allocate(count=COUNT, format="dc+sd-jwt"))
        references = tuple(f"student {next(numbers)}" for _ in range(COUNT))
        wanted = Allocate(count=COUNT, format="dc+sd-jwt", references=references)
        return lambda: sets.allocate(ROOT, "bench", wanted)

    return prepare


def _revoking(sets: StatusSets) -> Callable[[], Any]:
    async def prepare() -> Callable[[], Any]:
        allocated = await sets.allocate(ROOT, "bench", Allocate(count=COUNT))
        changes = tuple(
            StatusChange(status_list_index=entry.status_list_index, status_purpose="revocation", status=1)
            for entry in allocated.entries
        )
        return lambda: sets.set_statuses(ROOT, "bench", ChangeStatuses(changes=changes))

    return prepare


class _Raw:
    """The rival: one connection, one transaction for each thousand, random indexes and digests as ours."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(str(path), isolation_level=None)
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("PRAGMA foreign_keys=ON")
        self._numbers = itertools.count()
        self._indexes = iter(secrets.SystemRandom().sample(range(131_072), 131_072))

    def allocation(self) -> None:
        """An allocation is one row, whatever its size."""
        self._commit((_ALLOCATION, [_ROW | {"number": next(self._numbers)}]))

    def references(self) -> None:
        rows = [
            _ROW | {"number": next(self._numbers), "digest": secrets.token_bytes(32)} for _ in range(COUNT)
        ]
        self._commit((_REFERENCE, rows))

    def statuses(self) -> None:
        rows = [_ROW | {"number": next(self._indexes)} for _ in range(COUNT)]
        self._commit((_STATUS, rows), (_EVENT, rows))

    def _commit(self, *inserts: tuple[str, list[Any]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for sql, rows in inserts:
            self._connection.executemany(sql, rows)
        self._connection.execute("COMMIT")
