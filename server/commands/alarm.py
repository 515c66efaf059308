"""
`touchstone alarm`: what is wrong, and that somebody has looked into it. Beside a running server, or without one.
"""

import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import click

from server.commands.terminal import ACTOR, note, run, say, settings_or_exit

if TYPE_CHECKING:
    from operators import Alarms


@click.group()
def alarm() -> None:
    """List what is wrong, and say that you look into it."""


@alarm.command("list")
def alarm_list() -> None:
    """
    Print every open alarm.

    One a line, separated by tabs: number, kind, subject, since when, who acknowledged it or `-`, reason.
    """

    async def work(alarms: "Alarms") -> None:
        after: int | None = 0
        while after is not None:
            page = await alarms.page(_operator(), after=after)
            for found in page.alarms:
                by = found.acknowledged_by or "-"
                row = (str(found.alarm), found.kind, found.subject, found.since, by, found.reason)
                click.echo("\t".join(row))
            if after == 0 and not page.alarms:
                note("no alarm is open")
            after = page.next

    _with_alarms(work)


@alarm.command("acknowledge")
@click.argument("number", metavar="ALARM", type=click.IntRange(1, 2**53))
def alarm_acknowledge(number: int) -> None:
    """Say that you look into an alarm. `touchstone alarm list` shows its number."""

    async def work(alarms: "Alarms") -> None:
        from operators.alarm_model import AcknowledgeAlarm

        found = await alarms.acknowledge(_operator(), AcknowledgeAlarm(alarm=number))
        rest = "it is over" if found.closed_at else f"it goes on until it is mended: {found.runbook}"
        say(f"acknowledged the alarm {number} ({found.kind} of {found.subject}); {rest}")

    _with_alarms(work)


def _operator() -> Any:
    """Whoever may run commands beside the database may do everything."""
    from operators import Principal, Role

    return Principal(id=ACTOR, name="the command line", issuer_id=None, roles=frozenset({Role.ADMIN}))


def _with_alarms(work: Callable[["Alarms"], Coroutine[Any, Any, None]]) -> None:
    settings = settings_or_exit()

    async def opened() -> None:
        from observatory.alarm_store import acknowledge_all
        from operators import AlarmKind, Alarms
        from server.commands.opened import open_database

        async with open_database(settings) as database:
            acknowledged = {AlarmKind.KEY_CHANGE: acknowledge_all}
            await work(Alarms(database, clock=time.time, on_acknowledged=acknowledged))

    run(opened)
