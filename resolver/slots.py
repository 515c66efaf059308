"""
How many fetches may be under way: of all hosts, and of one. Used on one event loop.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from resolver.fetch_errors import OutboundBudgetExceeded


class Slots:
    """Who may have a fetch under way. A host's semaphore lives as long as somebody holds or awaits it."""

    def __init__(self, *, concurrent: int, concurrent_per_host: int, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._all = asyncio.Semaphore(concurrent)
        self._per_host = concurrent_per_host
        self._hosts: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def hold(self, host: str) -> AsyncIterator[None]:
        """
        Hold a slot of the host's, then one of all hosts'.

        Raises:
            OutboundBudgetExceeded: none was free for `wait_seconds`.
        """
        of_host = self._hosts.setdefault(host, asyncio.Semaphore(self._per_host))
        try:
            async with asyncio.timeout(self._wait_seconds) as waiting, of_host, self._all:
                waiting.reschedule(None)
                yield
        except TimeoutError:
            raise OutboundBudgetExceeded(
                "too many requests to origins are under way", retry_after_seconds=self._wait_seconds
            ) from None
