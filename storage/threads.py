"""
Threads that may hang: whoever waits for their work waits for so long and no longer. Service.

They are daemons, unlike those of a `ThreadPoolExecutor`: one that a stopped database holds up does not keep the
process from ending.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from storage.database import DatabaseUnavailable

T = TypeVar("T")

Work = tuple[Future[Any], Callable[[], Any]]


class Threads:
    """
    Up to `count` threads, begun as they are needed; work is taken in the order of its coming.

    Attributes:
        seconds: how long a caller of `run`, or of `close`, waits; None: for ever.
    """

    def __init__(self, name: str, count: int) -> None:
        self.seconds: float | None = None
        self._name = name
        self._count = count
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """
        Have `work` done; a future that is cancelled before it has begun takes it back.

        Raises:
            DatabaseUnavailable: these threads are closed.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._is_closed:
                raise DatabaseUnavailable("the database is closed", headers={"retry-after": "5"})
            self._queue.put((future, work))
            if not self._idle.acquire(blocking=False) and len(self._threads) < self._count:
                self._begin()
        return future

    async def run(self, work: Callable[[], T]) -> T:
        """
        Return what `work` returns.

        Raises:
            DatabaseUnavailable: `seconds` are over, or these threads are closed. What has not begun never happens.
        """
        future = asyncio.wrap_future(self.submit(work))
        try:
            async with asyncio.timeout(self.seconds) as deadline:
                return await future
        except TimeoutError:
            if not deadline.expired():
                raise
            reason = "the database is busy or hangs; nothing was read, try again"
            raise DatabaseUnavailable(reason, headers={"retry-after": "1"}) from None

    def close(self) -> bool:
        """
        Finish what was taken, then end. Idempotent.

        Returns False where `seconds` are over and a thread hangs: what it uses may not be closed then.
        """
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                for _ in self._threads:
                    self._queue.put(None)
        until = None if self.seconds is None else time.monotonic() + self.seconds
        for thread in self._threads:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _begin(self) -> None:
        name = f"{self._name}-{len(self._threads)}"
        thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _work(self) -> None:
        while (taken := self._queue.get()) is not None:
            _do(*taken)
            del taken  # What it held is not kept until the next comes.
            self._idle.release()


async def run_aside(work: Callable[[], T]) -> T:
    """Return what `work` returns, done by a thread of its own; it goes on where nobody waits for it any longer."""
    future: Future[T] = Future()
    threading.Thread(target=_do, args=(future, work), name="aside", daemon=True).start()
    return await asyncio.wrap_future(future)


def _do(future: Future[Any], work: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
