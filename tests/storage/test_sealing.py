"""The sealed audit log: positions without a gap, given after commit, and a chain that shows tampering."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import psycopg
import pytest
from msgspec.structs import replace

from storage import (
    MIGRATIONS,
    ChainBroken,
    Engine,
    SealedRow,
    Transaction,
    migrate,
    read_sealed,
    record,
    seal,
    verify_chain,
)
from storage.audit import AuditRow
from storage.sealing import Wanted, oldest_waiting, read_page, unsettled
from tests.databases import RULE_BROKEN, Place, PostgresPlace, SqlitePlace, migrated
from tests.postgres import Cluster

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(place: Place) -> AsyncIterator[Engine]:
    async with migrated(place, MIGRATIONS) as database:
        yield database


def work(subject: str) -> Callable[[Transaction], None]:
    def write(tx: Transaction) -> None:
        record(tx, actor="a", action="test", subject=subject, detail={"n": 1, "ü": [None]}, at=7)

    return write


async def subjects(database: Engine, after: int = 0) -> list[tuple[int, str]]:
    sealed = await database.read(lambda tx: read_sealed(tx, after=after))
    return [(entry.position, entry.row.subject) for entry in sealed]


async def test_rows_get_positions_without_a_gap_and_once(database: Engine) -> None:
    for subject in "abc":
        await database.write(work(subject))
    before = await subjects(database)
    sealed = [await database.write(lambda tx: seal(tx, limit=2)) for _ in range(3)]

    assert before == []
    assert sealed == [2, 1, 0]
    assert await subjects(database) == [(1, "a"), (2, "b"), (3, "c")]


async def test_a_reader_who_pages_by_position_misses_no_row_of_a_slow_transaction(postgres: Cluster) -> None:
    """The slow transaction takes its id first and commits last; the fast one is read in between."""
    place = PostgresPlace(postgres)
    database = place.open()
    await migrate(database, MIGRATIONS)
    with psycopg.connect(place.url) as slow:
        insert = "INSERT INTO audit (at, actor, action, subject, detail) VALUES (1, 'a', 'x', 'slow', '{}')"
        slow.execute(f"WITH row AS ({insert} RETURNING id) INSERT INTO audit_unsealed SELECT id FROM row")
        await database.write(work("fast"))
        await database.write(lambda tx: seal(tx, limit=100))
        first = await subjects(database)
    await database.write(lambda tx: seal(tx, limit=100))
    second = await subjects(database, after=first[-1][0])
    database.close()

    ids = place.query("SELECT id, subject FROM audit ORDER BY id")
    assert [subject for _, subject in ids] == ["slow", "fast"]
    assert first == [(1, "fast")]
    assert second == [(2, "slow")]


async def test_the_chain_verifies_and_goes_on_where_it_was_left(database: Engine) -> None:
    for number in range(10):
        await database.write(work(f"s{number}"))
        await database.write(lambda tx: seal(tx, limit=3))
    sealed = await database.read(read_sealed)
    half = verify_chain(sealed[:5])

    assert verify_chain(sealed[5:], half, 5) == verify_chain(sealed) == sealed[-1].digest


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit SET actor = 'nobody' WHERE subject = 's1'",
        "UPDATE audit SET detail = '{}' WHERE subject = 's2'",
        "UPDATE audit_seals SET digest = (SELECT digest FROM audit_seals WHERE position = 1) WHERE position = 3",
        "DELETE FROM audit_seals WHERE position = 2",
    ],
)
async def test_what_was_changed_past_the_rules_breaks_the_chain(
    database: Engine, place: Place, tampering: str
) -> None:
    for number in range(3):
        await database.write(work(f"s{number}"))
    await database.write(lambda tx: seal(tx, limit=3))
    with pytest.raises(RULE_BROKEN):
        place.query(tampering)
    for table in ("audit", "audit_seals"):
        for event in ("UPDATE", "DELETE"):
            place.drop_rule(table, event)
    place.query(tampering)
    sealed = await database.read(read_sealed)

    with pytest.raises(ChainBroken, match="position"):
        verify_chain(sealed)


async def sealed_rows(database: Engine, count: int) -> list[SealedRow]:
    for number in range(count):
        await database.write(work(f"s{number}"))
    await database.write(lambda tx: seal(tx, limit=count))
    return await database.read(read_sealed)


OTHERS: dict[str, object] = {
    "id": 99, "at": 8, "actor": "b", "action": "other", "subject": "S", "detail": {"n": 2}
}  # fmt: skip


@pytest.mark.parametrize("field", OTHERS)
async def test_whatever_is_changed_in_a_row_is_found_at_its_position(database: Engine, field: str) -> None:
    sealed = await sealed_rows(database, 4)
    changed = replace(sealed[2], row=replace(sealed[2].row, **{field: OTHERS[field]}))

    with pytest.raises(ChainBroken, match="changed") as broken:
        verify_chain([*sealed[:2], changed, sealed[3]])
    assert broken.value.position == 3


async def test_no_field_of_a_row_is_beyond_the_digest() -> None:
    assert {*OTHERS} == {*AuditRow.__struct_fields__}


@pytest.mark.parametrize(
    ("order", "position", "reason"),
    [
        ([0, 2, 1, 3], 2, "missing"),  # two swapped
        ([0, 2, 3], 2, "missing"),  # one taken out
        ([1, 2, 3], 1, "missing"),  # the beginning cut off
        ([0, 1, 1, 2, 3], 2, "once more"),
    ],
)
async def test_rows_in_another_order_are_found_where_they_go_wrong(
    database: Engine, order: list[int], position: int, reason: str
) -> None:
    sealed = await sealed_rows(database, 4)

    with pytest.raises(ChainBroken, match=reason) as broken:
        verify_chain([sealed[number] for number in order])
    assert broken.value.position == position


async def test_rows_that_took_each_others_positions_are_found(database: Engine) -> None:
    sealed = await sealed_rows(database, 3)
    second, third = replace(sealed[1], row=sealed[2].row), replace(sealed[2], row=sealed[1].row)

    with pytest.raises(ChainBroken) as broken:
        verify_chain([sealed[0], second, third])
    assert broken.value.position == 2


async def test_pages_have_the_rows_that_are_wanted_and_say_where_to_go_on(database: Engine) -> None:
    for number in range(7):
        await database.write(
            lambda tx, n=number: record(tx, actor=f"a{n % 2}", action="x", subject=f"s{n}", detail={}, at=n)
        )
    await database.write(lambda tx: seal(tx, limit=10))

    async def page(after: int = 0, limit: int = 10, **wanted: object) -> tuple[list[int], int, int | None]:
        wants = msgspec.convert(wanted, Wanted)
        found = await database.read(lambda tx: read_page(tx, wants, after=after, limit=limit))
        return [entry.position for entry in found.rows], found.head, found.next

    assert await page() == ([1, 2, 3, 4, 5, 6, 7], 7, None)
    assert await page(limit=3) == ([1, 2, 3], 7, 3)
    assert await page(after=3, limit=4) == ([4, 5, 6, 7], 7, None)
    assert await page(after=99) == ([], 7, None)
    assert await page(actor="a1") == ([2, 4, 6], 7, None)
    assert await page(actor="a1", limit=2) == ([2, 4], 7, 4)
    assert await page(actor="a1", subject="s3", action="x") == ([4], 7, None)
    assert await page(subject="s2", action="y") == ([], 7, None)
    assert await page(since=2, until=4) == ([3, 4, 5], 7, None)


async def test_a_page_looks_at_no_more_rows_than_it_may_and_goes_on(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.sealing.PAGE_ROWS_LOOKED_AT", 3)
    await sealed_rows(database, 8)
    wanted, after, seen, pages = Wanted(subject="s7"), 0, [], 0
    while True:
        page = await database.read(lambda tx, after=after: read_page(tx, wanted, after=after, limit=10))
        seen += [entry.position for entry in page.rows]
        pages += 1
        if page.next is None:
            break
        after = page.next

    assert (seen, pages) == ([8], 3)


async def test_a_page_has_no_more_bytes_than_it_may_but_one_row(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.sealing.PAGE_BYTES", 100)
    for size in (60, 60, 10, 400, 1):
        detail = {"text": "x" * size}
        await database.write(
            lambda tx, d=detail: record(tx, actor="a", action="x", subject="s", detail=d, at=1)
        )
    await database.write(lambda tx: seal(tx, limit=10))
    after, pages = 0, []
    while True:
        page = await database.read(lambda tx, after=after: read_page(tx, Wanted(), after=after, limit=10))
        pages.append([entry.position for entry in page.rows])
        if page.next is None:
            break
        after = page.next

    assert pages == [[1], [2, 3], [4], [5]]


async def test_a_row_that_is_sealed_is_not_sealed_again_whoever_says_that_it_waits(
    database: Engine, place: Place
) -> None:
    await sealed_rows(database, 1)
    place.query("INSERT INTO audit_unsealed SELECT min(id) FROM audit")
    await database.write(work("next"))
    sealed = await database.write(lambda tx: seal(tx, limit=1))

    assert (sealed, await subjects(database)) == (1, [(1, "s0"), (2, "next")])
    assert place.query("SELECT count(*) FROM audit_unsealed") == [(0,)]
    assert await database.read(oldest_waiting) is None


PUT = (
    "INSERT INTO audit (at, actor, action, subject, detail) VALUES (1, 'a', 'x', 'poison', {})",
    "INSERT INTO audit_unsealed SELECT max(id) FROM audit",
)


@pytest.mark.parametrize(
    "text", ['{"big":1e400}', "[1]", "no JSON", '{"a":' + "[" * 5_000 + "]" * 5_000 + "}"], ids=range(4)
)
async def test_a_detail_that_is_no_json_object_is_sealed_as_the_text_that_it_is(
    database: Engine, place: Place, text: str
) -> None:
    for statement in PUT:
        place.query(statement.format(f"'{text}'"))
    await database.write(work("next"))
    await database.write(lambda tx: seal(tx, limit=10))
    sealed = await database.read(read_sealed)

    assert [entry.row.detail for entry in sealed] == [{"unreadable": text}, {"n": 1, "ü": [None]}]
    assert verify_chain(sealed) == sealed[-1].digest


@pytest.mark.parametrize("value", ["CAST(x'ff' AS TEXT)", "x'7b7d'"])
async def test_a_row_that_cannot_be_read_waits_and_stops_no_other(tmp_path: Path, value: str) -> None:
    """PostgreSQL takes neither."""
    place = SqlitePlace(tmp_path / "t.db")
    async with migrated(place, MIGRATIONS) as database:
        for statement in PUT * 4:
            place.query(statement.format(value))
        await database.write(work("next"))
        await database.write(lambda tx: seal(tx, limit=3))

        assert await subjects(database) == [(1, "next")]
        assert await database.read(oldest_waiting) == 1


async def test_no_row_is_taken_off_the_list_before_it_is_sealed(database: Engine, place: Place) -> None:
    await database.write(work("a"))
    for change in ("DELETE FROM audit_unsealed", "UPDATE audit_unsealed SET audit_id = audit_id + 1"):
        with pytest.raises(RULE_BROKEN, match="waits until it is sealed"):
            place.query(change)
    await database.write(lambda tx: seal(tx, limit=10))

    assert await subjects(database) == [(1, "a")]


async def test_rows_that_are_neither_sealed_nor_waiting_are_found(database: Engine, place: Place) -> None:
    await sealed_rows(database, 3)
    place.query(
        "INSERT INTO audit (at, actor, action, subject, detail) VALUES (1, 'a', 'x', 'kept back', '{}')"
    )
    await database.write(work("waits"))
    ((lost,),) = place.query("SELECT id FROM audit WHERE subject = 'kept back'")
    pages, after = [], 0
    while True:
        last, found = await database.read(lambda tx, a=after: unsettled(tx, after=a, limit=2))  # type: ignore[misc]
        if last == after:
            break
        pages.append(found)
        after = last

    assert pages == [[], [lost], []]
