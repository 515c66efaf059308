"""
What is wrong with our lists, told as alarms by the process that publishes. Pure but for whom it tells.

That lists are well is told of some at each time, all of them in turn: it ends the alarms of a former publisher.
"""

import time
from collections.abc import Callable, Iterable
from itertools import islice

from operators.alarms.model import AlarmKind, OnState, Subject

LATE_SECONDS = (
    10.0  # seconds that a set may wait, or fail, before somebody is told; the promise is one second
)
# ... that it may wait for nothing but a fresh signature: after a change of keys all lists of an issuer do, 10,000
# for a minute or two.
LATE_ANEW_SECONDS = 600.0
MAX_TOLD = 100  # lists told of at once, of each kind: what is wrong with more of them is one thing
WELL_AT_ONCE = 500  # lists told of at once that they are well, if they are; a millisecond's worth
CLOCK = (AlarmKind.CLOCK, "lists")
_OF_LISTS = (AlarmKind.LIST_NOT_PUBLISHED, AlarmKind.LIST_NEAR_END)


class ListAlarms:
    """Tells `on_state` what is wrong, again and again, and what is well again."""

    def __init__(self, on_state: OnState, timer: Callable[[], float] = time.monotonic) -> None:
        self._on_state = on_state
        self._timer = timer
        self._began_at: float | None = None  # When this process began to tell.
        self._told: set[Subject] = set()
        self._well_told = 0  # How many of the lists were told of in this round.

    def tell(
        self,
        *,
        late: Iterable[tuple[str, str]],
        near_end: Iterable[tuple[str, str]],
        in_the_future: int,
        subjects: Iterable[str],
    ) -> None:
        """
        Tell how the lists do.

        Args:
            late, near_end: sets, and lists, each with the reason; of more than `MAX_TOLD` the first are told of.
            in_the_future: how many lists are not valid yet by our clock.
            subjects: the ids of all lists and sets.
        """
        holding: dict[Subject, str] = {}
        for kind, found in zip(_OF_LISTS, (late, near_end), strict=True):
            holding |= {(kind, list_id): reason for list_id, reason in islice(found, MAX_TOLD)}
        if in_the_future:
            holding[CLOCK] = f"{in_the_future} lists are dated in the future: the clock was, or is, wrong"
        for subject in self._well(subjects) - holding.keys():
            self._on_state(*subject, None)
        for (kind, list_id), reason in holding.items():
            self._on_state(kind, list_id, reason)
        self._told = set(holding)

    def leave(self) -> None:
        """Another process publishes, and tells from now on."""
        for subject in self._told:
            self._on_state(*subject, None)
        self._told.clear()
        self._began_at = None

    def _well(self, subjects: Iterable[str]) -> set[Subject]:
        """
        Return whom to tell that they are well, should they be.

        At first only those of whom we told: who has not looked for `LATE_SECONDS` does not know that nothing is
        late, and must not end what a former publisher has told.
        """
        now = self._timer()
        self._began_at = now if self._began_at is None else self._began_at
        if now - self._began_at <= LATE_SECONDS:
            return set(self._told)
        some = list(islice(subjects, self._well_told, self._well_told + WELL_AT_ONCE))
        self._well_told = self._well_told + len(some) if len(some) == WELL_AT_ONCE else 0
        return self._told | {CLOCK} | {(kind, list_id) for list_id in some for kind in _OF_LISTS}
