"""
What an operator sees of observations, and says to alarms. Service.
"""

from collections.abc import Callable
from typing import Annotated

import msgspec

from observatory import alarm_store, document_store, observation_store
from observatory.alarm_store import Alarm
from observatory.key_changes import Key, KeyChanges
from observatory.observation_store import Interval
from operators import EVERYTHING, Permission, Principal, require
from operators.acting import act_once
from operators.noting import note
from storage import Database, Transaction
from wire import BadRequest, Reading, ResourceNotFound, format_utc, parse_utc

MAX_PAGE = 100  # intervals, and alarms
MAX_ANNOUNCED_SECONDS = 31 * 86_400  # a month; who announces for ever has switched the alarm off

DidText = Annotated[str, msgspec.Meta(min_length=1, max_length=8_192, pattern=r"^[!-~]*\Z")]


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key of a document that was seen; a JWK and a Multikey of one key have the same thumbprint."""

    id: str
    thumbprint: str
    relationships: tuple[str, ...]


class ObservationView(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """
    A document of a DID, by its SHA-256 (hex), and between which times it was seen.

    Where there was none, `digest` is `deactivated`, `not-found` or `refused`.
    """

    id: int
    did: str
    digest: str
    first_seen: str
    last_seen: str
    keys: tuple[KeyView, ...]


class KeyChangeView(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """
    A change of keys that nobody had announced; `before` and `after` are digests of the documents, or `deactivated`.
    """

    alarm: int
    did: str
    raised_at: str
    before: str
    after: str
    changes: KeyChanges
    acknowledged_at: str | None = None
    acknowledged_by: str | None = None


class ObservationPage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Some observations in the order of their ids, and the newest open alarms, at most 100 of each.

    `next`, where there may be more observations: the `after` of the next page.
    """

    observations: tuple[ObservationView, ...]
    alarms: tuple[KeyChangeView, ...]
    next: int | None = None


class KeyChangePage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Some open alarms in the order of their numbers.

    `next`, where there may be more: the `after` of the next page.
    """

    alarms: tuple[KeyChangeView, ...]
    next: int | None = None


class Acknowledge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The number of an alarm that somebody has looked into."""

    alarm: Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Announce(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The keys of a registered DID may change until `not_after` (RFC 3339, UTC) without an alarm."""

    did: DidText
    not_after: Annotated[str, msgspec.Meta(max_length=40)]


class Announced(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An announcement as it was taken."""

    did: str
    not_after: str


class KeyAlarms:
    """
    Args:
        is_registered: tells whether the registry knows a DID.
        clock: seconds since 1970.

    Attributes:
        open: how many alarms nobody had acknowledged when `count` looked.
    """

    def __init__(
        self, database: Database, *, is_registered: Callable[[str], bool], clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._is_registered = is_registered
        self._clock = clock
        self.open = 0

    async def count(self) -> None:
        """Count the open alarms, for the metrics: a counter of a process ends with it, an alarm does not."""
        self.open = await self._database.read(alarm_store.count_open)

    def readings(self) -> list[Reading]:
        """Return what the metrics tell."""
        return [Reading("touchstone_key_change_alarms", "Alarms that nobody has acknowledged.", self.open)]

    async def page(self, did: str | None = None, *, after: int = 0, limit: int = MAX_PAGE) -> ObservationPage:
        """Return observations with an id beyond `after`, of one DID or of all, and the newest open alarms."""

        def read(tx: Transaction) -> ObservationPage:
            found = observation_store.list_intervals(tx, did, after=after, limit=limit + 1)
            alarms = alarm_store.newest_alarms(tx, did, limit=MAX_PAGE)
            return ObservationPage(
                observations=tuple(_observation(tx, interval) for interval in found[:limit]),
                alarms=tuple(map(_alarm_view, alarms)),
                next=found[limit - 1].id if len(found) > limit else None,
            )

        return await self._database.read(read)

    async def open_alarms(
        self, did: str | None = None, *, after: int = 0, limit: int = MAX_PAGE
    ) -> KeyChangePage:
        """Return the open alarms with a number beyond `after`, of one DID or of all."""
        found = await self._database.read(
            lambda tx: alarm_store.open_alarms(tx, did, after=after, limit=limit + 1)
        )
        return KeyChangePage(
            alarms=tuple(map(_alarm_view, found[:limit])),
            next=found[limit - 1].id if len(found) > limit else None,
        )

    async def acknowledge(
        self, principal: Principal, asked: Acknowledge, *, idempotency_key: str | None = None
    ) -> KeyChangeView:
        """
        Close an alarm; one that is closed stays as it is.

        Raises:
            Forbidden: the principal does not administer everything.
            ResourceNotFound: there is no such alarm.
        """
        require(principal, Permission.ADMINISTER, EVERYTHING)
        at = self._now()

        def close(tx: Transaction) -> KeyChangeView:
            before = alarm_store.find_alarm(tx, asked.alarm)
            is_closed_now = alarm_store.acknowledge(tx, asked.alarm, by=principal.id, at=at)
            alarm = alarm_store.find_alarm(tx, asked.alarm)
            if before is None or alarm is None:
                raise ResourceNotFound("there is no alarm of this number")
            if is_closed_now:
                was, now = _alarm_view(before), _alarm_view(alarm)
                note(tx, principal, "key_change.acknowledge", str(alarm.id), at=at, before=was, after=now)
            return _alarm_view(alarm)

        return await act_once(
            self._database, principal, idempotency_key, ("acknowledge", asked), close, KeyChangeView, at=at
        )

    async def announce(
        self, principal: Principal, asked: Announce, *, idempotency_key: str | None = None
    ) -> Announced:
        """
        Let the keys of a DID change without an alarm, for a time; the newest announcement counts.

        Raises:
            Forbidden: the principal does not administer everything.
            BadRequest: `not_after` is no time, or further away than 31 days.
            ResourceNotFound: the registry does not know the DID, in this spelling.
        """
        require(principal, Permission.ADMINISTER, EVERYTHING)
        at = self._now()
        not_after = _read_end(asked.not_after, at)
        if not self._is_registered(asked.did):
            raise ResourceNotFound("the registry does not know this DID; its spelling there counts")

        def write(tx: Transaction) -> Announced:
            alarm_store.announce(tx, asked.did, not_after=not_after, by=principal.id)
            announced = Announced(did=asked.did, not_after=format_utc(not_after))
            end = announced.not_after
            note(tx, principal, "key_change.announce", asked.did, at=at, after=announced, not_after=end)
            return announced

        return await act_once(
            self._database, principal, idempotency_key, ("announce", asked), write, Announced, at=at
        )

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _read_end(text: str, now: int) -> int:
    try:
        not_after = parse_utc(text)
    except ValueError as error:
        raise BadRequest(str(error), pointer="/notAfter") from None
    if not_after > now + MAX_ANNOUNCED_SECONDS * 1_000_000:
        raise BadRequest("expected a time within 31 days", pointer="/notAfter")
    return not_after


def _observation(tx: Transaction, interval: Interval) -> ObservationView:
    keys = document_store.keys_by_digest(tx, interval.digest)
    return ObservationView(
        id=interval.id,
        did=interval.did,
        digest=interval.digest,
        first_seen=format_utc(interval.first_seen),
        last_seen=format_utc(interval.last_seen),
        keys=tuple(_key_view(key_id, key) for key_id, key in keys.items()),
    )


def _key_view(key_id: str, key: Key) -> KeyView:
    return KeyView(id=key_id, thumbprint=key.thumbprint, relationships=key.relationships)


def _alarm_view(alarm: Alarm) -> KeyChangeView:
    acknowledged_at = alarm.acknowledged_at
    return KeyChangeView(
        alarm=alarm.id,
        did=alarm.did,
        raised_at=format_utc(alarm.raised_at),
        before=alarm.before_digest,
        after=alarm.after_digest,
        changes=alarm.changes,
        acknowledged_at=None if acknowledged_at is None else format_utc(acknowledged_at),
        acknowledged_by=alarm.acknowledged_by,
    )
