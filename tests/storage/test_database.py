"""The contract of `storage.Database`, sentence by sentence, on every engine."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from storage import Database, DatabaseUnavailable, Engine, Transaction
from tests.databases import Query

pytestmark = pytest.mark.anyio


def note(text: str) -> Callable[[Transaction], int]:
    return lambda tx: tx.execute("INSERT INTO notes (text) VALUES (:text)", {"text": text})


def texts(tx: Transaction) -> list[str]:
    return [row["text"] for row in tx.all("SELECT text FROM notes ORDER BY id")]


class Gate:
    """A write that holds the writer until it is opened, so that others pile up behind it."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, tx: Transaction) -> None:
        self.entered.set()
        assert self.opened.wait(10)

    async def is_entered(self) -> None:
        assert await asyncio.to_thread(self.entered.wait, 10)


async def test_another_connection_sees_the_row_when_write_returns(database: Database, outside: Query) -> None:
    for number in range(20):
        await database.write(note(f"note {number}"))

        assert outside("SELECT count(*) FROM notes") == [(number + 1,)]


async def test_write_returns_what_its_function_returned(database: Database) -> None:
    changed = await database.write(note("one"))
    row = await database.write(lambda tx: tx.one("INSERT INTO notes (text) VALUES ('two') RETURNING id"))

    assert changed == 1
    assert row is not None
    assert row["id"] == 2


async def test_nothing_is_seen_outside_before_the_commit(database: Database, outside: Query) -> None:
    gate = Gate()

    def insert_and_wait(tx: Transaction) -> None:
        note("unfinished")(tx)
        gate(tx)

    writing = asyncio.create_task(database.write(insert_and_wait))
    await gate.is_entered()
    before, read = outside("SELECT text FROM notes"), await database.read(texts)
    gate.opened.set()
    await writing

    assert (before, read) == ([], [])
    assert outside("SELECT text FROM notes") == [("unfinished",)]


async def test_two_hundred_concurrent_writes_share_few_commits(database: Engine) -> None:
    before = database.stats.commits

    changed = await asyncio.gather(*(database.write(note(f"note {number}")) for number in range(200)))

    assert changed == [1] * 200
    assert database.stats.writes == 200
    assert database.stats.commits - before <= 40
    assert len(await database.read(texts)) == 200


async def test_writes_run_in_the_order_of_the_calls(database: Database) -> None:
    await asyncio.gather(*(database.write(note(f"{number:03}")) for number in range(100)))

    assert await database.read(texts) == [f"{number:03}" for number in range(100)]


async def test_a_function_sees_what_those_before_it_wrote(database: Database) -> None:
    def count(tx: Transaction) -> int:
        note(f"after {len(texts(tx))}")(tx)
        return len(texts(tx))

    counts = await asyncio.gather(*(database.write(count) for _ in range(50)))

    assert counts == list(range(1, 51))


def fails_in_python(tx: Transaction) -> None:
    note("undone")(tx)
    raise LookupError("on purpose")


def breaks_a_constraint(tx: Transaction) -> None:
    note("undone")(tx)
    note("taken")(tx)


def has_a_slip_in_its_sql(tx: Transaction) -> None:
    note("undone")(tx)
    tx.execute("INSERT INTO no_such_table VALUES (1)")


def misses_a_parameter(tx: Transaction) -> None:
    note("undone")(tx)
    tx.execute("INSERT INTO notes (text) VALUES (:text)", {})


def stops_an_iteration(tx: Transaction) -> None:
    """A future refuses to hold a StopIteration: the callers behind it must be told all the same."""
    note("undone")(tx)
    next(iter(()))


@pytest.mark.parametrize(
    "fn",
    [
        fails_in_python,
        breaks_a_constraint,
        has_a_slip_in_its_sql,
        misses_a_parameter,
        stops_an_iteration,
    ],
)
async def test_a_failing_function_undoes_its_own_work_and_fails_its_own_caller(
    database: Database, fn: Callable[[Transaction], None]
) -> None:
    gate = Gate()
    holding = asyncio.create_task(database.write(gate))
    await gate.is_entered()
    batch = [asyncio.create_task(database.write(work)) for work in (note("taken"), fn, note("last"))]
    await asyncio.sleep(0)  # All three are taken now, and share a transaction.
    gate.opened.set()
    await holding
    first, failed, last = await asyncio.wait_for(asyncio.gather(*batch, return_exceptions=True), 10)

    assert (first, last) == (1, 1)
    assert isinstance(failed, Exception)
    assert not isinstance(failed, DatabaseUnavailable)
    assert await database.read(texts) == ["taken", "last"]


async def test_a_read_is_a_snapshot(database: Database, outside: Query) -> None:
    await database.write(note("before"))

    def read_twice(tx: Transaction) -> tuple[list[str], list[str]]:
        first = texts(tx)
        outside("INSERT INTO notes (text) VALUES ('meanwhile')")
        return first, texts(tx)

    first, second = await database.read(read_twice)

    assert first == second == ["before"]
    assert await database.read(texts) == ["before", "meanwhile"]


async def test_a_read_sees_every_write_that_returned_before_it(database: Database) -> None:
    for number in range(100):
        await database.write(note(str(number)))

        assert len(await database.read(texts)) == number + 1


async def test_reads_go_on_while_a_write_is_at_work(database: Database) -> None:
    gate = Gate()
    writing = asyncio.create_task(database.write(gate))
    await gate.is_entered()

    seen = await asyncio.wait_for(asyncio.gather(*(database.read(texts) for _ in range(20))), 5)

    assert seen == [[]] * 20
    gate.opened.set()
    await writing


async def test_a_read_cannot_write(database: Database, outside: Query) -> None:
    with pytest.raises(DatabaseUnavailable, match=r"read-?only"):
        await database.read(note("smuggled"))

    assert outside("SELECT count(*) FROM notes") == [(0,)]


async def test_a_failing_read_fails_its_own_caller_and_leaves_the_reader_usable(database: Database) -> None:
    def fail(tx: Transaction) -> None:
        raise LookupError("on purpose")

    for _ in range(20):
        with pytest.raises(LookupError, match="on purpose"):
            await database.read(fail)

    assert await database.read(texts) == []


async def test_cancelling_the_caller_does_not_cancel_the_work(database: Database) -> None:
    gate = Gate()
    holding = asyncio.create_task(database.write(gate))
    await gate.is_entered()
    cancelled = asyncio.create_task(database.write(note("kept")))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    gate.opened.set()
    await holding
    await database.write(note("next"))

    assert await database.read(texts) == ["kept", "next"]


async def test_close_finishes_what_was_taken_and_refuses_the_rest(database: Database, outside: Query) -> None:
    taken = [asyncio.create_task(database.write(note(str(number)))) for number in range(50)]
    await asyncio.sleep(0)
    await asyncio.to_thread(database.close)
    await asyncio.gather(*taken)
    database.close()  # A second time is nothing.

    assert outside("SELECT count(*) FROM notes") == [(50,)]
    with pytest.raises(DatabaseUnavailable):
        await database.write(note("late"))
    with pytest.raises(DatabaseUnavailable):
        await database.read(texts)


async def test_many_rows_go_in_with_one_statement(database: Database) -> None:
    rows = [{"text": f"note {number}"} for number in range(1_000)]

    await database.write(lambda tx: tx.execute_many("INSERT INTO notes (text) VALUES (:text)", iter(rows)))

    assert len(await database.read(texts)) == 1_000
    assert await database.read(lambda tx: tx.one("SELECT 1 FROM notes WHERE text = ''")) is None


async def test_a_write_that_has_not_begun_in_time_never_happens(database: Engine, outside: Query) -> None:
    opened = threading.Event()
    database.call_seconds = 0.3
    first = asyncio.create_task(database.write(lambda tx: opened.wait(30)))
    await asyncio.sleep(0.1)
    with pytest.raises(DatabaseUnavailable, match="nothing was written"):
        await database.write(note("late"))
    opened.set()
    with pytest.raises(DatabaseUnavailable, match="unknown"):
        await first
    failures, is_failing = database.stats.failures, database.stats.failing_since is not None
    database.call_seconds = 30.0
    await database.write(note("next"))

    assert outside("SELECT text FROM notes") == [("next",)]
    assert (failures, is_failing) == (2, True)
    assert database.stats.failing_since is None


async def test_a_write_that_has_begun_is_told_to_be_unknown_and_may_be_done(
    database: Engine, outside: Query
) -> None:
    opened = threading.Event()
    database.call_seconds = 0.3

    def slow(tx: Transaction) -> None:
        tx.execute("INSERT INTO notes (text) VALUES ('slow')")
        assert opened.wait(30)

    with pytest.raises(DatabaseUnavailable, match="the same idempotency key"):
        await database.write(slow)
    opened.set()
    database.call_seconds = None
    await database.write(note("next"))

    assert outside("SELECT text FROM notes ORDER BY text") == [("next",), ("slow",)]


async def test_reads_that_hang_and_those_behind_them_end_in_time(database: Engine) -> None:
    opened = threading.Event()
    database.call_seconds = 0.3

    def hang(tx: Transaction) -> bool:
        return opened.wait(30)

    began = time.monotonic()
    outcomes = await asyncio.gather(*(database.read(hang) for _ in range(8)), return_exceptions=True)
    seconds = time.monotonic() - began
    opened.set()

    assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable] * 8
    assert all(dict(getattr(outcome, "headers", ())) == {"retry-after": "1"} for outcome in outcomes)
    assert seconds < 10


async def test_reads_work_again_when_what_held_them_up_is_over(database: Engine) -> None:
    opened = threading.Event()
    database.call_seconds = 0.3
    with pytest.raises(DatabaseUnavailable, match="nothing was read"):
        await asyncio.gather(*(database.read(lambda tx: opened.wait(30)) for _ in range(4)))
    with pytest.raises(DatabaseUnavailable, match="nothing was read"):
        await database.read(texts)
    opened.set()
    database.call_seconds = 30.0

    assert await database.read(texts) == []
