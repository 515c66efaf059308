"""The pusher against a real collector: one that is down, slow, fails, or dies between taking and saying so."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from operators import AlarmKind
from operators.audit import store
from operators.audit.pushing import Pusher
from server import collector as collecting
from server.collector import Collector as Sender
from storage import DatabaseUnavailable, Engine
from tests.clock import Clock
from tests.databases import RULE_BROKEN, Place
from tests.operators.audit.anchoring import Anchoring
from tests.operators.audit.collector import Collector, hang_up, silent, status

pytestmark = pytest.mark.anyio


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    collector = Collector()
    async with collector.listening() as url:
        collector.url = url
        yield collector


class Pushing(Anchoring):
    """The process that pushes."""

    def __init__(self, database: Engine, clock: Clock, url: str, token_file: Path | None = None) -> None:
        super().__init__(database, clock)
        self.sender = Sender(url, token_file, None)
        self.pusher = Pusher(
            database,
            collector=url,
            post=self.sender.post,
            clock=clock,
            timer=clock,
            on_state=self._on_state,
        )

    async def step(self) -> None:
        await self.pusher.step()

    async def acknowledged(self) -> int:
        return await self.database.read(lambda tx: store.pushed_to(tx, self.sender.url))

    @property
    def figures(self) -> tuple[int, int]:
        return self.pusher.waiting, self.pusher.failures


@pytest.fixture
async def pushing(database: Engine, clock: Clock, collector: Collector) -> AsyncIterator[Pushing]:
    pushing = Pushing(database, clock, collector.url)
    yield pushing
    await pushing.sender.aclose()


async def test_rows_are_pushed_once_they_are_sealed_and_once(pushing: Pushing, collector: Collector) -> None:
    await pushing.step()
    await pushing.add(3)
    await pushing.step()
    await pushing.step()
    await pushing.add(1)
    await pushing.step()

    assert [len(one.lines) for one in collector.received] == [3, 1]
    assert collector.positions == [1, 2, 3, 4]
    assert collector.received[0].headers["content-type"] == "application/x-ndjson"
    assert await pushing.acknowledged() == 4
    assert pushing.alarms == {}


async def test_a_long_log_is_pushed_in_batches(
    pushing: Pushing, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operators.audit.pushing.MAX_BATCH_ROWS", 4)
    monkeypatch.setattr("storage.sealing.PAGE_BYTES", 20)  # of `{"n":0}` two
    await pushing.add(5)
    await pushing.step()

    assert [len(one.lines) for one in collector.received] == [2, 2, 1]
    assert collector.positions == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "behaviour",
    [status(500), status(401), status(302), hang_up],
    ids=["500", "401", "302", "no answer"],
)
async def test_what_was_not_acknowledged_comes_again(
    pushing: Pushing, collector: Collector, behaviour: object
) -> None:
    await pushing.add(2)
    collector.behaviours = [behaviour]  # type: ignore[list-item]
    await pushing.step()
    failed = (await pushing.acknowledged(), pushing.figures)
    await pushing.step()
    too_early = len(collector.received)
    pushing.clock.now += 1
    await pushing.step()

    assert failed == (0, (2, 1))
    assert too_early == 1
    assert collector.positions == [1, 2, 1, 2]
    assert (await pushing.acknowledged(), pushing.figures) == (2, (0, 1))


async def test_a_collector_that_hangs_up_on_a_kept_connection_gets_the_batch_again_at_once(
    pushing: Pushing, collector: Collector
) -> None:
    await pushing.add(1)
    await pushing.step()
    await pushing.add(1)
    collector.behaviours = [hang_up]
    await pushing.step()

    assert collector.positions == [1, 2, 2]
    assert await pushing.acknowledged() == 2


async def test_retries_wait_longer_and_longer_and_an_alarm_comes_after_a_minute(
    pushing: Pushing, collector: Collector
) -> None:
    await pushing.add(1)
    collector.behaviours = [status(503)] * 10
    tried_at, told_at = [], None
    start = pushing.clock.now
    for second in range(200):
        pushing.clock.now = start + second
        before = len(collector.received)
        await pushing.step()
        tried_at += [second] * (len(collector.received) - before)
        if told_at is None and pushing.alarms:
            told_at = second
    reason = pushing.alarms[AlarmKind.AUDIT_NOT_PUSHED, collector.url]

    assert tried_at == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    assert told_at == 63
    assert "1 rows wait" in reason and "answered 503" in reason


async def test_the_alarm_ends_when_the_collector_is_back(pushing: Pushing, collector: Collector) -> None:
    await pushing.add(1)
    collector.behaviours = [status(500)] * 2
    await pushing.step()
    pushing.clock.now += 60
    await pushing.step()
    told = list(pushing.alarms)
    pushing.clock.now += 60
    await pushing.step()

    assert told == [(AlarmKind.AUDIT_NOT_PUSHED, collector.url)]
    assert pushing.alarms == {}
    assert await pushing.acknowledged() == 1


async def test_an_alarm_of_a_process_that_leads_no_more_is_taken_back(
    pushing: Pushing, collector: Collector
) -> None:
    await pushing.add(1)
    collector.behaviours = [status(500)] * 2
    await pushing.step()
    pushing.clock.now += 60
    await pushing.step()
    pushing.pusher.leave()

    assert pushing.alarms == {}
    assert pushing.figures == (0, 2)


async def test_a_collector_that_is_down_loses_nothing(database: Engine, clock: Clock) -> None:
    pushing = Pushing(database, clock, "http://127.0.0.1:9/audit")  # discard: nobody listens
    await pushing.add(2)
    await pushing.step()

    assert await pushing.acknowledged() == 0
    assert pushing.figures == (2, 1)
    await pushing.sender.aclose()


async def test_a_collector_that_does_not_answer_is_given_up(
    pushing: Pushing, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "TIMEOUT_SECONDS", 0.2)
    await pushing.add(1)
    collector.behaviours = [silent]
    await pushing.step()
    pushing.clock.now += 1
    await pushing.step()

    assert collector.positions == [1, 1]
    assert await pushing.acknowledged() == 1


async def test_what_was_taken_and_not_noted_before_a_crash_comes_twice(
    pushing: Pushing, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    await pushing.add(2)

    async def crash(_: object) -> None:
        raise DatabaseUnavailable("the process is gone")

    with monkeypatch.context() as patch:
        patch.setattr(pushing.database, "write", crash)
        with pytest.raises(DatabaseUnavailable):
            await pushing.step()
    after = Pushing(pushing.database, pushing.clock, collector.url)
    await after.add(1)
    await after.step()
    await after.sender.aclose()
    first, again = collector.received[0].lines, collector.received[1].lines[:2]

    assert collector.positions == [1, 2, 1, 2, 3]
    assert first == again, "the collector can tell by position and digest"
    assert await after.acknowledged() == 3


async def test_another_collector_gets_everything(
    pushing: Pushing, collector: Collector, clock: Clock
) -> None:
    await pushing.add(2)
    await pushing.step()
    other = Pushing(pushing.database, clock, collector.url + "/other")
    await other.step()
    await other.sender.aclose()

    assert collector.positions == [1, 2, 1, 2]


async def test_two_processes_that_push_at_once_lose_nothing(pushing: Pushing, collector: Collector) -> None:
    await pushing.add(3)
    other = Pushing(pushing.database, pushing.clock, collector.url)
    await asyncio.gather(pushing.step(), other.step())
    await other.sender.aclose()

    assert set(collector.positions) == {1, 2, 3}
    assert await pushing.acknowledged() == 3


async def test_what_a_collector_has_stays_known(pushing: Pushing, place: Place) -> None:
    await pushing.add(3)
    await pushing.step()
    await pushing.database.write(lambda tx: store.put_pushed(tx, pushing.sender.url, 2, 1))

    assert await pushing.acknowledged() == 3
    for change in ("UPDATE audit_pushes SET position = 1", "DELETE FROM audit_pushes"):
        with pytest.raises(RULE_BROKEN):
            place.query(change)


async def test_the_token_is_read_from_its_file_for_each_push(
    database: Engine, clock: Clock, collector: Collector, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    pushing = Pushing(database, clock, collector.url, token)
    await pushing.add(1)
    await pushing.step()
    token.write_text("second\n")
    await pushing.add(1)
    await pushing.step()
    await pushing.sender.aclose()

    assert [one.headers["authorization"] for one in collector.received] == ["bearer first", "bearer second"]


@pytest.mark.parametrize("content", [None, "", "two words", "x\x00y", "ä", "x" * 9_000])
async def test_a_file_without_a_token_sends_nothing_and_is_named_without_its_content(
    database: Engine, clock: Clock, collector: Collector, tmp_path: Path, content: str | None
) -> None:
    token = tmp_path / "token"
    if content is not None:
        token.write_text(content)
    pushing = Pushing(database, clock, collector.url, token)
    await pushing.add(1)
    for _ in range(2):
        await pushing.step()
        pushing.clock.now += 60
    await pushing.sender.aclose()
    reason = pushing.alarms[AlarmKind.AUDIT_NOT_PUSHED, collector.url]

    assert collector.received == []
    assert str(token) in reason
    assert not content or content not in reason


FURTHER = "UPDATE audit_pushes SET position = 4000000000000000000"


async def test_a_row_that_says_that_the_collector_has_everything_keeps_nothing_from_it(
    pushing: Pushing, collector: Collector, place: Place
) -> None:
    await pushing.add(2)
    await pushing.step()
    place.query(FURTHER)
    await pushing.add(2)
    await pushing.step()

    assert collector.positions == [1, 2, 3, 4]
    ((subject, reason),) = [(key, text) for key, text in pushing.alarms.items()]
    assert subject == (AlarmKind.AUDIT_NOT_PUSHED, pushing.sender.url)
    assert "has row 4000000000000000000, and the last one is 4" in reason


async def test_the_next_process_pushes_what_comes_and_says_that_something_is_wrong(
    pushing: Pushing, collector: Collector, place: Place, database: Engine, clock: Clock
) -> None:
    await pushing.add(2)
    await pushing.step()
    place.query(FURTHER)
    after = Pushing(database, clock, collector.url)
    await after.step()
    told = dict(after.alarms)
    await after.add(1)
    await after.step()
    await after.sender.aclose()

    assert [kind for kind, _ in told] == [AlarmKind.AUDIT_NOT_PUSHED]
    assert after.alarms.keys() == told.keys(), "to push goes on, and the alarm stays"
    assert collector.positions == [1, 2, 3]
