"""
Whether this process holds a lease, for all who ask on its event loop. Service.

To ask the lease may hang with the database. So one asks, on a thread of its own, and everybody has its answer.
"""

import asyncio
import time
from collections.abc import Callable

from storage.database import Lease
from storage.threads import Threads

ANSWER_SECONDS = 5.0  # seconds; who has no answer by then holds nothing


class Leadership:
    """
    One process's claim to `lease`.

    Args:
        timer: monotonic seconds.
    """

    def __init__(self, lease: Lease, *, timer: Callable[[], float] = time.monotonic) -> None:
        self._lease = lease
        self._timer = timer
        self._thread = Threads("lease", 1)
        self._asking: asyncio.Future[bool] | None = None
        self._asked_at = 0.0

    async def holds(self) -> bool:
        """Take the lease if it is free; tell whether it is ours. False where nobody answers in time."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.wrap_future(self._thread.submit(self._lease.hold))
            self._asked_at = self._timer()
        asking = self._asking
        left = self._asked_at + ANSWER_SECONDS - self._timer()
        await asyncio.wait([asking], timeout=max(0.0, left))
        return asking.done() and asking.result()

    async def end(self) -> None:
        """Give the lease back, unless the lease does not answer; it then goes with the process."""
        self._thread.seconds = ANSWER_SECONDS
        if await asyncio.to_thread(self._thread.close):
            await asyncio.to_thread(self._lease.release)
