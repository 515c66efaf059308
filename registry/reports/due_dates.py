"""
Alarms before a review is due, and before something ends: nobody shall learn it by being refused. Service.

Done by the holder of the lease. One alarm for each kind of date, however many facts have one; reports list them.
"""

import asyncio

from operators.alarms.model import AlarmKind, OnState
from registry.registry import Registry
from registry.reports.reports import ENDS, REVIEWS, due
from registry.reports.shapes import about
from wire import format_utc

NEAR_DAYS = 14  # days before the date
DAY = 86_400_000_000  # microseconds
MAX_COUNTED = 1_000  # facts of each kind of date that are counted
SUBJECT = "registry"


class DueDates:
    """
    Args:
        on_state: told of what is due soon, and when that is over.
    """

    def __init__(self, registry: Registry, on_state: OnState) -> None:
        self._registry = registry
        self._on_state = on_state
        self._told: set[AlarmKind] = set()  # What we told of, and did not end.

    async def look(self) -> None:
        """Tell what is to be looked at again within `NEAR_DAYS`, or was, and what ends within them."""
        reviews, ends = await asyncio.to_thread(self._found)
        self._tell(AlarmKind.REGISTRY_REVIEW, reviews)
        self._tell(AlarmKind.REGISTRY_NEAR_END, ends)

    def leave(self) -> None:
        """Another process looks, and tells from now on."""
        for kind in tuple(self._told):
            self._tell(kind, None)

    def _tell(self, kind: AlarmKind, why: str | None) -> None:
        (self._told.discard if why is None else self._told.add)(kind)
        self._on_state(kind, SUBJECT, why)

    def _found(self) -> tuple[str | None, str | None]:
        now = self._registry.now()
        return (
            self._words(REVIEWS, 0, now, "to be looked at again", "reviews"),
            self._words(ENDS, now, now, "ending", "ends"),
        )

    def _words(self, dates: tuple[str, ...], since: int, now: int, what: str, report: str) -> str | None:
        """Return what is to be said of the facts that have such a date soon; None: there is none."""
        with self._registry.reading() as known:
            found = due(known, dates, now + NEAR_DAYS * DAY, (since, 0), now, MAX_COUNTED)
        if not found:
            return None
        first = found[0]
        count = f"{len(found)}{' or more' if len(found) == MAX_COUNTED else ''}"
        return (
            f"{count} {what} within {NEAR_DAYS} days, the first on {format_utc(first.at)}"
            f" ({about(first.found.fact)}): touchstone registry report {report} --days {NEAR_DAYS}"
        )
