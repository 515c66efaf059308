"""The sealed audit log: positions without a gap, given after commit, and a chain that shows tampering."""

from collections.abc import AsyncIterator, Callable

import psycopg
import pytest

from storage import (
    MIGRATIONS,
    ChainBroken,
    Engine,
    Transaction,
    migrate,
    read_sealed,
    record,
    seal,
    verify_chain,
)
from tests.databases import RULE_BROKEN, Place, PostgresPlace, migrated
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
