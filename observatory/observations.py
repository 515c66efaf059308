"""
What this process sees of registered DIDs, written down: the `Observer` of the resolver. Service.

That there was no document (deactivated, not found, refused) is seen and written in the same way.

`seen` only takes note; `flush`, once a second, writes. A new document is written at the next turn, a confirmation
of the same one at most once a minute for each DID. Where the database is away, what was seen waits, within bounds;
past them it is dropped and counted, and an interval may then span a document that nobody wrote down.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable
from itertools import islice

import msgspec

from observatory import alarm_store, document_store, observation_store
from observatory.alarm_store import KeyChange
from observatory.document_store import Sighting
from observatory.key_changes import THE_REST, Key, keys_of
from observatory.observation_store import Interval
from resolver.sources.source import Nothing, Observed
from storage import Database, DatabaseUnavailable, Transaction, record
from wire import Reading, read_again

LOG = logging.getLogger("touchstone.observations")

ACTOR = "touchstone-observer"
SPACING = 60_000_000  # microseconds between two writes that only confirm
MAX_WAITING = 1_000  # documents that wait to be written
MAX_WAITING_BYTES = 16_777_216  # 16 MiB of them
MAX_REMEMBERED = (
    20_000  # DIDs whose newest digest is held; of another one a sighting is written as if it were new
)
CHECKED_AT_A_TIME = 100  # DIDs, each second: whether they are registered still
SECOND = 1_000_000  # microseconds


class Observations:
    """
    Keeps what is seen of DIDs that are registered.

    Args:
        is_registered: tells whether a DID is; asked of the event loop.

    Attributes (counters of this process):
        key_changes: changes of keys that nobody announced.
        dropped: documents seen and not kept: too many waited, or there were too many of one DID within a day.
    """

    def __init__(
        self, database: Database, *, is_registered: Callable[[str], bool], clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._is_registered = is_registered
        self._clock = clock
        self._newest: dict[str, Sighting] = {}  # what was seen last of each DID, written or not
        self._written: dict[str, int] = {}  # `last_at` of it, as far as that is written
        self._waiting: list[Sighting] = []  # to be written whatever the spacing, in this order
        self._waiting_bytes = 0
        self.key_changes = 0
        self.dropped = 0

    def seen(self, did: str, found: bytes | Nothing, at: float) -> None:
        """
        Take note of a document (JSON), or that there was none, at `at` (seconds since 1970); never blocks or fails.
        """
        if not self._is_registered(did):
            return
        document, digest = (b"", found.value) if isinstance(found, Nothing) else (found, _sha256(found))
        now = _microseconds(at)
        newest = self._newest.get(did)
        if newest is not None and newest.digest == digest:
            newest.last_at = max(newest.last_at, now)
            if not newest.is_kept and not newest.document and self._has_space(document):
                newest.document = document  # There may be room for it by now.
                self._waiting_bytes += len(document)
            return
        if len(self._waiting) >= MAX_WAITING or not self._has_space(document):
            self.dropped += 1
            return
        if newest is not None and newest.last_at > self._written.get(did, newest.last_at):
            self._waiting.append(newest)  # Until when the former document held.
        self._newest[did] = Sighting(
            did=did, digest=digest, document=document, keys={}, first_at=now, last_at=now
        )
        self._written.pop(did, None)
        self._waiting.append(self._newest[did])
        self._waiting_bytes += len(document)

    def readings(self) -> list[Reading]:
        """Return what the metrics tell."""
        return [
            Reading(
                "touchstone_key_changes", "Key changes that nobody had announced.", self.key_changes, "sum"
            ),
            Reading("touchstone_observations_dropped", "Documents seen and not kept.", self.dropped, "sum"),
        ]

    async def observed(self, did: str, at: float) -> Observed | None:
        """
        Return the document that was seen of `did` before and after `at`; None where we cannot tell.

        A time in whole seconds stands for that second: so are times on the wire.
        """
        begin = _microseconds(at)
        end = begin if begin % SECOND else begin + SECOND - 1
        newest = self._newest.get(did)

        def read(tx: Transaction) -> tuple[Interval, bytes] | None:
            found = observation_store.intervals_around(tx, did, begin, end)
            if not found and newest is not None:
                found = _prolonged(tx, newest, begin, end)
            if len({interval.digest for interval in found}) != 1:
                return None
            if not any(observation_store.holds(tx, interval, begin, end) for interval in found):
                return None
            document = document_store.document_of(tx, found[-1].digest)
            return (found[-1], document) if document else None

        result = await self._database.read(read)
        if result is None:
            return None
        interval, document = result
        return Observed(
            document=document,
            digest=interval.digest,
            first_seen=interval.first_seen / SECOND,
            last_seen=interval.last_seen / SECOND,
        )

    async def flush(self, spacing: int = SPACING) -> None:
        """
        Write what is due; a document that can never be written is dropped, and told in the log.

        Raises:
            DatabaseUnavailable: what was due is due again.
        """
        waiting = self._waiting[:MAX_WAITING]
        confirmed = [
            sighting
            for did, sighting in self._newest.items()
            if did in self._written and sighting.last_at - self._written[did] >= max(spacing, 1)
        ]
        if waiting:
            await asyncio.to_thread(_read_keys, waiting)
        work = [self._write(sighting, 0) for sighting in waiting]
        work += [self._write(sighting, spacing) for sighting in confirmed]
        outcomes = await asyncio.gather(*work, return_exceptions=True)
        for error in outcomes:
            if isinstance(error, BaseException):
                raise error
        self._forget_some()

    async def _write(self, sighting: Sighting, spacing: int) -> None:
        """Write a sighting as it is now; it may be prolonged meanwhile, hence the copy."""
        copy = msgspec.structs.replace(sighting)
        try:
            change, is_kept = await self._database.write(lambda tx: _note(tx, copy, spacing))
        except DatabaseUnavailable:
            raise
        except Exception:
            LOG.exception("a document that was seen is not kept", extra={"event": "observation_dropped"})
            change, is_kept = None, False
        self.dropped += sighting.is_kept and not is_kept
        sighting.is_kept = is_kept
        self._done(sighting, copy.last_at)
        if change is not None:
            self._tell(change)

    def _has_space(self, document: bytes) -> bool:
        return self._waiting_bytes + len(document) <= MAX_WAITING_BYTES

    def _done(self, sighting: Sighting, last_at: int) -> None:
        """Forget what is written; of what was prolonged meanwhile the new end is written when it is due."""
        is_newest = self._newest.get(sighting.did) is sighting
        if sighting in self._waiting and (is_newest or sighting.last_at <= last_at):
            self._waiting.remove(sighting)
        self._waiting_bytes -= len(sighting.document)
        sighting.document = b""
        if is_newest:
            self._written[sighting.did] = last_at

    def _tell(self, change: KeyChange) -> None:
        """Log a change of keys. Never a DID, a key or a document: the alarm's number leads to them."""
        fields = {
            "event": "key_change",
            "alarm": change.alarm,
            "added": change.changes.added_count,
            "removed": change.changes.removed_count,
            "changed": change.changes.changed_count,
        }
        if change.alarm is None:
            LOG.info("the keys of a registered DID changed, as announced", extra=fields)
        elif change.is_new:
            self.key_changes += 1
            what = "was deactivated" if change.after_digest == Nothing.DEACTIVATED else "changed its keys"
            LOG.warning(f"a registered DID {what} unannounced; see GET /operator/key-changes", extra=fields)

    def _forget_some(self) -> None:
        """Forget what is written of DIDs that are not registered any more, or are too many; some at a time."""
        too_many = len(self._written) - MAX_REMEMBERED
        for did in list(islice(self._written, max(too_many, 0) + CHECKED_AT_A_TIME)):
            last_at = self._written.pop(did)
            too_many -= 1
            if too_many < 0 and self._is_registered(did):
                self._written[did] = last_at  # The last to be checked again.
            else:
                self._newest.pop(did, None)


def _note(tx: Transaction, sighting: Sighting, spacing: int) -> tuple[KeyChange | None, bool]:
    """Write a sighting, and the alarm and the audit row of a change of keys; tell also whether it is kept."""
    noted = observation_store.note(tx, sighting, spacing=spacing)
    change = None
    if noted.before is not None:
        change = alarm_store.key_change(tx, noted.before, sighting, noted.begins_at)
    if change is not None and change.is_new:
        detail = {
            "alarm": change.alarm,
            "before": change.before_digest,
            "after": change.after_digest,
            **msgspec.to_builtins(change.changes),
        }
        record(tx, actor=ACTOR, action="did.key_change", subject=change.did, detail=detail, at=change.at)
    return change, noted.is_kept


def _read_keys(sightings: list[Sighting]) -> None:
    """Fill in the keys; what no rule of ours has checked may be no document, and has one key then: itself."""
    for sighting in sightings:
        if not sighting.document:
            continue
        try:
            sighting.keys = keys_of(read_again(sighting.document))
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
            sighting.keys = {THE_REST: Key("document:" + sighting.digest)}


def _prolonged(tx: Transaction, newest: Sighting, begin: int, end: int) -> list[Interval]:
    """Return the interval of what was seen last with the confirmations that are not written yet."""
    interval = observation_store.own_interval(tx, newest.did, newest.digest, end)
    if interval is None or newest.last_at < begin:
        return []
    if observation_store.is_contested(tx, interval, interval.last_seen, newest.last_at):
        return []
    seen = {"seen_before": interval.last_seen, "last_seen": newest.last_at}
    return [msgspec.structs.replace(interval, **seen)]


def _sha256(document: bytes) -> str:
    return hashlib.sha256(document).hexdigest()


def _microseconds(at: float) -> int:
    return round(at * SECOND)
