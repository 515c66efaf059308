"""Which lists are in trouble is told by the process that publishes, while it lasts, and that it is over."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import pytest

from operators import AlarmKind
from proofs import Signer
from statuslist.publishing.list_alarms import LATE_SECONDS, MAX_TOLD, WELL_AT_ONCE, ListAlarms
from storage import Database, DatabaseUnavailable, Leadership, Transaction
from tests.databases import Place
from tests.statuslist.wing import Wing, signer_for

pytestmark = pytest.mark.anyio
T = TypeVar("T")

LIST = "badges-revocation"
NOT_PUBLISHED = (AlarmKind.LIST_NOT_PUBLISHED, "badges")
NEAR_END = (AlarmKind.LIST_NEAR_END, LIST)
CLOCK = (AlarmKind.CLOCK, "lists")


@pytest.fixture
async def wing(place: Place) -> AsyncIterator[Wing]:
    async with Wing.open(place) as opened:
        await opened.create("badges")
        yield opened


class Signers:
    """The signers of a process whose keys can go away."""

    is_gone = False

    def __call__(self, issuer_id: str, key_id: str) -> Signer:
        if self.is_gone:
            raise FileNotFoundError("/secret/path of the key")
        return signer_for(issuer_id, key_id)


async def test_a_list_that_is_not_published_is_an_alarm_until_it_is(wing: Wing) -> None:
    signers = Signers()
    signers.is_gone = True
    publisher = wing.another_publisher(signer_of=signers)
    await publisher.publish_dirty()
    assert wing.alarms == {}

    wing.clock.ahead += 11
    await publisher.publish_dirty()
    assert wing.alarms == {NOT_PUBLISHED: "publishing fails: FileNotFoundError"}
    assert publisher.waiting_seconds == pytest.approx(11, abs=5)
    signers.is_gone = False
    wing.clock.ahead += 61
    await publisher.publish_dirty()
    await publisher.publish_dirty()

    assert wing.alarms == {}
    assert publisher.waiting_seconds == 0


async def test_a_list_that_waits_though_nothing_failed_is_an_alarm(wing: Wing) -> None:
    """It waits for its turn, for the disk, for a process that hangs: the revocation is late all the same."""
    publisher = wing.another_publisher()
    await publisher.following.look()

    wing.clock.ahead += 11
    await publisher.publish_dirty()

    assert wing.alarms == {NOT_PUBLISHED: "it waits to be published"}
    await publisher.publish_dirty()
    assert wing.alarms == {}


async def test_a_list_whose_renewal_fails_is_an_alarm_and_another_near_its_end(wing: Wing) -> None:
    signers = Signers()
    publisher = wing.another_publisher(signer_of=signers)
    await publisher.publish_dirty()
    signers.is_gone = True
    wing.clock.ahead += 86_400 * 0.6
    await publisher.publish_dirty()
    wing.clock.ahead += 11
    await publisher.publish_dirty()
    assert wing.alarms.keys() == {NOT_PUBLISHED}

    wing.clock.ahead += 86_400 * 0.2
    await publisher.publish_dirty()

    assert wing.alarms.keys() == {NOT_PUBLISHED, NEAR_END, (AlarmKind.LIST_NEAR_END, "badges")}
    assert "/secret" not in str(wing.alarms)


async def test_lists_from_the_future_are_an_alarm_and_count_as_not_good(wing: Wing) -> None:
    signers = Signers()
    publisher = wing.another_publisher(signer_of=signers)
    wing.clock.set_by = 3 * 86_400
    await publisher.publish_dirty()
    assert publisher.lists.remaining_seconds() == pytest.approx(86_400, abs=10)
    wing.clock.set_by = 0
    signers.is_gone = True

    await publisher.publish_dirty()

    assert CLOCK in wing.alarms
    assert (publisher.lists.remaining_seconds(), publisher.lists.not_yet_valid) == (0, 2)
    signers.is_gone = False
    wing.clock.ahead += 61
    await publisher.publish_dirty()
    await publisher.publish_dirty()
    assert wing.alarms == {}
    assert publisher.lists.remaining_seconds() == pytest.approx(86_400, abs=120)
    assert publisher.lists.not_yet_valid == 0


async def test_alarms_are_told_while_the_database_is_away(wing: Wing) -> None:
    class Away(Database):
        """Reads and writes until it is away."""

        dialect = wing.database.dialect
        is_away = False

        async def read(self, fn: Callable[[Transaction], T]) -> T:
            if self.is_away:
                raise DatabaseUnavailable("away")
            return await wing.database.read(fn)

        async def write(self, fn: Callable[[Transaction], T]) -> T:
            return await wing.database.write(fn)

        def close(self) -> None:
            """Others use what is behind it."""

    database = Away()
    publisher = wing.another_publisher(database=database)
    loop = asyncio.create_task(publisher.run(Leadership(wing.database.lease("publisher"))))
    try:
        await _until(lambda: publisher.lists.current(LIST) is not None)
        database.is_away = True
        wing.clock.ahead += 86_400 * 0.9

        await _until(lambda: NEAR_END in wing.alarms)
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_a_process_that_only_follows_tells_nothing(wing: Wing) -> None:
    publisher = wing.another_publisher()
    await publisher.following.look()

    wing.clock.ahead += 100
    await publisher.following.look()

    assert wing.alarms == {}
    assert publisher.waiting_seconds > 99


class Told:
    """What was told: (kind, subject), and whether it holds."""

    def __init__(self) -> None:
        self.calls: list[tuple[AlarmKind, str, str | None]] = []

    def __call__(self, kind: AlarmKind, subject: str, reason: str | None) -> None:
        self.calls.append((kind, subject, reason))


def tell(alarms: ListAlarms, *late: str) -> None:
    lists = [f"list-{number}" for number in range(1_200)]
    found = ((name, "it fails") for name in late)
    alarms.tell(late=found, near_end=(), in_the_future=0, subjects=lists)


def test_what_is_wrong_is_told_while_it_is_and_that_it_is_well_again() -> None:
    told = Told()
    alarms = ListAlarms(told)

    for late in (["list-5"], ["list-5"], []):
        tell(alarms, *late)

    of_it = [reason for kind, name, reason in told.calls if (kind, name) == (NOT_PUBLISHED[0], "list-5")]
    assert of_it == ["it fails", "it fails", None]


def test_all_lists_that_are_well_are_told_of_in_turn_some_at_each_time() -> None:
    """So end the alarms of a process that published before, without thousands of calls at once."""
    told, now = Told(), [0.0]
    alarms = ListAlarms(told, timer=lambda: now[0])
    tell(alarms)
    now[0] += LATE_SECONDS + 1
    counts = []
    for _ in range(4):
        tell(alarms)
        counts.append(len(told.calls))

    assert counts[0] == 2 * WELL_AT_ONCE + 1
    assert len({name for _, name, _ in told.calls[: counts[2]]}) == 1_200 + 1
    assert set(told.calls[: counts[0]]) == set(told.calls[counts[2] :])


def test_who_begins_to_publish_ends_no_alarm_before_it_can_know() -> None:
    """An alarm that somebody has acknowledged is not raised anew because the process was replaced."""
    told, now = Told(), [0.0]
    alarms = ListAlarms(told, timer=lambda: now[0])
    for _ in range(int(LATE_SECONDS)):
        tell(alarms)
        now[0] += 1
    tell(alarms, "list-5")

    assert told.calls == [(NOT_PUBLISHED[0], "list-5", "it fails")]


def test_an_outage_of_everything_is_told_of_some_lists() -> None:
    told = Told()
    alarms = ListAlarms(told)
    tell(alarms)
    told.calls.clear()

    tell(alarms, *(f"list-{number}" for number in range(1_000)))

    assert sum(reason is not None for _, _, reason in told.calls) == MAX_TOLD


def test_who_stops_publishing_takes_back_what_it_told() -> None:
    told = Told()
    alarms = ListAlarms(told)
    tell(alarms, "list-5")
    told.calls.clear()

    alarms.leave()
    alarms.leave()

    assert told.calls == [(AlarmKind.LIST_NOT_PUBLISHED, "list-5", None)]
