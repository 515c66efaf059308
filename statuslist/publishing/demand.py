"""
What the rows want of each set: which wait to be published, since when, and which failed. Pure.

All times are seconds of a monotonic clock: a step of the system's clock makes no set wait.
"""

import math
from collections.abc import Callable, Iterator

import msgspec

from statuslist.publishing.cadence import AT_ONCE_MS, delay_of
from statuslist.publishing.set_versions import SetVersions

MAX_BACKOFF_SECONDS = 60.0


class Failure(msgspec.Struct, frozen=True):
    """
    A set that failed.

    Attributes:
        reason: of the last failure, for operators.
        times: in a row.
        retry_at: before that it is not tried again.
    """

    reason: str
    times: int
    since: float
    retry_at: float


class Demand:
    """What is known of the rows of all sets, and how their publication went in this process."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock`: seconds since 1970, for cadences that are longer than a second."""
        self._clock = clock
        self._sets: dict[str, SetVersions] = {}
        # Since when a set is due that is wanted and not published; ahead of now while it waits for its cadence.
        self._due: dict[str, float] = {}
        self._begun: dict[str, float] = {}  # when the version was begun that readers have, where we know
        self._failures: dict[str, Failure] = {}

    def __contains__(self, set_id: str) -> bool:
        return set_id in self._sets

    def __iter__(self) -> Iterator[str]:
        return iter(self._sets)

    @property
    def never_published(self) -> int:
        """How many sets have no version yet."""
        return sum(found.published == 0 for found in self._sets.values())

    @property
    def to_sign_anew(self) -> int:
        """How many sets are wanted for a fresh signature alone."""
        return len(self._since(is_change=False))

    def tenant_of(self, set_id: str) -> str:
        """Return the issuer of a set that the rows have told of."""
        return self._sets[set_id].issuer_id

    def length_of(self, set_id: str) -> int:
        """Return the entries of each list of a set that the rows have told of."""
        return self._sets[set_id].length

    def rows_say(self, found: SetVersions, now: float) -> None:
        """Take up what a look at the rows found; an older look than another changes nothing."""
        set_id, known = found.set_id, self._sets.get(found.set_id)
        if known is not None:
            newest, published = (
                max(found, known, key=lambda rows: (rows.wanted, rows.changed)),
                max(found.published, known.published),
            )
            found = msgspec.structs.replace(newest, published=published)
            if published > known.published:
                self.is_well(set_id)
        self._sets[set_id] = found
        if found.wanted <= found.published:
            self._due.pop(set_id, None)
        elif self._begins_to_wait(found, known):
            self._due[set_id] = now + self._delay(found, now)
        elif found.at_once > found.published:
            self._due[set_id] = min(self._due[set_id], now)

    def _begins_to_wait(self, found: SetVersions, known: SetVersions | None) -> bool:
        return (
            found.set_id not in self._due
            or known is None
            or found.published > known.published
            or (found.is_change and not known.is_change)
            or found.cadence_ms != known.cadence_ms
        )

    def _delay(self, found: SetVersions, now: float) -> float:
        """Return for how many seconds a set waits for its cadence."""
        if not found.published or not found.is_change or found.at_once > found.published:
            return 0.0
        begun = self._begun.get(found.set_id)
        since = None if begun is None else now - begun
        return delay_of(found.set_id, found.cadence_ms, since_published=since, now=self._clock())

    def is_published(self, set_id: str, version: int, began: float) -> None:
        """Note a version whose making began at `began`: what was wanted later waits since then."""
        known = self._sets[set_id]
        self._begun[set_id] = began
        self.rows_say(msgspec.structs.replace(known, wanted=version, published=version), began)

    def has_failed(self, set_id: str, reason: str, now: float) -> None:
        """Note that a set failed by its own fault; it is tried again after a pause that grows."""
        known = self._failures.get(set_id)
        times = known.times + 1 if known is not None else 1
        pause = min(2.0 ** min(times - 1, 16), MAX_BACKOFF_SECONDS)
        since = known.since if known is not None else now
        self._failures[set_id] = Failure(reason, times, since, now + pause)

    def is_well(self, set_id: str) -> None:
        """Note that an attempt went well, or that there was nothing to do: somebody else was faster."""
        self._failures.pop(set_id, None)

    def hurry(self, now: float) -> None:
        """Let no set wait any more, but those whose cadence hides when their changes came."""
        for set_id, due in self._due.items():
            if self._sets[set_id].cadence_ms <= AT_ONCE_MS:
                self._due[set_id] = min(due, now)

    def retry(self) -> None:
        """End all pauses: what failed before may go well now."""
        for set_id, failure in self._failures.items():
            self._failures[set_id] = msgspec.structs.replace(failure, times=0, retry_at=0.0)

    def may_begin(self, set_id: str, now: float) -> bool:
        """Tell whether a set is not in a pause."""
        failure = self._failures.get(set_id)
        return failure is None or failure.retry_at <= now

    def is_due(self, set_id: str, now: float) -> bool:
        """Tell whether a set is wanted that is not published, and waits for no cadence."""
        return self._due.get(set_id, now + 1) <= now

    def due_in(self, set_id: str, now: float) -> float | None:
        """Return in how many seconds a set is due that waits for its cadence; None: it waits for none."""
        due = self._due.get(set_id, now)
        return due - now if due > now else None

    def is_urgent(self, set_id: str) -> bool:
        """Tell whether what is wanted of a set is urgent, or its issuer has another key."""
        found = self._sets[set_id]
        return found.at_once > found.published and found.is_change

    def is_change(self, set_id: str) -> bool:
        """Tell whether what is wanted of a set says something new: if not, a fresh signature is all."""
        return self._sets[set_id].is_change

    def waiting(self, now: float) -> list[str]:
        """Return the sets that are due and may begin."""
        return [set_id for set_id, due in self._due.items() if due <= now and self.may_begin(set_id, now)]

    def next_due(self, now: float) -> float:
        """Return in how many seconds the next set is due that waits for its cadence; infinity: none does."""
        return min((due - now for due in self._due.values() if due > now), default=math.inf)

    def longest_wait(self, now: float) -> float:
        """Return for how many seconds the oldest change has been due, and is not seen; 0: none is."""
        return max(0.0, now - min(self._since(is_change=True).values(), default=now))

    def late(self, before: float, anew_before: float) -> Iterator[tuple[str, str]]:
        """
        Yield the sets in trouble, each with the reason.

        Args:
            before: since then a set has been failing, or a change waiting.
            anew_before: since then a set has been waiting to be signed anew.
        """
        for set_id, failure in self._failures.items():
            if failure.since <= before:
                yield set_id, failure.reason
        for is_change, limit, reason in (
            (True, before, "it waits to be published"),
            (False, anew_before, "it waits to be signed anew"),
        ):
            for set_id, since in self._since(is_change=is_change).items():
                if since <= limit and set_id not in self._failures:
                    yield set_id, reason

    def _since(self, *, is_change: bool) -> dict[str, float]:
        """Return since when sets are due, of those that wait with a change, or of those that do not."""
        return {
            set_id: since for set_id, since in self._due.items() if self._sets[set_id].is_change is is_change
        }
