"""
Sealed rows pushed to a collector: in the order of their positions, and each at least once. Service.

A batch is lines as an export has them (`views.py`). What the collector acknowledged, with a status of 200 to 299,
is a row; after a crash between the two a batch comes again. So a collector keeps rows by position and digest. A
position that comes with another digest is of a past that was rewritten, or of a restored database.

The network, the address and the credential are the composition root's.
"""

import logging
import time
from collections.abc import Awaitable, Callable

from operators.alarms.model import AlarmKind, OnState
from operators.audit import store
from operators.audit.views import encode_line, line_of
from storage import Database, Transaction
from storage.sealing import Page, Wanted, read_page

LOG = logging.getLogger("touchstone.audit")

MAX_BATCH_ROWS = 500  # rows; their details have 1 MiB at most (`storage.sealing`), or there is one row
FIRST_RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 60.0
TOLD_AFTER_SECONDS = 60.0  # seconds of failing until there is an alarm: a collector may be restarted


class PushFailed(Exception):
    """The collector did not take a batch; the message is for operators, and has no secret."""


Post = Callable[[bytes], Awaitable[None]]  # sends lines; raises PushFailed


class Pusher:
    """
    `waiting` counts sealed rows that were not acknowledged, `failures` pushes that failed.

    Args:
        collector: names the collector in rows and alarms; another name is another collector, which has nothing yet.
        post: sends a batch.
        clock: seconds since 1970.
        timer: monotonic seconds.
        on_state: told when rows have not been taken for a minute, and when they are again.
    """

    def __init__(
        self,
        database: Database,
        *,
        collector: str,
        post: Post,
        clock: Callable[[], float],
        timer: Callable[[], float] = time.monotonic,
        on_state: OnState,
    ) -> None:
        self._database = database
        self._collector = collector
        self._post = post
        self._clock = clock
        self._timer = timer
        self._on_state = on_state
        self.waiting = 0
        self.failures = 0
        self._reached: int | None = (
            None  # What the collector acknowledged to this process; None: not known yet.
        )
        self._beyond: str | None = None  # What is wrong with the row that says how far the collector is.
        self._failing_since: float | None = None
        self._retry_seconds = 0.0
        self._push_at = 0.0
        self._is_told = False

    async def step(self) -> None:
        """
        Push what is sealed and not acknowledged, unless the last attempt failed just now.

        Raises:
            DatabaseUnavailable: the rows cannot be read, or what was acknowledged not be written.
        """
        while self._timer() >= self._push_at:
            page = await self._due()
            if not page.rows:
                return
            try:
                await self._post(b"".join(encode_line(line_of(row)) for row in page.rows))
            except PushFailed as error:
                self._note_failed(str(error))
                return
            await self._acknowledged(page.rows[-1].position)

    def leave(self) -> None:
        """Another process pushes, and tells from now on."""
        self.waiting = 0
        self._failing_since = self._reached = self._beyond = None
        self._tell(None)

    async def _due(self) -> Page:
        """Return what comes next; the row is read once, since somebody could move it past rows that wait."""

        def read(tx: Transaction) -> tuple[Page, int]:
            stored = store.pushed_to(tx, self._collector)
            after = stored if self._reached is None else self._reached
            return read_page(tx, Wanted(), after=after, limit=MAX_BATCH_ROWS), stored

        page, stored = await self._database.read(read)
        self._reached = min(stored, page.head) if self._reached is None else self._reached
        self.waiting = page.head - self._reached
        self._note_beyond(stored, page.head)
        return page

    def _note_beyond(self, stored: int, head: int) -> None:
        before, self._beyond = self._beyond, None
        if stored > head:
            self._beyond = (
                f"the database says that the collector has row {stored}, and the last one is {head}"
            )
        if self._beyond != before:
            self._tell(self._beyond)

    async def _acknowledged(self, position: int) -> None:
        at = int(self._clock() * 1_000_000)
        await self._database.write(lambda tx: store.put_pushed(tx, self._collector, position, at))
        self._reached = position
        self._failing_since, self._retry_seconds = None, 0.0
        self._tell(self._beyond)

    def _note_failed(self, reason: str) -> None:
        now = self._timer()
        self.failures += 1
        self._failing_since = now if self._failing_since is None else self._failing_since
        self._retry_seconds = min(MAX_RETRY_SECONDS, 2 * self._retry_seconds or FIRST_RETRY_SECONDS)
        self._push_at = now + self._retry_seconds
        if now - self._failing_since >= TOLD_AFTER_SECONDS:
            self._tell(f"{self.waiting} rows wait: {reason}")

    def _tell(self, reason: str | None) -> None:
        if reason is not None or self._is_told:
            self._on_state(AlarmKind.AUDIT_NOT_PUSHED, self._collector, reason)
        self._is_told = reason is not None
