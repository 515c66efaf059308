"""All rows of one engine into another: in one transaction, verified, and only into an empty database."""

from collections.abc import AsyncIterator

import pytest

import server.database
import storage
from storage import Engine, Transaction, migrate, record, seal
from storage.copying import CopyRefused, copy_rows, digest_tables, tables_of
from tests.databases import Place, PostgresPlace, SqlitePlace

pytestmark = pytest.mark.anyio

MIGRATIONS = storage.MIGRATIONS
ROWS = 3_000  # audit rows: several pages


@pytest.fixture
async def source(place: Place) -> AsyncIterator[Engine]:
    database = place.open()
    await migrate(database, MIGRATIONS)
    await database.write(_fill)
    yield database
    database.close()


@pytest.fixture
async def empty(request: pytest.FixtureRequest, place: Place) -> AsyncIterator[Engine]:
    """An empty database of the other engine."""
    if place.dialect == "sqlite":
        database = PostgresPlace(request.getfixturevalue("postgres")).open()
    else:
        database = SqlitePlace(request.getfixturevalue("tmp_path") / "empty.db").open()
    await migrate(database, MIGRATIONS)
    yield database
    database.close()


def _fill(tx: Transaction) -> None:
    for number in range(ROWS):
        detail = {"number": number, "text": "Ä'\\\"%:name" * (number % 7)}
        record(tx, actor="test", action="fill", subject=str(number), detail=detail, at=number)
    seal(tx, limit=ROWS // 2)


async def test_the_tables_of_every_room_arrive_though_migrations_put_rows_into_some(
    source: Engine, empty: Engine
) -> None:
    for database in (source, empty):
        await migrate(database, server.database.MIGRATIONS)
    copied = await copy_rows(source, empty, server.database.MIGRATIONS)

    assert {table.table for table in copied} == set(tables_of(server.database.MIGRATIONS))
    assert len(copied) > len(tables_of(MIGRATIONS))


async def _digests(database: Engine) -> list[object]:
    return await database.read(lambda tx: list(digest_tables(tx, database.dialect, MIGRATIONS)))


async def test_every_row_arrives(source: Engine, empty: Engine) -> None:
    copied = await copy_rows(source, empty, MIGRATIONS)

    assert {table.table: table.rows for table in copied} == {
        "audit": ROWS,
        "idempotency": 0,
        "audit_unsealed": ROWS - ROWS // 2,
        "audit_seals": ROWS // 2,
    }
    assert list(copied) == await _digests(source) == await _digests(empty)


async def test_what_is_written_after_a_copy_goes_on_behind_it(source: Engine, empty: Engine) -> None:
    await copy_rows(source, empty, MIGRATIONS)
    await empty.write(lambda tx: record(tx, actor="test", action="after", subject="", detail={}, at=ROWS))
    last = await empty.read(lambda tx: tx.one("SELECT id, action FROM audit ORDER BY id DESC LIMIT 1"))

    assert last is not None
    assert (last["id"], last["action"]) == (ROWS + 1, "after")


async def test_a_destination_in_use_is_refused_and_kept(source: Engine, empty: Engine) -> None:
    await empty.write(lambda tx: record(tx, actor="test", action="mine", subject="", detail={}, at=0))
    before = await _digests(empty)

    with pytest.raises(CopyRefused, match="audit"):
        await copy_rows(source, empty, MIGRATIONS)
    assert await _digests(empty) == before


async def test_a_copy_that_fails_in_the_middle_leaves_nothing(source: Engine, empty: Engine) -> None:
    before = await _digests(empty)

    def stumble(table: str, _rows: int) -> None:
        if table == "audit_seals":
            raise KeyError("the terminal is gone")

    with pytest.raises(KeyError):
        await copy_rows(source, empty, MIGRATIONS, stumble)
    assert await _digests(empty) == before


async def test_a_source_without_the_tables_is_an_error_and_no_wait(empty: Engine, place: Place) -> None:
    bare = place.open()
    try:
        with pytest.raises(Exception, match=r"syntax|audit"):
            await copy_rows(bare, empty, MIGRATIONS)
    finally:
        bare.close()


def test_tables_come_in_the_order_of_their_creation() -> None:
    assert tables_of(MIGRATIONS) == ("audit", "idempotency", "audit_unsealed", "audit_seals")
