"""Whoever keeps rows from being sealed raises an alarm."""

import pytest

from operators import AlarmKind
from operators.audit.watching import SealWatch
from storage import Engine, record, seal
from tests.clock import Clock
from tests.databases import Place
from tests.operators.audit.anchoring import Anchoring

pytestmark = pytest.mark.anyio

KEPT_BACK = "INSERT INTO audit (at, actor, action, subject, detail) VALUES (1, 'a', 'x', 's', '{}')"


class Watching:
    """A watch, and the reasons of the alarms that it raised."""

    def __init__(self, database: Engine, clock: Clock) -> None:
        self.told: list[tuple[AlarmKind, str, str | None]] = []
        self.watch = SealWatch(database, timer=clock, on_state=lambda *told: self.told.append(told))

    async def step(self) -> str | None:
        """Return the reason of the alarm that is open."""
        await self.watch.step()
        assert {told[:2] for told in self.told} <= {(AlarmKind.AUDIT_BROKEN, "audit rows")}
        return self.told[-1][2] if self.told else None


async def test_a_row_that_waits_for_more_than_a_minute_raises_an_alarm_until_it_is_sealed(
    database: Engine, clock: Clock
) -> None:
    watching = Watching(database, clock)
    await Anchoring(database, clock).add(2)
    await database.write(lambda tx: record(tx, actor="a", action="x", subject="s", detail={}, at=1))
    reasons = []
    for _ in range(3):
        reasons.append(await watching.step())
        clock.now += 30
    waited = watching.watch.waiting_seconds
    await database.write(lambda tx: seal(tx, limit=1))
    after = await watching.step()

    assert reasons[:2] == [None, None]
    assert "the id 3 " in (reasons[2] or "")
    assert (waited, watching.watch.waiting_seconds, after) == (60.0, 0.0, None)


async def test_rows_that_nobody_will_seal_raise_an_alarm_within_a_minute(
    database: Engine, clock: Clock, place: Place
) -> None:
    watching = Watching(database, clock)
    await Anchoring(database, clock).add(2)
    before = await watching.step()
    place.query(KEPT_BACK)
    await Anchoring(database, clock).add(2)
    for _ in range(2):
        clock.now += 60
        reason = await watching.step()

        assert "neither sealed nor wait for it: 3 (1 in all)" in (reason or "")
    assert before is None


async def test_a_row_that_was_taken_off_the_list_before_it_was_sealed_is_found(
    database: Engine, clock: Clock, place: Place
) -> None:
    watching = Watching(database, clock)
    await database.write(lambda tx: record(tx, actor="a", action="x", subject="s", detail={}, at=1))
    await watching.step()
    place.drop_rule("audit_unsealed", "DELETE")
    place.query("DELETE FROM audit_unsealed")
    clock.now += 60

    assert "neither sealed" in (await watching.step() or "")


async def test_a_process_that_leads_no_more_tells_nothing(
    database: Engine, clock: Clock, place: Place
) -> None:
    watching = Watching(database, clock)
    place.query(KEPT_BACK)
    told = await watching.step()
    watching.watch.leave()

    assert told is not None and watching.told[-1][2] is None
