"""
What can be wrong, and how operators see it: the kinds of alarms, and the Structs of routes and client. Pure.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import msgspec

from operators.alarms.store import Alarm
from wire import format_utc

RUNBOOK = "docs/runbooks/alarms.md"  # with an anchor for each kind


class AlarmKind(StrEnum):
    """What is wrong; the values are on the wire, in rows, metrics and anchors of the runbook."""

    KEY_CHANGE = "key-change"
    LIST_NOT_PUBLISHED = "list-not-published"
    LIST_NEAR_END = "list-near-end"
    LIST_DIFFERED = "list-differed"
    LISTS_NOT_UPLOADED = "lists-not-uploaded"
    WRITES_FAILING = "writes-failing"
    DISK = "disk"
    CLOCK = "clock"
    PROCESS_REPLACED = "process-replaced"
    KEY_UNREADABLE = "key-unreadable"
    NODE_SILENT = "node-silent"
    SPARE_MISSING = "spare-missing"
    KEY_NOT_LISTED = "key-not-listed"
    CERTIFICATE_NEAR_END = "certificate-near-end"
    AUDIT_BROKEN = "audit-broken"
    AUDIT_NOT_PUSHED = "audit-not-pushed"
    BREAK_GLASS = "break-glass"
    API_KEY_NEAR_END = "api-key-near-end"
    REGISTRY_REVIEW = "registry-review"
    REGISTRY_NEAR_END = "registry-near-end"
    REGISTRY_SOURCE = "registry-source"
    SUBSCRIBER_BEHIND = "subscriber-behind"
    EMERGENCY_SUSPENSION = "emergency-suspension"
    CHANGE_SET_CONFLICT = "change-set-conflict"

    @property
    def is_event(self) -> bool:
        """Whether it happened once, and is over when somebody has acknowledged it."""
        return self in (
            AlarmKind.KEY_CHANGE,
            AlarmKind.LIST_DIFFERED,
            AlarmKind.PROCESS_REPLACED,
            AlarmKind.BREAK_GLASS,
            AlarmKind.EMERGENCY_SUSPENSION,
            AlarmKind.CHANGE_SET_CONFLICT,
        )


Subject = tuple[AlarmKind, str]
OnState = Callable[[AlarmKind, str, str | None], None]


class AlarmView(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An alarm; `closedAt`: since when it is over; `runbook` says what to do."""

    alarm: int
    kind: str
    subject: str
    reason: str
    since: str
    last_seen: str
    runbook: str
    acknowledged_at: str | None = None
    acknowledged_by: str | None = None
    closed_at: str | None = None


class AlarmPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Some open alarms in the order of their numbers.

    `next`, where there may be more: the `after` of the next page.
    """

    alarms: tuple[AlarmView, ...]
    next: int | None = None


class AcknowledgeAlarm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The number of an alarm that somebody has looked into."""

    alarm: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


def alarm_view(alarm: Alarm) -> AlarmView:
    """Return an alarm as operators see it."""
    times = (alarm.acknowledged_at, alarm.closed_at)
    acknowledged_at, closed_at = (None if at is None else format_utc(at) for at in times)
    return AlarmView(
        alarm=alarm.id,
        kind=alarm.kind,
        subject=alarm.subject,
        reason=alarm.reason,
        since=format_utc(alarm.since),
        last_seen=format_utc(alarm.last_seen),
        runbook=f"{RUNBOOK}#{alarm.kind}",
        acknowledged_at=acknowledged_at,
        acknowledged_by=alarm.acknowledged_by,
        closed_at=closed_at,
    )
