"""
One model of alarms: whoever knows that something is wrong tells it here, and tells when it is well again. Service.

An alarm has a kind and a subject (a list, an issuer, a DID, a node). `state` only takes note, so that it works
while the database is away, which is a reason for alarms; `step` writes rows, once a second, and reads what others
told. So an alarm outlives the process that raised it, and another one, which knows better, can end it.

Conditions end when they are told to have ended, or when nobody has told them for `SILENT_SECONDS`. Events (a key
changed, a process was replaced) end when somebody acknowledges them.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from operators.acting import act_once
from operators.alarms import store as alarm_store
from operators.alarms.model import (
    RUNBOOK,
    AcknowledgeAlarm,
    AlarmKind,
    AlarmPage,
    AlarmView,
    Subject,
    alarm_view,
)
from operators.alarms.store import Alarm, Told
from operators.grants import EVERYTHING, Permission, Principal, require
from operators.noting import note
from storage import Database, Transaction
from wire import ResourceNotFound, format_utc

LOG = logging.getLogger("touchstone.alarms")

MAX_PAGE = 100  # alarms
MAX_REASON_CHARS = 500  # characters; the rest is cut
SEEN_EVERY = 60_000_000  # microseconds until `last_seen` of an alarm that goes on is written again
SILENT_SECONDS = 900  # seconds; a condition that nobody tells for that long has nobody who knows of it
KEPT_SECONDS = 90 * 86_400  # seconds that a closed alarm is kept

_KNOWN = frozenset(AlarmKind)  # A newer release, beside us, may tell of others.
OnAcknowledged = Callable[[Transaction, str, str, int], None]  # the subject, by whom, when


class Alarms:
    """
    The alarms as one process tells and sees them.

    Args:
        clock: seconds since 1970.
        on_acknowledged: called in the transaction in which an alarm of that kind is acknowledged.
        elsewhere: what other processes of this node hold and could not write.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float],
        on_acknowledged: Mapping[AlarmKind, OnAcknowledged] | None = None,
        elsewhere: Callable[[], Iterable[AlarmView]] = tuple,
    ) -> None:
        self._database = database
        self._clock = clock
        self._on_acknowledged = on_acknowledged or {}
        self._elsewhere = elsewhere
        self._holding: dict[Subject, str] = {}  # Conditions that hold as far as this process knows.
        self._since: dict[Subject, int] = {}  # When they began, in microseconds since 1970.
        self._raised: dict[
            Subject, str
        ] = {}  # What `step` has still to write; one that is over as well was brief.
        self._over: set[Subject] = set()
        self._open: dict[Subject, Alarm] | None = None  # The rows, when they were last read.
        self._written_at = 0  # Microseconds; when conditions that go on were last written.

    def state(self, kind: AlarmKind, subject: str, reason: str | None) -> None:
        """
        Say that something is wrong with `subject`, and why, or with None that nothing is.

        On the event loop, as often as one likes. It neither blocks nor fails. `reason` tells no secret. Who does
        not know yet says nothing: None ends what another process has told.
        """
        key = (kind, subject)
        if reason is not None:
            self._raise(key, reason[:MAX_REASON_CHARS])
        elif self._holding.pop(key, None) is not None or self._may_be_open(key):
            self._since.pop(key, None)
            self._over.add(key)

    def _raise(self, key: Subject, reason: str) -> None:
        if self._holding.get(key) == reason:
            return
        kind, subject = key
        if not self._may_be_open(key):
            told = {"event": "alarm", "kind": kind.value, "subject": subject}
            LOG.warning("an alarm: %s; see touchstone alarm list", reason, extra=told)
        self._since.setdefault(key, self._now())
        if not kind.is_event:
            self._holding[key] = reason
        self._raised[key] = reason
        self._over.discard(key)

    def _may_be_open(self, key: Subject) -> bool:
        return self._open is None or key in self._open or key in self._raised

    def counts(self) -> dict[AlarmKind, int]:
        """Return how many alarms of each kind nobody has acknowledged; those not written yet are among them."""
        rows = self._open or {}
        acknowledged = {key for key, row in rows.items() if row.acknowledged_at is not None}
        held = (rows.keys() | self._holding.keys() | self._raised.keys()) - acknowledged - self._over
        found = Counter(kind for kind, _ in held)
        return {kind: found[kind] for kind in AlarmKind}

    def unwritten(self) -> tuple[AlarmView, ...]:
        """Return what holds and is no row yet, since the database takes none; its number is 0."""
        now = format_utc(self._now())
        return tuple(
            AlarmView(
                alarm=0,
                kind=kind,
                subject=subject,
                reason=reason,
                since=format_utc(self._since.get((kind, subject), self._now())),
                last_seen=now,
                runbook=f"{RUNBOOK}#{kind.value}",
            )
            for (kind, subject), reason in self._raised.items()
            if (kind, subject) not in self._over
        )

    async def step(self) -> None:
        """
        Write what was told since the last step, and read what is open.

        Raises:
            DatabaseUnavailable: what was told will be written later.
        """
        now = self._now()
        raised, over = dict(self._raised), frozenset(self._over)
        goes_on = abs(now - self._written_at) >= SEEN_EVERY
        due = {**(self._holding if goes_on else {}), **raised}
        told = [Told(kind, subject, reason) for (kind, subject), reason in due.items()]
        told += [Told(kind, subject, None) for kind, subject in over]
        if told:
            await self._database.write(lambda tx: alarm_store.tell(tx, told, now))
        self._raised = {key: why for key, why in self._raised.items() if due.get(key) != why}
        self._over = self._over - over
        if goes_on:
            self._written_at = now
        rows = await self._database.read(alarm_store.open_alarms)
        self._open = {(AlarmKind(row.kind), row.subject): row for row in rows if row.kind in _KNOWN}

    async def sweep(self, now: float) -> None:
        """Close conditions that nobody tells any more at `now` (seconds since 1970); forget the old."""
        silent_before = int((now - SILENT_SECONDS) * 1_000_000)
        closed_before = int((now - KEPT_SECONDS) * 1_000_000)

        def work(tx: Transaction) -> None:
            conditions = [kind.value for kind in AlarmKind if not kind.is_event]
            alarm_store.close_silent(tx, conditions, before=silent_before, at=self._now())
            alarm_store.forget_closed(tx, closed_before)

        await self._database.write(work)

    async def page(
        self, principal: Principal, *, kind: AlarmKind | None = None, after: int = 0, limit: int = MAX_PAGE
    ) -> AlarmPage:
        """
        Return the open alarms with a number beyond `after`, of a kind or of all.

        First those that could not be written yet, with the number 0: nobody can acknowledge them.

        Raises:
            Forbidden: the principal may not read everything; alarms are the node's.
        """
        require(principal, Permission.READ, EVERYTHING)
        found = await self._database.read(
            lambda tx: alarm_store.open_alarms(tx, kind=kind, after=after, limit=limit + 1)
        )
        more = found[limit - 1].id if len(found) > limit else None
        first = self._not_written(kind) if after == 0 else ()
        return AlarmPage(alarms=(*first, *map(alarm_view, found[:limit])), next=more)

    def _not_written(self, kind: AlarmKind | None) -> Iterable[AlarmView]:
        """Return what any process of this node holds and could not write, each once."""
        found = {(view.kind, view.subject): view for view in (*self._elsewhere(), *self.unwritten())}
        return [
            view for key, view in found.items() if kind in (None, view.kind) and key not in (self._open or {})
        ]

    async def acknowledge(
        self, principal: Principal, asked: AcknowledgeAlarm, *, idempotency_key: str | None = None
    ) -> AlarmView:
        """
        Note that somebody has looked into an alarm; an event is over with that.

        Raises:
            Forbidden: the principal does not administer everything.
            ResourceNotFound: there is no such alarm.
        """
        require(principal, Permission.ADMINISTER, EVERYTHING)
        at = self._now()

        def note(tx: Transaction) -> AlarmView:
            return self._acknowledge(tx, principal, asked.alarm, at)

        return await act_once(
            self._database, principal, idempotency_key, ("alarm", asked), note, AlarmView, at=at
        )

    def _acknowledge(self, tx: Transaction, principal: Principal, number: int, at: int) -> AlarmView:
        before = alarm_store.find_alarm(tx, number)
        if alarm_store.acknowledge(tx, number, by=principal.id, at=at):
            self._after(tx, number, principal.id, at)
            after = alarm_store.find_alarm(tx, number)
            assert before is not None and after is not None, "it was acknowledged just now"
            was, now = alarm_view(before), alarm_view(after)
            note(tx, principal, "alarm.acknowledge", str(number), at=at, before=was, after=now)
        alarm = alarm_store.find_alarm(tx, number)
        if alarm is None:
            raise ResourceNotFound("there is no alarm of this number")
        return alarm_view(alarm)

    def _after(self, tx: Transaction, number: int, by: str, at: int) -> None:
        """Close an event, and let the wing that raised it follow."""
        alarm = alarm_store.find_alarm(tx, number)
        if alarm is None or alarm.kind not in _KNOWN:
            return
        kind = AlarmKind(alarm.kind)
        if kind in self._on_acknowledged:
            self._on_acknowledged[kind](tx, alarm.subject, by, at)
        if kind.is_event:
            alarm_store.tell(tx, [Told(kind, alarm.subject, None)], at)

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)
