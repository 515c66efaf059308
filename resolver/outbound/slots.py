"""
How many fetches may be under way: of all hosts, of one site, and of one host. Used on one event loop.
"""

import asyncio
from weakref import WeakValueDictionary

from resolver.outbound.budget import domain_of
from resolver.outbound.errors import OutboundBudgetExceeded


class Slots:
    """
    Who may have a fetch under way. A semaphore lives as long as somebody holds or awaits it.

    Args:
        concurrent, concurrent_per_site, concurrent_per_host: how many; a site is as of `budget.domain_of`.
        wait_seconds: how long one waits for a slot.
    """

    def __init__(
        self, *, concurrent: int, concurrent_per_site: int, concurrent_per_host: int, wait_seconds: float
    ) -> None:
        self._wait_seconds = wait_seconds
        self._all = asyncio.Semaphore(concurrent)
        self._sites = _Semaphores(concurrent_per_site)
        self._hosts = _Semaphores(concurrent_per_host)

    def hold(self, host: str) -> "_Slot":
        """
        Hold a slot of the host's, then one of its site's and one of all, for the `async with` block.

        Raises:
            OutboundBudgetExceeded: none was free for `wait_seconds`; on entering.
        """
        slots = (self._hosts.of(host), self._sites.of(domain_of(host)), self._all)
        return _Slot(slots, self._wait_seconds)


class _Semaphores:
    """A semaphore for each name that somebody holds or awaits one of."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._named: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    def of(self, name: str) -> asyncio.Semaphore:
        semaphore = self._named.get(name)
        if semaphore is None:
            self._named[name] = semaphore = asyncio.Semaphore(self._count)
        return semaphore


class _Slot:
    """Slots taken one by one and given back together; narrow ones first, since others wait for wide ones."""

    def __init__(self, slots: tuple[asyncio.Semaphore, ...], wait_seconds: float) -> None:
        self._slots = slots
        self._wait_seconds = wait_seconds

    async def __aenter__(self) -> None:
        if not any(slot.locked() for slot in self._slots):
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
        for slot in self._slots:
            slot.release()

    async def _take(self) -> None:
        taken: list[asyncio.Semaphore] = []
        try:
            for slot in self._slots:
                await slot.acquire()
                taken.append(slot)
        except BaseException:
            for slot in taken:
                slot.release()
            raise
