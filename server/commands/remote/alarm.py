"""
`touchstone alarm`: what is wrong, and that somebody has looked into it. Over the operator API.
"""

import click

from server.commands.remote.api import REASON, operator_api
from server.commands.terminal import note, row, say


@click.group()
def alarm() -> None:
    """List what is wrong, and say that you look into it."""


@alarm.command("list")
def alarm_list() -> None:
    """
    Print every open alarm.

    One a line, separated by tabs: number, kind, subject, since when, who acknowledged it or `-`, reason.
    """
    from operators.alarms.model import AlarmPage

    is_any = False
    with operator_api() as api:
        for page in api.pages("/operator/alarms", AlarmPage):
            for found in page.alarms:
                is_any = True
                by = found.acknowledged_by or "-"
                row(str(found.alarm), found.kind, found.subject, found.since, by, found.reason)
    if not is_any:
        note("no alarm is open")


@alarm.command("acknowledge")
@click.argument("number", metavar="ALARM", type=click.IntRange(1, 2**53))
@REASON
def alarm_acknowledge(number: int) -> None:
    """Say that you look into an alarm. `touchstone alarm list` shows its number."""
    from operators.alarms.model import AcknowledgeAlarm, AlarmView

    with operator_api() as api:
        found = api.post("/operator/alarms/acknowledge", AlarmView, AcknowledgeAlarm(alarm=number))
        api.expect(found.alarm == number and found.acknowledged_by is not None, "about another alarm")
        rest = "it is over" if found.closed_at else f"it goes on until it is mended: {found.runbook}"
        say(f"acknowledged the alarm {number} ({found.kind} of {found.subject}); {rest}")
