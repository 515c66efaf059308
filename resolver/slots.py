"""
How many fetches may be under way: of all hosts, and of one. Used on one event loop.
"""

import asyncio
from weakref import WeakValueDictionary

from resolver.fetch_errors import OutboundBudgetExceeded


class Slots:
    """
    Who may have a fetch under way. A host's semaphore lives as long as somebody holds or awaits it.

    Args:
        concurrent, concurrent_per_host: how many.
        wait_seconds: how long one waits for a slot.
    """

    def __init__(self, *, concurrent: int, concurrent_per_host: int, wait_seconds: float) -> None:
        self._wait_seconds = wait_seconds
        self._all = asyncio.Semaphore(concurrent)
        self._per_host = concurrent_per_host
        self._hosts: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def hold(self, host: str) -> "_Slot":
        """
        Hold a slot of the host's, then one of all hosts', for the `async with` block.

        Raises:
            OutboundBudgetExceeded: none was free for `wait_seconds`; on entering.
        """
        of_host = self._hosts.get(host)
        if of_host is None:
            self._hosts[host] = of_host = asyncio.Semaphore(self._per_host)
        return _Slot(of_host, self._all, self._wait_seconds)


class _Slot:
    """A slot of a host and one of all, taken and given back together."""

    def __init__(self, of_host: asyncio.Semaphore, of_all: asyncio.Semaphore, wait_seconds: float) -> None:
        self._of_host = of_host
        self._of_all = of_all
        self._wait_seconds = wait_seconds

    async def __aenter__(self) -> None:
        if not self._of_host.locked() and not self._of_all.locked():
            await self._take()  # At once: a deadline would cost more than the rest.
            return
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._take()
        except TimeoutError:
            raise OutboundBudgetExceeded(
                "too many requests to origins are under way", retry_after_seconds=self._wait_seconds
            ) from None

    async def __aexit__(self, *_: object) -> None:
        self._of_all.release()
        self._of_host.release()

    async def _take(self) -> None:
        await self._of_host.acquire()
        try:
            await self._of_all.acquire()
        except BaseException:
            self._of_host.release()
            raise
