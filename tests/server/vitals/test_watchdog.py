"""Which processes are replaced: the silent, and one at a time of those whose database has failed."""

import pytest

from server.telemetry.heartbeats import Beat, Heartbeats
from server.vitals.watchdog import LONGEST_PAUSE, SILENT_SECONDS, START_SECONDS, Watchdog

NOW = 1_000.0
WELL = Beat(at=NOW)


@pytest.fixture
def watchdog() -> Watchdog:
    """It looks since a long time, at three processes that were started long ago."""
    watchdog = Watchdog()
    for slot in range(3):
        watchdog.started(slot, NOW - 500)
    look(watchdog, {}, until=NOW)
    return watchdog


def look(watchdog: Watchdog, beats: dict[int, Beat], *, until: float) -> set[int]:
    """Look every second until then; return who was found to be at fault."""
    start = max(until - 30, watchdog._looked_at)
    seconds = int(until - start)
    return {slot for second in range(seconds + 1) for slot in watchdog.faults(beats, start + second)}


def test_a_process_that_is_silent_is_ended_when_its_time_is_up_and_not_before(watchdog: Watchdog) -> None:
    beats = {0: Beat(at=NOW + 100), 1: WELL, 2: Beat(at=NOW + 100)}
    before = look(watchdog, beats, until=NOW + SILENT_SECONDS)
    after = look(watchdog, beats, until=NOW + SILENT_SECONDS + 1)

    assert before == set()
    assert after == {1}


def test_a_machine_that_was_suspended_costs_no_process(watchdog: Watchdog) -> None:
    """All of them are late then, and so is the look."""
    beats = dict.fromkeys(range(3), WELL)
    on_waking = watchdog.faults(beats, NOW + 3_600)
    soon = look(watchdog, beats, until=NOW + 3_600 + SILENT_SECONDS)
    later = look(watchdog, beats, until=NOW + 3_600 + SILENT_SECONDS + 1)

    assert on_waking == {}
    assert soon == set()
    assert later == {0, 1, 2}


def test_a_process_that_starts_has_longer_until_its_first_beat(watchdog: Watchdog) -> None:
    watchdog.started(1, NOW)
    beats = {0: Beat(at=NOW + 1_000), 1: Beat(), 2: Beat(at=NOW + 1_000)}

    for second in range(int(START_SECONDS) + 1):
        assert watchdog.faults(beats, NOW + second) == {}
    assert set(watchdog.faults(beats, NOW + START_SECONDS + 1)) == {1}


def test_of_processes_whose_database_failed_one_is_replaced_at_a_time(watchdog: Watchdog) -> None:
    failed = Beat(at=NOW, has_failed=True)
    first = watchdog.faults(dict.fromkeys(range(3), failed), NOW)
    while_it_ends = watchdog.faults({1: failed, 2: failed}, NOW)
    while_it_starts = watchdog.faults({0: Beat(), 1: failed, 2: failed}, NOW)
    then = watchdog.faults({0: WELL, 1: failed, 2: failed}, NOW)

    assert set(first) == {0}
    assert first[0].answers
    assert while_it_ends == while_it_starts == {}
    assert set(then) == {1}


def test_a_process_that_fails_again_and_again_is_replaced_ever_more_seldom(watchdog: Watchdog) -> None:
    pauses, now = [], NOW
    for _ in range(8):
        watchdog.started(0, now)
        pauses.append(watchdog.due_at(0) - now)
        now = watchdog.due_at(0)
    failed = {0: Beat(at=now - 1, has_failed=True), 1: WELL, 2: WELL}
    watchdog.started(0, now)
    early = watchdog.faults({**failed, 1: Beat(at=now), 2: Beat(at=now)}, now + 1)
    watchdog.started(0, now + 3_600)

    assert pauses == [1, 2, 4, 8, 16, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert early == {}
    assert watchdog.due_at(0) == now + 3_600 + 1, "an hour without a fault is forgiven"


def test_heartbeats_tell_of_the_most_silent_process_and_of_any_whose_writes_fail() -> None:
    now = [100.0]
    beats = Heartbeats(3, timer=lambda: now[0])
    beats.beat(0)
    now[0] += 5
    beats.beat(1, writes_fail=True)
    told = (beats.oldest_age, beats.writes_fail, beats.of(1), beats.of(2))
    beats.clear(1)
    beats.count_replaced()

    assert told == (5.0, True, Beat(105.0, writes_fail=True), Beat())
    assert not beats.writes_fail
    assert beats.replaced == 1
