"""
Work that no request waits for: publishing, seeing changes of other processes, forgetting old keys.

Each task runs until `stop`; one that ends or fails is seen in `is_running`, hence in `/readyz`.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine

from registry.registry import Registry
from resolver.fetch import Guard
from statuslist.publisher import Publisher
from storage import Database, forget_before

LOG = logging.getLogger("touchstone.background")

POLL_SECONDS = 0.25  # how soon another process's registry import is seen; house decision 12
FORGET_EVERY_SECONDS = 600.0  # seconds between two sweeps of idempotency rows
IDEMPOTENCY_SECONDS = 86_400  # seconds that a key is remembered
RETRY_SECONDS = 1.0  # seconds after a step that failed


class Background:
    """The background tasks of one process."""

    def __init__(self, database: Database, publisher: Publisher, registry: Registry, guard: Guard) -> None:
        self._database = database
        self._publisher = publisher
        self._registry = registry
        self._guard = guard
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def is_running(self) -> bool:
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    async def start(self) -> None:
        """Load what is served from memory, then start the tasks."""
        await self._publisher.load()
        await self._publisher.publish_dirty()
        await self._registry.load()
        work: list[Coroutine[None, None, None]] = [
            self._publisher.run(),
            _repeat(self._refresh_registry, POLL_SECONDS),
            _repeat(self._forget, FORGET_EVERY_SECONDS),
        ]
        self._tasks = [asyncio.create_task(coroutine) for coroutine in work]

    async def stop(self) -> None:
        """Stop the tasks and wait for them, then close the outbound connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._guard.aclose()

    async def _refresh_registry(self) -> None:
        await self._registry.refresh()

    async def _forget(self) -> None:
        before = int((time.time() - IDEMPOTENCY_SECONDS) * 1_000_000)
        await self._database.write(lambda tx: forget_before(tx, before))


async def _repeat(step: Callable[[], Coroutine[None, None, None]], seconds: float) -> None:
    """Run `step` for ever, `seconds` apart; a failure is logged, and the next turn comes."""
    while True:
        try:
            await step()
        except Exception:
            LOG.exception("a background step failed")
            await asyncio.sleep(RETRY_SECONDS)
        await asyncio.sleep(seconds)
