"""
Is every audit row sealed, or about to be? What is not is in no export, and under no anchor. Service.

Two things may go wrong past the rules of the database: a row is taken off the list of those that wait, and is never
sealed; or a row waits, and is not sealed, since it cannot be read or the sealing does not go on.
"""

import time
from collections.abc import Callable
from functools import partial

from operators.alarms.model import AlarmKind, OnState
from storage import Database
from storage.sealing import oldest_waiting, unsettled

LOOK_EVERY_SECONDS = 60.0  # monotonic seconds between two looks for rows that nobody will seal
ROWS_AT_ONCE = 2_000  # rows looked at in one transaction
TOLD_AFTER_SECONDS = 60.0  # seconds that a row waits until there is an alarm; it should be half of one
SUBJECT = "audit rows"  # of alarms
NAMED = 5  # rows


class SealWatch:
    """
    `waiting_seconds`: for how long the oldest row that waits has been seen to wait; 0: none does.

    Args:
        timer: monotonic seconds; times of rows are those of whoever wrote them.
        on_state: told of rows that are not sealed.
    """

    def __init__(
        self, database: Database, *, timer: Callable[[], float] = time.monotonic, on_state: OnState
    ) -> None:
        self.waiting_seconds = 0.0
        self._database = database
        self._timer = timer
        self._on_state = on_state
        self._oldest: int | None = None
        self._since = 0.0
        self._settled = 0  # Every row up to this id is sealed; a seal is final.
        self._lost: list[int] = []
        self._look_at = 0.0
        self._is_told = False

    async def step(self) -> None:
        """
        Look at the oldest row that waits, and once a minute for rows that neither wait nor are sealed.

        Raises:
            DatabaseUnavailable: the rows cannot be read.
        """
        oldest = await self._database.read(oldest_waiting)
        if oldest != self._oldest:
            self._oldest, self._since = oldest, self._timer()
        self.waiting_seconds = 0.0 if oldest is None else self._timer() - self._since
        if self._timer() >= self._look_at:
            self._look_at = self._timer() + LOOK_EVERY_SECONDS
            await self._look()
        self._tell(self._fault())

    def leave(self) -> None:
        """Another process seals, and tells from now on."""
        self.waiting_seconds, self._oldest, self._settled = 0.0, None, 0
        self._tell(None)

    async def _look(self) -> None:
        self._lost, last = await never_sealed(self._database, self._settled)
        oldest = await self._database.read(
            oldest_waiting
        )  # After it: what came meanwhile is looked at again.
        before = [found for found in (oldest, *self._lost) if found is not None]
        self._settled = min([last, *(found - 1 for found in before)])

    def _fault(self) -> str | None:
        if self._lost:
            return f"audit rows are neither sealed nor wait for it: {named(self._lost)}"
        if self.waiting_seconds >= TOLD_AFTER_SECONDS:
            return f"the audit row with the id {self._oldest} is not sealed, for more than a minute"
        return None

    def _tell(self, fault: str | None) -> None:
        if fault is not None or self._is_told:
            self._on_state(AlarmKind.AUDIT_BROKEN, SUBJECT, fault)
        self._is_told = fault is not None


async def never_sealed(database: Database, after: int = 0) -> tuple[list[int], int]:
    """
    Return the ids beyond `after` of rows that are neither sealed nor wait, and the last id that was looked at.

    Raises:
        DatabaseUnavailable: the rows cannot be read.
    """
    lost: list[int] = []
    while True:
        last, found = await database.read(partial(unsettled, after=after, limit=ROWS_AT_ONCE))
        lost += found
        if last == after:
            return lost, last
        after = last


def named(ids: list[int]) -> str:
    """Name a few rows by their ids, and say how many there are."""
    return f"{', '.join(map(str, ids[:NAMED]))} ({len(ids)} in all)"
