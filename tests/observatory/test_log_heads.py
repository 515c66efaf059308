"""The heads of did:webvh logs, shared by processes and nodes, and kept across restarts."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from observatory.log_heads import DAY, StoredHeads
from resolver import InternalError
from resolver.sources.heads import LogHeads, MemoryHeads
from server.database import MIGRATIONS
from storage import Engine, migrate
from tests.databases import RULE_BROKEN, Place

pytestmark = pytest.mark.anyio

SCID = "QmScid"


@pytest.fixture
async def databases(place: Place) -> AsyncIterator[list[Engine]]:
    opened = [place.open(), place.open()]
    try:
        await migrate(opened[0], MIGRATIONS)
        yield opened
    finally:
        for database in opened:
            database.close()


async def test_the_first_of_two_versions_of_one_number_wins_on_every_node(databases: list[Engine]) -> None:
    one, other = (StoredHeads(database) for database in databases)
    taken: LogHeads = one

    answers = [
        await taken.highest(SCID),
        await one.advance(SCID, "2-ours"),
        await other.advance(SCID, "2-forked"),
        await other.advance(SCID, "1-old"),
        await other.advance(SCID, "3-next"),
        await one.highest(SCID),
    ]

    assert answers == [None, "2-ours", "2-ours", "2-ours", "3-next", "3-next"]


async def test_of_many_at_once_exactly_one_wins(databases: list[Engine]) -> None:
    heads = [StoredHeads(databases[number % 2]) for number in range(40)]

    answers = await asyncio.gather(*(head.advance(SCID, f"1-{number}") for number, head in enumerate(heads)))

    assert len(set(answers)) == 1
    assert await heads[0].highest(SCID) == answers[0]


async def test_a_head_survives_a_restart_and_never_goes_back(place: Place, databases: list[Engine]) -> None:
    await StoredHeads(databases[0]).advance(SCID, "10-ten")
    databases[0].close()
    databases[0] = place.open()

    assert await StoredHeads(databases[0]).advance(SCID, "9-nine") == "10-ten"
    for change in ("number = 9", "version_id = '10-forked'"):
        with pytest.raises(RULE_BROKEN):
            place.query(f"UPDATE log_heads SET {change}")


async def test_without_the_database_nobody_takes_a_log_for_a_new_one(databases: list[Engine]) -> None:
    heads = StoredHeads(databases[0])
    databases[0].close()

    for asked in (heads.highest(SCID), heads.advance(SCID, "1-a")):
        with pytest.raises(InternalError) as caught:
            await asked
        assert caught.value.status == 503


async def test_the_logs_that_were_used_longest_ago_are_forgotten_first(databases: list[Engine]) -> None:
    now = [0.0]
    heads = StoredHeads(databases[0], clock=lambda: now[0])
    for number in range(5):
        now[0] += DAY
        await heads.advance(f"scid-{number}", "1-a")
    now[0] += DAY
    await heads.highest("scid-0")

    assert await heads.forget(max_logs=2) == 3
    assert [await heads.highest(f"scid-{number}") for number in range(5)] == ["1-a", None, None, None, "1-a"]


async def test_a_flood_of_new_logs_drives_out_none_that_was_used_on_that_day(databases: list[Engine]) -> None:
    now = [0.0]
    heads = StoredHeads(databases[0], clock=lambda: now[0])
    await heads.advance(SCID, "5-abc")
    now[0] += 3 * DAY
    await heads.highest(SCID)
    for number in range(3):
        now[0] += 1
        await heads.advance(f"flood-{number}", "1-a")
    await heads.forget(max_logs=1)

    assert await heads.highest(SCID) == "5-abc"


async def test_a_use_is_written_once_a_day(databases: list[Engine], place: Place) -> None:
    now = [DAY / 2]
    heads = StoredHeads(databases[0], clock=lambda: now[0])
    await heads.advance(SCID, "1-a")
    writes = []
    for seconds in (0.0, 1.0, DAY, 1.0):
        now[0] += seconds
        await heads.highest(SCID)
        writes.append(place.query("SELECT last_used_day FROM log_heads")[0][0])
    place.query("UPDATE log_heads SET last_used_day = 7")
    await heads.highest(SCID)

    assert writes == [0, 0, 1, 1]
    assert place.query("SELECT last_used_day FROM log_heads") == [(7,)]


async def test_in_memory_too_what_is_in_use_stays() -> None:
    heads = MemoryHeads(max_logs=2)
    await heads.advance(SCID, "5-abc")
    for number in range(3):
        await heads.highest(SCID)
        await heads.advance(f"flood-{number}", "1-a")

    assert await heads.highest(SCID) == "5-abc"
    assert await heads.highest("flood-0") is None
