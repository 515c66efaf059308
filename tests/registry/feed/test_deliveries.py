"""Subscribers get every change in order, at least once, whatever they answer, and whoever is slow beside them."""

import asyncio
import re

import pytest

from registry.feed import deliveries
from server.receivers import Receivers
from storage import DatabaseUnavailable
from tests.actors import ROOT
from tests.clock import Clock
from tests.databases import RULE_BROKEN, MayFail, Place
from tests.registry.databases import a_database
from tests.registry.feed.feeding import (
    TAKEN,
    Feeding,
    a_grant_to,
    an_entity,
    feeding_at,
    in_turn,
    refusing,
    until,
)
from tests.simulator import Script, canned, held, raw

pytestmark = pytest.mark.anyio


async def test_each_change_is_a_token_of_its_own_in_order(feeding: Feeding) -> None:
    await feeding.subscribe("wallets")
    await feeding.record(an_entity("a"), an_entity("b"))
    await feeding.entities(1)
    await feeding.push()
    page = await feeding.page()
    received = feeding.received["wallets"]
    shown = await feeding.shown("wallets")

    assert [each.change for each in received] == list(page.changes)
    assert len({each.id for each in received}) == 3
    assert received[0].transaction == received[1].transaction != received[2].transaction
    assert (shown.position, shown.waiting, shown.failures, shown.last_error) == (3, 0, 0, None)
    assert feeding.deliveries.delivered == 3


async def test_what_was_taken_is_not_sent_again(feeding: Feeding) -> None:
    await feeding.subscribe("wallets")
    await feeding.entities(1)
    await feeding.push()
    await feeding.push()
    await feeding.entities(2)
    await feeding.push()

    assert feeding.positions("wallets") == [1, 2]


async def test_a_subscriber_hears_of_changes_from_now_on_unless_it_asks_for_earlier_ones(
    feeding: Feeding,
) -> None:
    await feeding.entities(1, 2)
    await feeding.subscribe("late", since=None)
    await feeding.subscribe("early", since=1)
    await feeding.entities(3)
    await feeding.push()

    assert feeding.positions("late") == [3]
    assert feeding.positions("early") == [2, 3]


async def test_a_subscriber_hears_only_what_it_wants_and_catches_up_with_the_rest(feeding: Feeding) -> None:
    await feeding.subscribe("wallets", entity="uni")
    await feeding.record(an_entity("a"), a_grant_to("uni"), an_entity("b"))
    await feeding.push()
    shown = await feeding.shown("wallets")

    assert feeding.positions("wallets") == [2]
    assert (shown.position, shown.waiting) == (3, 0)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (refusing(400, "invalid_key", "No key of this kid."), "400: invalid_key: No key of this kid."),
        (refusing(400, "invalid_request"), "400: invalid_request"),
        (refusing(400, "e\x1b[2J\u202e", "x" * 10_000), r"400: e\?\[2J\?: x+"),
        (canned(b"<html>", 500), "answered 500"),
        (canned(b"", 200), "answered 200"),
        (canned(b"", 302, location="https://other.example/"), "answered 302"),
        (raw(), "without an answer"),
    ],
    ids=["error", "no description", "hostile", "500", "200 is not 202", "redirect", "no answer"],
)
async def test_what_was_not_taken_stops_what_follows_and_comes_again(
    feeding: Feeding, script: object, said: str
) -> None:
    await feeding.subscribe("wallets", script=in_turn(script, TAKEN))  # type: ignore[arg-type]
    await feeding.entities(1, 2)
    await feeding.push()
    failed = await feeding.shown("wallets")
    await feeding.push()
    too_early = feeding.positions("wallets")
    feeding.clock.now += 1
    await feeding.push()
    first, again, *_ = feeding.received["wallets"]

    assert (failed.position, failed.waiting, failed.failures) == (0, 2, 1)
    assert re.search(said, failed.last_error or "")
    assert len(failed.last_error or "") <= 500
    assert failed.next_try_at is not None
    assert too_early == [1]
    assert feeding.positions("wallets") == [1, 1, 2]
    assert first.id == again.id
    assert {request.host for request in feeding.world.requests} == {"wallets.example"}


async def test_a_subscriber_that_hangs_is_given_up_and_delays_nobody(place: Place, clock: Clock) -> None:
    forever = asyncio.Event()
    async with feeding_at(place, clock) as feeding:
        await feeding.subscribe("hangs", script=held(forever, TAKEN))
        await feeding.subscribe("quick")
        for number in range(3):
            await feeding.entities(number)
            await feeding.deliveries.step()
            await until(lambda n=number: len(feeding.positions("quick")) == n + 1)  # type: ignore[misc]
        await until(lambda: len(feeding.deliveries.under_way()) == 1)  # the one that hangs
        await until(lambda: not feeding.deliveries.under_way())
        shown = await feeding.shown("hangs")

    assert feeding.positions("quick") == [1, 2, 3]
    assert feeding.positions("hangs") == [1], "one request at most is under way"
    assert (shown.position, shown.failures) == (0, 1)
    assert "no answer within" in (shown.last_error or "")


async def test_retries_wait_longer_and_longer_up_to_five_minutes(feeding: Feeding) -> None:
    await feeding.subscribe("wallets", script=refusing(503))
    await feeding.entities(1)
    start, tried_at = feeding.clock.now, []
    for second in range(1_500):
        feeding.clock.now = start + second
        before = len(feeding.positions("wallets"))
        if second in (0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1_111) or second % 50 == 49:
            await feeding.push()
        tried_at += [second] * (len(feeding.positions("wallets")) - before)

    assert tried_at == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1_111, 1_449]


async def test_waits_differ_so_that_those_that_failed_together_come_apart(feeding: Feeding) -> None:
    await feeding.subscribe("wallets", script=refusing(503))
    await feeding.entities(1)
    feeding.deliveries._jitter = lambda: 0.0
    await feeding.push()
    feeding.clock.now += 0.5
    await feeding.push()

    assert feeding.positions("wallets") == [1, 1]


async def test_an_alarm_comes_after_five_minutes_and_ends_when_the_subscriber_has_caught_up(
    feeding: Feeding,
) -> None:
    host = await feeding.subscribe("wallets", script=refusing(400, "access_denied"))
    await feeding.entities(1, 2)
    await feeding.push()
    feeding.clock.now += 299
    await feeding.push()
    before = dict(feeding.alarms)
    feeding.clock.now += 1
    await feeding.push()
    told = dict(feeding.alarms)
    feeding.answers(host, TAKEN)
    feeding.clock.now += 300
    await feeding.push()
    await feeding.push()

    assert before == {}
    assert told == {"wallets": "2 changes wait: change 1: it answered 400: access_denied"}
    assert feeding.alarms == {}


async def test_an_alarm_ends_with_the_subscriber(feeding: Feeding) -> None:
    await feeding.subscribe("wallets", script=refusing(500))
    await feeding.entities(1)
    await feeding.push()
    feeding.clock.now += 300
    await feeding.push()
    told = list(feeding.alarms)
    await feeding.subscribers.remove(ROOT, "wallets")
    await feeding.push()

    assert told == ["wallets"]
    assert feeding.alarms == {}


async def test_who_does_not_push_any_more_takes_its_alarm_back_and_ends_what_is_under_way(
    feeding: Feeding,
) -> None:
    await feeding.subscribe("wallets", script=held(asyncio.Event(), TAKEN))
    await feeding.entities(1)
    await feeding.deliveries.step()
    await until(lambda: feeding.positions("wallets") == [1])
    feeding.clock.now += 300
    await feeding.deliveries.step()
    told = list(feeding.alarms)
    await feeding.deliveries.leave()

    assert told == ["wallets"]
    assert feeding.alarms == {}
    assert feeding.deliveries.under_way() == []
    assert (await feeding.shown("wallets")).failures == 0


async def test_a_replay_tells_everything_after_a_position_again_with_the_same_ids(feeding: Feeding) -> None:
    await feeding.subscribe("wallets")
    await feeding.entities(1, 2, 3)
    await feeding.push()
    await feeding.replay("wallets", 1)
    await feeding.push()
    ids = [each.id for each in feeding.received["wallets"]]

    assert feeding.positions("wallets") == [1, 2, 3, 2, 3]
    assert ids[1:3] == ids[3:]


async def test_a_replay_ahead_leaves_out_what_cannot_be_taken_and_is_tried_at_once(feeding: Feeding) -> None:
    host = await feeding.subscribe("wallets", script=refusing(400, "invalid_request"))
    await feeding.entities(1, 2)
    await feeding.push()
    feeding.answers(host, TAKEN)
    await feeding.replay("wallets", 1)
    await feeding.push()

    assert feeding.positions("wallets") == [1, 2]


async def test_a_replay_leaves_out_what_cannot_be_taken_though_unwanted_changes_lie_before_it(
    feeding: Feeding,
) -> None:
    script = in_turn(refusing(400, "invalid_request"), TAKEN)
    await feeding.subscribe("wallets", entity="e20", script=script)
    await feeding.entities(*range(1, 21))
    await feeding.record(an_entity("e20", names={"en": "Another name"}))
    await feeding.push()
    failed = await feeding.shown("wallets")
    await feeding.replay("wallets", 20)
    await feeding.push()

    assert (failed.position, failed.waiting, failed.failures) == (19, 2, 1)
    assert failed.last_error == "change 20: it answered 400: invalid_request"
    assert feeding.positions("wallets") == [20, 21]


async def test_a_replay_counts_though_an_older_change_is_under_way(feeding: Feeding) -> None:
    answer = asyncio.Event()
    host = await feeding.subscribe("wallets")
    await feeding.entities(1, 2)
    await feeding.push()
    feeding.answers(host, held(answer, TAKEN))
    await feeding.entities(3)
    await feeding.deliveries.step()
    await until(lambda: feeding.positions("wallets") == [1, 2, 3])
    await feeding.replay("wallets", 0)
    answer.set()
    await asyncio.gather(*feeding.deliveries.under_way())
    await feeding.push()

    assert feeding.positions("wallets") == [1, 2, 3, 1, 2, 3]


async def test_what_was_taken_and_not_noted_comes_again_with_the_same_id(
    feeding: Feeding, monkeypatch: pytest.MonkeyPatch
) -> None:
    await feeding.subscribe("wallets")
    await feeding.entities(1)

    async def crash(_: object) -> None:
        raise DatabaseUnavailable("the process is gone")

    with monkeypatch.context() as patch:
        patch.setattr(feeding.database, "write", crash)
        await feeding.push()
    feeding.clock.now += 1
    await feeding.push()
    first, again = feeding.received["wallets"]

    assert first.id == again.id
    assert (await feeding.shown("wallets")).position == 1


async def _no_write(_: object) -> None:
    raise DatabaseUnavailable("the disk is full")


@pytest.mark.parametrize("script", [TAKEN, refusing(503)], ids=["takes it", "refuses it"])
async def test_while_nothing_can_be_noted_a_subscriber_is_left_alone_ever_longer(
    feeding: Feeding, monkeypatch: pytest.MonkeyPatch, script: Script
) -> None:
    host = await feeding.subscribe("wallets", script=script)
    await feeding.entities(1, 2)
    with monkeypatch.context() as patch:
        patch.setattr(feeding.database, "write", _no_write)
        for _ in range(4 * 400):
            await feeding.push()
            feeding.clock.now += 0.25
    meanwhile, told = feeding.positions("wallets"), dict(feeding.alarms)
    delivered = feeding.deliveries.delivered
    feeding.answers(host, TAKEN)
    feeding.clock.now += 300
    await feeding.push()
    await feeding.push()

    assert meanwhile == [1] * 9, "after 1, 3, 7, 15, 31, 63, 127 and 255 s"
    assert told == {"wallets": "2 changes wait: the database takes no writes"}
    assert delivered == 0
    assert feeding.positions("wallets")[9:] == [1, 2]
    assert feeding.deliveries.delivered == 2
    assert feeding.alarms == {}


async def test_two_processes_that_push_at_once_skip_nothing_and_overtake_nothing(
    place: Place, feeding: Feeding
) -> None:
    await feeding.subscribe("wallets")
    await feeding.entities(*range(10))
    async with a_database(place) as theirs, feeding.world.guard() as guard:
        other = Feeding(theirs, feeding.clock, feeding.world, Receivers(guard).post)
        other.received = feeding.received
        for _ in range(10):
            await asyncio.gather(feeding.push(), other.push())
    positions = feeding.positions("wallets")

    assert list(dict.fromkeys(positions)) == list(range(1, 11)), "first told in order"
    assert (await feeding.shown("wallets")).position == 10


async def test_while_no_key_signs_changes_wait(feeding: Feeding) -> None:
    signer, feeding.signing = feeding.signing, None
    await feeding.subscribe("wallets")
    await feeding.entities(1)
    await feeding.push()
    shown = await feeding.shown("wallets")
    feeding.signing = signer
    feeding.clock.now += 1
    await feeding.push()

    assert shown.last_error == "change 1: it cannot be signed: the token is away"
    assert feeding.positions("wallets") == [1]


async def test_an_address_that_is_not_public_is_never_dialled(feeding: Feeding) -> None:
    await feeding.subscribe("wallets")
    feeding.world.name("wallets.example", ["127.0.0.1"])
    await feeding.entities(1)
    await feeding.push()
    shown = await feeding.shown("wallets")

    assert feeding.world.dials == []
    assert "not globally reachable" in (shown.last_error or "")


async def test_a_database_that_is_away_is_waited_for(feeding: Feeding) -> None:
    await feeding.subscribe("wallets")
    await feeding.entities(1)
    away = MayFail(feeding.database, is_away=True)
    feeding.deliveries._database = away
    with pytest.raises(DatabaseUnavailable):
        await feeding.push()
    away.is_away = False
    await feeding.push()

    assert feeding.positions("wallets") == [1]


async def test_a_long_history_is_read_in_parts(feeding: Feeding, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "TOGETHER", 2)
    await feeding.subscribe("wallets")
    await feeding.entities(*range(5))
    await feeding.push()

    assert feeding.positions("wallets") == [1, 2, 3, 4, 5]


async def test_the_same_position_of_another_history_is_another_token(place: Place, clock: Clock) -> None:
    """After a restore a position may be given again; a receiver must not take it for a repeat."""
    async with feeding_at(place, clock) as feeding:
        await feeding.subscribe("wallets")
        await feeding.record(an_entity("a"))
        await feeding.push()
        lost = feeding.received["wallets"][0].id
        for table in ("registry_versions", "registry_events"):
            place.drop_rule(table, "DELETE")
            place.query(f"DELETE FROM {table}")
        place.drop_rule("registry_head", "UPDATE")
        place.query("UPDATE registry_head SET version = 0, position = 0, digest = ''")
        place.query("UPDATE registry_subscribers SET position = 0")
        await feeding.wing.load()
        await feeding.record(an_entity("b"))
        await feeding.push()
        told = feeding.received["wallets"][1]

    assert told.change.position == 1
    assert told.id != lost


async def test_metrics_tell_who_is_behind(feeding: Feeding) -> None:
    await feeding.subscribe("wallets", script=refusing(500))
    await feeding.subscribe("others")
    await feeding.entities(1, 2)
    await feeding.push()
    await feeding.push()
    readings = {reading.name: reading.value for reading in feeding.deliveries.readings()}

    assert readings == {
        "touchstone_registry_subscribers_behind": 1,
        "touchstone_registry_changes_waiting": 2,
        "touchstone_registry_deliveries": 2,
        "touchstone_registry_delivery_failures": 1,
    }


async def test_what_a_subscriber_is_told_and_where_stays(place: Place, feeding: Feeding) -> None:
    await feeding.subscribe("wallets")

    with pytest.raises(RULE_BROKEN):
        place.query("UPDATE registry_subscribers SET url = 'https://other.example'")
