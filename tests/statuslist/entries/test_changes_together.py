"""Changes that wait together are made in one, and leave behind what each of them alone would have left."""

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from statuslist.entries.entry_changes import Call, change_together
from statuslist.entries.references import ReferenceKey
from statuslist.entries.referring import provide_key
from statuslist.entries.requests import (
    Allocate,
    Changed,
    ChangeStatuses,
    NamedEntry,
    ReleaseEntries,
)
from statuslist.entries.store import find_set
from storage import IdempotencyConflict, Row, Transaction
from tests.databases import Place
from tests.statuslist.wing import ACME, ROOT, Wing, change_of
from wire import Refusal

pytestmark = [pytest.mark.anyio, pytest.mark.slow_on_postgres]

ENTRIES = 6
CALLS = 40


@pytest.fixture
async def wing(place: Place, tmp_path: Path) -> AsyncIterator[Wing]:
    key = ReferenceKey(tmp_path / "references.key")
    async with Wing.open(place, reference_key=key) as opened:
        await provide_key(opened.database, key)
        yield opened


async def behind(wing: Wing, calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make calls that all wait for the writer; return what became of each."""
    entered, opened = threading.Event(), threading.Event()

    def hold(_: Transaction) -> None:
        entered.set()
        assert opened.wait(10)

    held = asyncio.create_task(wing.database.write(hold))
    await asyncio.to_thread(entered.wait, 10)
    waiting = [asyncio.ensure_future(call()) for call in calls]
    await asyncio.sleep(0.1)
    opened.set()
    await held
    return await asyncio.gather(*waiting, return_exceptions=True)


async def one_by_one(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    found: list[Any] = []
    for call in calls:
        try:
            found.append(await call())
        except Refusal as refusal:
            found.append(refusal)
    return found


class Twin:
    """A set whose entries have a reference each; the last one is released, and one index belongs to nobody."""

    def __init__(self, wing: Wing, set_id: str, indexes: Sequence[str]) -> None:
        self.wing = wing
        self.set_id = set_id
        self.indexes = indexes

    @classmethod
    async def make(cls, wing: Wing, set_id: str) -> "Twin":
        await wing.create(set_id, "revocation", "suspension")
        wanted = Allocate(count=ENTRIES, references=tuple(f"entry {number}" for number in range(ENTRIES)))
        allocated = await wing.sets.allocate(ROOT, set_id, wanted)
        indexes = [entry.status_list_index for entry in allocated.entries]
        last = ReleaseEntries(entries=(NamedEntry(status_list_index=indexes[-1]),))
        await wing.sets.release(ROOT, set_id, last)
        free = next(str(index) for index in range(131_072) if str(index) not in indexes)
        return cls(wing, set_id, [*indexes, free])

    def call(self, plan: "Plan") -> Callable[[], Any]:
        changes = [
            {"statusPurpose": one.purpose, "status": one.status}
            | (
                {"reference": f"entry {one.entry}"}
                if one.by_reference
                else {"statusListIndex": self.indexes[one.entry]}
            )
            for one in plan.changes
        ]
        request = msgspec.convert({"changes": changes, "urgent": plan.is_urgent}, ChangeStatuses)
        key = plan.key and f"{self.set_id}-{plan.key}"
        return lambda: self.wing.sets.set_statuses(ACME, self.set_id, request, idempotency_key=key)

    def left_behind(self) -> dict[str, Any]:
        """Return all rows that the calls left, with entries by their place among those that were allocated."""
        place = {int(index): number for number, index in enumerate(self.indexes)}
        query = self.wing.place.query
        where = f"WHERE set_id = '{self.set_id}'"
        statuses = query(f"SELECT purpose, entry_index, value FROM statuses {where}")
        events = query(
            f"SELECT purpose, entry_index, value, reason, actor FROM status_events {where} ORDER BY id"
        )
        details = query(
            f"SELECT detail FROM audit WHERE subject = '{self.set_id}' AND action = 'status_set.change'"
            " ORDER BY id"
        )
        audited = [msgspec.json.decode(detail) for (detail,) in details]
        return {
            "statuses": sorted((purpose, place[index], value) for purpose, index, value in statuses),
            "events": [(event[0], place[event[1]], *event[2:]) for event in events],
            "versions": query(f"SELECT wanted_version, urgent_version FROM set_versions {where}"),
            "audit": [(row["changed"], sorted(row["versions"].values())) for row in audited],
            "remembered": query(f"SELECT count(*) FROM idempotency WHERE key LIKE '{self.set_id}-%'"),
        }


class One(msgspec.Struct, frozen=True):
    entry: int
    purpose: Any
    status: Any
    by_reference: bool


class Plan(msgspec.Struct, frozen=True):
    changes: tuple[One, ...]
    key: str | None
    is_urgent: bool


def a_plan(chance: random.Random, plans: Sequence[Plan]) -> Plan:
    """Return a call; now and then one that was made before, or another with the key of one."""
    if plans and chance.random() < 0.15:
        return chance.choice(plans)
    changes = []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        # Entry ENTRIES was never allocated, and has no reference.
        entry = min(chance.randrange(60), ENTRIES) if chance.random() < 0.1 else chance.randrange(ENTRIES)
        by_reference = entry < ENTRIES and chance.random() < 0.3
        purpose = chance.choice(("suspension", "suspension", "suspension", "revocation"))
        changes.append(One(entry, purpose, int(chance.random() < 0.6), by_reference))
    key = f"k{chance.randrange(25)}" if chance.random() < 0.4 else None
    return Plan(tuple(changes), key, chance.random() < 0.1)


def told(outcome: Any, set_id: str) -> Any:
    if isinstance(outcome, Changed):
        return outcome.changed, {name.removeprefix(set_id): found for name, found in outcome.versions.items()}
    return type(outcome)


@pytest.mark.parametrize("seed", range(6))
async def test_in_one_is_as_one_by_one(wing: Wing, seed: int) -> None:
    """Random calls, with refusals, repeated keys and conflicts among them, on two sets that are alike."""
    chance = random.Random(seed)
    plans: list[Plan] = []
    for _ in range(CALLS):
        plans.append(a_plan(chance, plans))
    alone, together = await Twin.make(wing, "alone"), await Twin.make(wing, "in-one")

    expected = await one_by_one([alone.call(plan) for plan in plans])
    commits = wing.database.stats.commits
    found = await behind(wing, [together.call(plan) for plan in plans])

    assert wing.database.stats.commits - commits == 2  # With what they waited behind.
    assert [told(one, "in-one") for one in found] == [told(one, "alone") for one in expected]
    assert len({told(one, "alone") for one in expected if isinstance(one, Exception)}) >= 3
    assert together.left_behind() == alone.left_behind()
    assert alone.left_behind()["events"]


async def test_those_of_several_sets_are_made_in_one(wing: Wing) -> None:
    twins = [await Twin.make(wing, name) for name in ("one", "two", "three")]
    plan = Plan((One(0, "revocation", 1, False),), None, False)

    found = await behind(wing, [twin.call(plan) for twin in twins for _ in range(2)])

    assert [outcome.changed for outcome in found] == [1, 0] * 3
    assert all(twin.left_behind()["statuses"] == [("revocation", 0, 1)] for twin in twins)


async def test_same_key_at_once_is_done_once_and_another_request_with_it_is_refused(wing: Wing) -> None:
    twin = await Twin.make(wing, "badges")
    first = Plan((One(0, "suspension", 1, False),), "k", False)
    other = Plan((One(1, "suspension", 1, False),), "k", False)

    found = await behind(wing, [twin.call(plan) for plan in (first, first, other, first)])

    assert [told(outcome, "badges") for outcome in found] == [
        (1, {"-suspension": 1, "": 1}),
        (1, {"-suspension": 1, "": 1}),
        IdempotencyConflict,
        (1, {"-suspension": 1, "": 1}),
    ]
    assert await wing.count("status_events") == 1


class Counting:
    """A transaction that counts what it is asked: what is waited for, and what is sent."""

    def __init__(self, tx: Transaction) -> None:
        self.waited_for = 0
        self.sent = 0
        self._tx = tx

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> int:
        self.waited_for += 1
        return self._tx.execute(sql, parameters)

    def send(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        self.sent += 1
        self._tx.send(sql, parameters)

    def execute_many(self, sql: str, parameters: Iterable[Mapping[str, Any]]) -> None:
        self.sent += 1
        self._tx.execute_many(sql, parameters)

    def all(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        self.waited_for += 1
        return self._tx.all(sql, parameters)

    def one(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Row | None:
        self.waited_for += 1
        return self._tx.one(sql, parameters)


@pytest.mark.parametrize("count", [1, 2, 64])
@pytest.mark.parametrize("has_keys", [False, True])
async def test_any_number_of_revocations_takes_one_look_and_five_statements(
    wing: Wing, count: int, has_keys: bool
) -> None:
    """With idempotency keys a look and a statement more."""
    await wing.create("badges")
    status_set = await wing.database.read(lambda tx: find_set(tx, "badges"))
    assert status_set is not None
    calls = [
        Call(
            principal=ROOT,
            status_set=status_set,
            request=change_of(index),
            digests={},
            key=str(index) if has_keys else None,
            asked=b"",
        )
        for index in await wing.allocate("badges", count)
    ]

    def change(tx: Transaction) -> Counting:
        counting = Counting(tx)
        change_together(counting, calls, at=0)
        return counting

    counted = await wing.database.write(change)

    assert (counted.waited_for, counted.sent) == (1 + has_keys, 5 + has_keys)
    assert await wing.count("statuses") == await wing.count("status_events") == count
