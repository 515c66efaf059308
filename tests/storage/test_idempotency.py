"""The same request with the same key is done once; audit rows stay as they are."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from storage import (
    MIGRATIONS,
    Engine,
    IdempotencyConflict,
    Transaction,
    forget_before,
    once,
    read_audit,
    record,
)
from tests.databases import Place, migrated
from wire import BadRequest

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(place: Place) -> AsyncIterator[Engine]:
    async with migrated(place, MIGRATIONS) as database:
        yield database


class Work:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> bytes:
        self.times += 1
        return b"result %d" % self.times


async def ask(
    database: Engine, work: Work, *, key: str | None, request: bytes = b"r", who: str = "p"
) -> bytes:
    return await database.write(
        lambda tx: once(tx, principal=who, key=key, request=request, at=1_000, make=work)
    )


async def test_a_repeated_request_is_answered_and_not_done_again(database: Engine) -> None:
    work = Work()

    assert [await ask(database, work, key="k") for _ in range(3)] == [b"result 1"] * 3
    assert work.times == 1


async def test_the_same_key_sent_many_times_at_once_does_the_work_once(database: Engine) -> None:
    work = Work()

    answers = await asyncio.gather(*(ask(database, work, key="k") for _ in range(50)))

    assert answers == [b"result 1"] * 50
    assert work.times == 1


async def test_the_same_key_sent_to_two_processes_does_the_work_once(database: Engine, place: Place) -> None:
    other = place.open()
    work = Work()

    answers = await asyncio.gather(
        *(ask(engine, work, key="k") for engine in (database, other) for _ in "ab")
    )
    other.close()

    assert answers == [b"result 1"] * 4
    assert work.times == 1


async def test_the_answer_is_remembered_across_a_restart(database: Engine, place: Place) -> None:
    work = Work()
    await ask(database, work, key="k")
    await asyncio.to_thread(database.close)
    again = place.open()

    assert await ask(again, work, key="k") == b"result 1"
    again.close()


async def test_a_conflict_undoes_what_its_caller_did_before(database: Engine) -> None:
    await ask(database, Work(), key="k")

    with pytest.raises(IdempotencyConflict):
        await database.write(
            lambda tx: (
                record(tx, actor="a", action="do", subject="s", detail={}, at=1),
                once(tx, principal="p", key="k", request=b"other", at=1, make=Work()),
            )
        )
    assert await database.read(read_audit) == []


async def test_without_a_key_every_request_is_done(database: Engine) -> None:
    work = Work()
    await ask(database, work, key=None)
    await ask(database, work, key=None)

    assert work.times == 2


async def test_a_key_belongs_to_its_principal(database: Engine) -> None:
    work = Work()
    await ask(database, work, key="k", who="one")
    await ask(database, work, key="k", who="two")

    assert work.times == 2


async def test_a_key_used_for_another_request_is_a_conflict(database: Engine) -> None:
    work = Work()
    await ask(database, work, key="k")

    with pytest.raises(IdempotencyConflict):
        await ask(database, work, key="k", request=b"other")
    assert work.times == 1


@pytest.mark.parametrize("key", ["", "a b", "\n", "k\n", "\x00", "\x7f", "é", "x" * 256])
async def test_a_key_that_is_not_printable_ascii_is_refused(database: Engine, key: str) -> None:
    with pytest.raises(BadRequest):
        await ask(database, Work(), key=key)


async def test_a_failure_is_not_remembered(database: Engine) -> None:
    def fail() -> bytes:
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(lambda tx: once(tx, principal="p", key="k", request=b"r", at=1, make=fail))

    assert await ask(database, Work(), key="k") == b"result 1"


async def test_old_keys_are_forgotten(database: Engine) -> None:
    work = Work()
    await ask(database, work, key="k")
    forgotten = await database.write(lambda tx: forget_before(tx, 1_001))
    await ask(database, work, key="k")

    assert forgotten == 1
    assert work.times == 2


async def test_audit_rows_cannot_be_changed_or_deleted(database: Engine) -> None:
    await database.write(lambda tx: record(tx, actor="a", action="do", subject="s", detail={"n": 1}, at=7))
    for statement in ("UPDATE audit SET actor = 'b'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="append only"):
            await database.write(lambda tx, statement=statement: tx.execute(statement))
    rows = await database.read(read_audit)

    assert [(row.actor, row.action, row.subject, row.detail, row.at) for row in rows] == [
        ("a", "do", "s", {"n": 1}, 7)
    ]


async def test_audit_rows_are_read_in_pages(database: Engine) -> None:
    for number in range(5):
        await database.write(
            lambda tx, n=number: record(tx, actor="a", action="do", subject=str(n), detail={}, at=n)
        )
    first = await database.read(lambda tx: read_audit(tx, limit=3))
    rest = await database.read(lambda tx: read_audit(tx, after=first[-1].id, limit=3))

    assert [row.subject for row in (*first, *rest)] == ["0", "1", "2", "3", "4"]


async def test_the_audit_row_of_work_that_failed_is_undone_with_it(database: Engine) -> None:
    def fail(tx: Transaction) -> None:
        record(tx, actor="a", action="do", subject="s", detail={}, at=1)
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(fail)
    assert await database.read(read_audit) == []
