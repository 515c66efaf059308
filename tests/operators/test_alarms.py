"""Alarms: raised and ended by who knows, over restarts, processes and an absent database."""

import re
from pathlib import Path

import pytest

from operators import AlarmKind, Alarms, Role
from operators.alarms.alarms import SEEN_EVERY, SILENT_SECONDS
from operators.alarms.model import RUNBOOK, AcknowledgeAlarm, AlarmView
from storage import DatabaseUnavailable, Engine, Transaction
from tests.actors import acting
from tests.clock import Clock
from tests.databases import RULE_BROKEN, SQL_ERRORS, Place
from wire import Forbidden, ResourceNotFound

pytestmark = pytest.mark.anyio

ADMIN = acting("root", Role.ADMINISTRATOR)
TENANT = acting("acme", Role.ADMINISTRATOR, issuer_id="acme")
READER = acting("eve", Role.VIEWER)
LIST, CHANGE = AlarmKind.LIST_NOT_PUBLISHED, AlarmKind.KEY_CHANGE


@pytest.fixture
def alarms(database: Engine, clock: Clock) -> Alarms:
    return Alarms(database, clock=clock)


async def shown(alarms: Alarms) -> list[AlarmView]:
    return list((await alarms.page(ADMIN)).alarms)


async def test_a_condition_is_one_row_with_its_beginning_and_its_newest_reason(
    alarms: Alarms, clock: Clock
) -> None:
    alarms.state(LIST, "one", "no key")
    await alarms.step()
    clock.now += 5
    alarms.state(LIST, "one", "no signer")
    await alarms.step()

    (alarm,) = await shown(alarms)
    assert (alarm.kind, alarm.subject, alarm.reason) == ("list-not-published", "one", "no signer")
    assert (alarm.since, alarm.last_seen) == ("2027-01-15T08:00:00Z", "2027-01-15T08:00:05Z")
    assert alarm.runbook == f"{RUNBOOK}#list-not-published"
    assert alarms.counts()[LIST] == 1


async def test_a_condition_that_is_over_is_closed_and_may_come_back(
    alarms: Alarms, clock: Clock, place: Place
) -> None:
    alarms.state(LIST, "one", "no key")
    await alarms.step()
    alarms.state(LIST, "one", None)
    await alarms.step()
    closed = await shown(alarms)
    alarms.state(LIST, "one", "no key again")
    await alarms.step()

    assert closed == []
    assert [alarm.reason for alarm in await shown(alarms)] == ["no key again"]
    assert len(place.query("SELECT * FROM alarms")) == 2


async def test_all_is_well_said_of_what_never_failed_writes_nothing(alarms: Alarms, database: Engine) -> None:
    await alarms.step()
    before = database.stats.writes
    for _ in range(3):
        alarms.state(LIST, "one", None)
        await alarms.step()

    assert database.stats.writes == before


async def test_a_condition_that_goes_on_is_written_once_a_minute(
    alarms: Alarms, database: Engine, clock: Clock
) -> None:
    alarms.state(LIST, "one", "no key")
    await alarms.step()
    before = database.stats.writes
    for _ in range(59):
        clock.now += 1
        alarms.state(LIST, "one", "no key")
        await alarms.step()
    quiet = database.stats.writes - before
    clock.now += 1
    await alarms.step()

    assert (quiet, database.stats.writes - before) == (0, 1)
    assert SEEN_EVERY == 60_000_000


async def test_another_process_sees_an_alarm_and_can_end_it(
    alarms: Alarms, database: Engine, clock: Clock
) -> None:
    other = Alarms(database, clock=clock)
    alarms.state(LIST, "one", "no key")
    await alarms.step()
    await other.step()
    seen = (other.counts()[LIST], await shown(other))
    other.state(LIST, "one", None)
    await other.step()

    assert (seen[0], len(seen[1])) == (1, 1)
    assert await shown(other) == []


async def test_an_alarm_is_counted_while_the_database_is_away_and_written_later(
    place: Place, alarms: Alarms, database: Engine, clock: Clock
) -> None:
    away = place.open()
    away.close()
    lonely = Alarms(away, clock=clock)
    lonely.state(AlarmKind.WRITES_FAILING, "node", "disk full")
    with pytest.raises(DatabaseUnavailable):
        await lonely.step()
    counted = lonely.counts()[AlarmKind.WRITES_FAILING]
    lonely._database = database  # It is back.
    await lonely.step()

    assert counted == 1
    assert [alarm.subject for alarm in await shown(alarms)] == ["node"]


async def test_what_was_over_before_it_could_be_written_leaves_its_trace(
    alarms: Alarms, place: Place
) -> None:
    alarms.state(AlarmKind.WRITES_FAILING, "node", "disk full")
    alarms.state(AlarmKind.WRITES_FAILING, "node", None)
    await alarms.step()

    rows = place.query("SELECT kind, reason, closed_at IS NOT NULL FROM alarms")
    assert [(kind, reason, bool(closed)) for kind, reason, closed in rows] == [
        ("writes-failing", "disk full", True)
    ]


async def test_what_no_row_holds_yet_is_listed_whichever_process_holds_it(
    database: Engine, clock: Clock
) -> None:
    leading = Alarms(database, clock=clock)
    asked = Alarms(database, clock=clock, elsewhere=leading.unwritten)
    leading.state(AlarmKind.WRITES_FAILING, "node", "disk full")
    before = (await asked.page(ADMIN)).alarms
    of_another_kind = (await asked.page(ADMIN, kind=LIST)).alarms
    await leading.step()
    await asked.step()
    after = (await asked.page(ADMIN)).alarms

    assert [(view.alarm, view.kind, view.reason) for view in before] == [(0, "writes-failing", "disk full")]
    assert of_another_kind == ()
    assert [view.kind for view in after] == ["writes-failing"]
    assert after[0].alarm > 0


async def test_what_could_not_be_written_is_kept_whatever_the_error(
    alarms: Alarms, database: Engine, place: Place
) -> None:
    place.query("ALTER TABLE alarms RENAME TO elsewhere")
    alarms.state(AlarmKind.PROCESS_REPLACED, "node", "it hung")
    with pytest.raises(SQL_ERRORS):
        await alarms.step()
    place.query("ALTER TABLE elsewhere RENAME TO alarms")
    await alarms.step()

    assert [alarm.kind for alarm in await shown(alarms)] == ["process-replaced"]


async def test_a_process_that_begins_ends_what_a_former_one_told_and_it_knows_better(
    alarms: Alarms, database: Engine, clock: Clock
) -> None:
    """Its first word may come before it has read the rows."""
    alarms.state(AlarmKind.KEY_UNREADABLE, "acme on node", "no file")
    await alarms.step()
    begun = Alarms(database, clock=clock)
    begun.state(AlarmKind.KEY_UNREADABLE, "acme on node", None)
    await begun.step()

    assert await shown(begun) == []


async def test_an_acknowledged_condition_stays_and_no_longer_counts(alarms: Alarms) -> None:
    alarms.state(LIST, "one", "no key")
    await alarms.step()
    (alarm,) = await shown(alarms)
    view = await alarms.acknowledge(ADMIN, AcknowledgeAlarm(alarm=alarm.alarm))
    await alarms.step()

    assert (view.acknowledged_by, view.closed_at) == ("root", None)
    assert [again.acknowledged_by for again in await shown(alarms)] == ["root"]
    assert alarms.counts()[LIST] == 0


async def test_an_event_is_over_when_it_is_acknowledged_and_its_wing_follows(
    database: Engine, clock: Clock
) -> None:
    followed: list[tuple[str, str]] = []

    def follow(_: Transaction, subject: str, by: str, __: int) -> None:
        followed.append((subject, by))

    alarms = Alarms(database, clock=clock, on_acknowledged={CHANGE: follow})
    alarms.state(CHANGE, "did:web:issuer.example", "its keys changed")
    await alarms.step()
    clock.now += 2 * SILENT_SECONDS
    await alarms.sweep(clock.now)
    (alarm,) = await shown(alarms)
    view = await alarms.acknowledge(ADMIN, AcknowledgeAlarm(alarm=alarm.alarm))
    again = await alarms.acknowledge(ADMIN, AcknowledgeAlarm(alarm=alarm.alarm))
    await alarms.step()

    assert view.closed_at is not None
    assert again == view
    assert followed == [("did:web:issuer.example", "root")]
    assert await shown(alarms) == []


async def test_a_condition_that_nobody_tells_any_more_is_closed(
    alarms: Alarms, database: Engine, clock: Clock
) -> None:
    alarms.state(LIST, "one", "no key")
    await alarms.step()
    clock.now += SILENT_SECONDS + 1
    await Alarms(database, clock=clock).sweep(clock.now)

    assert await shown(alarms) == []


async def test_an_open_alarm_cannot_be_deleted_and_closed_ones_are_forgotten(
    alarms: Alarms, database: Engine, clock: Clock, place: Place
) -> None:
    alarms.state(LIST, "one", "no key")
    alarms.state(LIST, "two", "no key")
    await alarms.step()
    with pytest.raises(RULE_BROKEN):
        await database.write(lambda tx: tx.execute("DELETE FROM alarms"))
    alarms.state(LIST, "two", None)
    await alarms.step()
    clock.now += 91 * 86_400
    alarms.state(LIST, "one", "no key")
    await alarms.step()
    await alarms.sweep(clock.now)

    assert place.query("SELECT subject FROM alarms") == [("one",)]


async def test_alarms_are_for_who_acts_for_all_issuers(alarms: Alarms) -> None:
    asked = AcknowledgeAlarm(alarm=1)

    with pytest.raises(Forbidden):
        await alarms.page(TENANT)
    with pytest.raises(Forbidden):
        await alarms.acknowledge(TENANT, asked)
    with pytest.raises(Forbidden):
        await alarms.acknowledge(READER, asked)
    with pytest.raises(ResourceNotFound):
        await alarms.acknowledge(ADMIN, asked)


async def test_alarms_come_in_pages(alarms: Alarms) -> None:
    for number in range(5):
        alarms.state(LIST, f"list-{number}", "no key")
    alarms.state(AlarmKind.DISK, "node", "full")
    await alarms.step()
    first = await alarms.page(ADMIN, limit=4)
    second = await alarms.page(ADMIN, after=first.next or 0, limit=4)
    of_kind = await alarms.page(ADMIN, kind=AlarmKind.DISK)

    assert (len(first.alarms), len(second.alarms), second.next) == (4, 2, None)
    assert {alarm.subject for alarm in first.alarms + second.alarms} >= {"node", "list-0", "list-4"}
    assert [alarm.subject for alarm in of_kind.alarms] == ["node"]


def test_every_kind_has_its_anchor_in_the_runbook() -> None:
    text = (Path(__file__).parents[2] / RUNBOOK).read_text()

    assert re.findall(r"^## (\S+)$", text, re.MULTILINE) == [kind.value for kind in AlarmKind]
