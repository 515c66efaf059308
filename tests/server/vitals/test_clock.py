"""A clock that jumps is an alarm for a while, makes nothing old that is young, and is seen in readiness."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from operators import AlarmKind
from server.commands.database.bootstrap import initialise
from server.services import Services, open_services
from server.vitals import node_store
from server.vitals.clock import TOLD_SECONDS, ClockWatch
from tests.server.running import quiet, settings_in

NODE = "node-1"


class Machine:
    """A machine's two clocks, of which anybody can set one."""

    def __init__(self) -> None:
        self.now = 100.0
        self.ahead = 1_800_000_000.0
        self.reason: str | None = None
        self.watch = ClockWatch(clock=self.clock, timer=lambda: self.now, on_state=self.state, node=NODE)

    def clock(self) -> float:
        return self.now + self.ahead

    def state(self, kind: AlarmKind, subject: str, reason: str | None) -> None:
        assert (kind, subject) == (AlarmKind.CLOCK, NODE)
        self.reason = reason

    def looked_after(self, seconds: float, *, set_by: float = 0.0) -> str | None:
        """Let time pass, and somebody set the clock; return the alarm."""
        self.now += seconds
        self.ahead += set_by
        self.watch.look()
        return self.reason


def test_a_clock_that_jumps_is_an_alarm_for_a_while() -> None:
    machine = Machine()

    assert machine.looked_after(1) is None
    assert machine.looked_after(1, set_by=7_200) == "the clock was set forward by 7200 s"
    assert machine.looked_after(1) == "the clock was set forward by 7200 s"
    assert machine.looked_after(1, set_by=-7_200) == "the clock was set back by 7200 s"
    assert machine.looked_after(TOLD_SECONDS - 1) is not None
    assert machine.looked_after(1) is None


def test_a_clock_that_is_slewed_and_a_process_that_slept_are_no_alarm() -> None:
    machine = Machine()

    assert [machine.looked_after(1, set_by=0.5) for _ in range(100)] == [None] * 100
    assert machine.looked_after(10_000) is None


def test_what_is_surely_past_follows_neither_a_clock_set_forward_nor_one_set_back() -> None:
    machine = Machine()
    began = machine.clock()
    machine.looked_after(60, set_by=7_200)
    ahead = machine.watch.surely_past()
    machine.looked_after(60, set_by=-10_000)

    assert ahead == began + 60
    assert machine.watch.surely_past() == began + 120 - 2_800


def lists_of(services: Services) -> dict[str, object]:
    """Return the operators' readiness of the status lists, with the status of the whole answer."""
    answer = services.health.ready(detailed=True)
    (check,) = [check for check in json.loads(answer.body)["checks"] if check["name"] == "status_lists"]
    return {"status": answer.status, "ok": check["ok"], **check["detail"]}


@pytest.mark.anyio
async def test_a_node_whose_lists_are_from_the_future_is_not_ready_until_they_are_made_anew(
    tmp_path: Path,
) -> None:
    settings = settings_in(tmp_path)
    await initialise(settings, sample=True, say=quiet)
    set_by = 3 * 86_400.0
    async with open_services(settings, clock=lambda: time.time() + set_by) as services:
        services.health.is_started = True
        ahead = lists_of(services)
        set_by = 0.0
        back = lists_of(services)
        async with asyncio.timeout(10):
            while lists_of(services)["status"] != 200:
                await asyncio.sleep(0.01)
        mended = lists_of(services)

    assert (ahead["status"], ahead["not_yet_valid"]) == (200, 0)
    assert (back["status"], back["ok"], back["remaining_s"]) == (503, False, 0)
    assert back["not_yet_valid"] != 0
    assert mended["not_yet_valid"] == 0


@pytest.mark.anyio
async def test_a_clock_that_is_set_forward_deletes_neither_nodes_nor_alarms_that_are_young(
    tmp_path: Path,
) -> None:
    settings = settings_in(tmp_path)
    await initialise(settings, sample=False, say=quiet)
    set_by = 0.0
    async with open_services(settings, clock=lambda: time.time() + set_by) as services:
        seen_at = time.time_ns() // 1_000
        await services.database.write(lambda tx: node_store.see(tx, "other", seen_at))
        services.operators.alarms.state(AlarmKind.DISK, "other", "full")
        await services.operators.alarms.step()
        services.operators.alarms.state(AlarmKind.DISK, "other", None)
        await services.operators.alarms.step()
        set_by = 100 * 86_400.0
        await services.background._forget()
        names = {row.name for row in await services.database.read(node_store.all_nodes)}
        told = await services.database.read(lambda tx: tx.all("SELECT subject FROM alarms"))

    assert "other" in names
    assert "other" in {row["subject"] for row in told}
