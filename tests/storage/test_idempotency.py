"""The same request with the same key is done once; audit rows stay as they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import MIGRATIONS, IdempotencyConflict, forget_before, migrate, once, read_audit, record
from storage.sqlite import SqliteDatabase, open_sqlite
from wire import BadRequest

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    engine = open_sqlite(tmp_path / "test.db", create=True)
    await migrate(engine, MIGRATIONS)
    yield engine
    engine.close()


class Work:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> bytes:
        self.times += 1
        return b"result %d" % self.times


async def ask(
    database: SqliteDatabase, work: Work, *, key: str | None, request: bytes = b"r", who: str = "p"
) -> bytes:
    return await database.write(
        lambda tx: once(tx, principal=who, key=key, request=request, at=1_000, make=work)
    )


async def test_a_repeated_request_is_answered_and_not_done_again(database: SqliteDatabase) -> None:
    work = Work()

    assert [await ask(database, work, key="k") for _ in range(3)] == [b"result 1"] * 3
    assert work.times == 1


async def test_without_a_key_every_request_is_done(database: SqliteDatabase) -> None:
    work = Work()
    await ask(database, work, key=None)
    await ask(database, work, key=None)

    assert work.times == 2


async def test_a_key_belongs_to_its_principal(database: SqliteDatabase) -> None:
    work = Work()
    await ask(database, work, key="k", who="one")
    await ask(database, work, key="k", who="two")

    assert work.times == 2


async def test_a_key_used_for_another_request_is_a_conflict(database: SqliteDatabase) -> None:
    work = Work()
    await ask(database, work, key="k")

    with pytest.raises(IdempotencyConflict):
        await ask(database, work, key="k", request=b"other")
    assert work.times == 1


@pytest.mark.parametrize("key", ["", "a b", "\n", "é", "x" * 256])
async def test_a_key_that_is_not_printable_ascii_is_refused(database: SqliteDatabase, key: str) -> None:
    with pytest.raises(BadRequest):
        await ask(database, Work(), key=key)


async def test_a_failure_is_not_remembered(database: SqliteDatabase) -> None:
    def fail() -> bytes:
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(lambda tx: once(tx, principal="p", key="k", request=b"r", at=1, make=fail))

    assert await ask(database, Work(), key="k") == b"result 1"


async def test_old_keys_are_forgotten(database: SqliteDatabase) -> None:
    work = Work()
    await ask(database, work, key="k")
    forgotten = await database.write(lambda tx: forget_before(tx, 1_001))
    await ask(database, work, key="k")

    assert forgotten == 1
    assert work.times == 2


async def test_audit_rows_cannot_be_changed_or_deleted(database: SqliteDatabase) -> None:
    await database.write(lambda tx: record(tx, actor="a", action="do", subject="s", detail={"n": 1}, at=7))
    for statement in ("UPDATE audit SET actor = 'b'", "DELETE FROM audit"):
        with pytest.raises(Exception, match="append only"):
            await database.write(lambda tx, statement=statement: tx.execute(statement))
    rows = await database.read(read_audit)

    assert [(row.actor, row.action, row.subject, row.detail, row.at) for row in rows] == [
        ("a", "do", "s", {"n": 1}, 7)
    ]
