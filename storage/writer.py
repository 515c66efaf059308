"""
Group commit: one thread that takes every write that waits, and hands them to its engine as one batch.

The engine's `commit(batch)` runs the jobs in one database transaction and says how many, from the first, are
durable now; the rest stay for the next batch. A job whose own function failed has its `error` set and is durable
as "undone". `commit` raises where the transaction as a whole failed; nobody of the batch is acknowledged then.
"""

import asyncio
import contextlib
import itertools
import logging
import operator
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from storage.database import DatabaseUnavailable, Transaction, WriterStats

T = TypeVar("T")

LOG = logging.getLogger("touchstone.storage")

MAX_BATCH = 512  # functions per transaction
BATCH_SECONDS = 0.05  # seconds; an engine ends a batch after that, so that other processes get their turn


class Job(msgspec.Struct):
    """One caller's work. The writer thread fills `result` or `error`; `loop` alone touches `future`."""

    fn: Callable[[Transaction], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class Writer:
    """
    The writer thread of one engine.

    Args:
        commit: see above; runs on the writer thread only.
        on_idle: called on the writer thread after each batch.
        max_batch: functions per transaction.
    """

    def __init__(
        self,
        commit: Callable[[list[Job]], int],
        *,
        stats: WriterStats,
        on_idle: Callable[[], None] = lambda: None,
        max_batch: int = MAX_BATCH,
    ) -> None:
        self._commit = commit
        self._stats = stats
        self._on_idle = on_idle
        self._max_batch = max_batch
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._left: list[Job] = []  # Taken, and not yet in a transaction; of the writer thread.
        self._is_closed = False
        self._closing = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    async def write(self, fn: Callable[[Transaction], T]) -> T:
        """
        Run `fn` in its turn; return its result once it is durable.

        Raises:
            DatabaseUnavailable: the writer is closed, or the transaction failed.
        """
        loop = asyncio.get_running_loop()
        job = Job(fn, loop, loop.create_future())
        with self._closing:
            if self._is_closed:
                raise DatabaseUnavailable("the database is closed", headers={"retry-after": "5"})
            self._queue.put(job)
        result: T = await job.future
        return result

    def close(self) -> None:
        """Finish the writes taken so far, then end the thread. Idempotent."""
        with self._closing:
            if not self._is_closed:
                self._is_closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        is_open = True
        while is_open or self._left:
            is_open = self._take(wait=is_open and not self._left) and is_open
            if self._left:
                self._commit_some()
                self._on_idle()

    def _take(self, *, wait: bool) -> bool:
        """Move what is queued to `_left`, up to a batch; where nothing is there, `wait`. False: closed."""
        try:
            while len(self._left) < self._max_batch:
                job = self._queue.get(block=wait)
                if job is None:
                    return False
                self._left.append(job)
                wait = False
        except queue.Empty:
            pass
        return True

    def _commit_some(self) -> None:
        batch = self._left
        try:
            done = self._commit(batch)
            self._stats.commits += 1
            self._stats.writes += done
            self._stats.largest_batch = max(self._stats.largest_batch, done)
        except DatabaseUnavailable as error:
            LOG.error("a batch of %d writes failed: %s", len(batch), error)  # noqa: TRY400 (told in full)
            done = self._refuse(batch, error)
        except Exception:  # A slip of the engine must not end the thread that every write needs.
            LOG.exception("a batch of %d writes failed", len(batch))
            reason = "the write failed; whether it happened is unknown, retry with the same key"
            done = self._refuse(batch, DatabaseUnavailable(reason, headers={"retry-after": "1"}))
        self._left = batch[done:]
        tell(batch[:done])

    @staticmethod
    def _refuse(batch: list[Job], error: DatabaseUnavailable) -> int:
        for job in batch:
            job.error = error
        return len(batch)


def tell(batch: list[Job]) -> None:
    """Wake the callers of `batch`, each event loop once: waking a loop is a system call."""
    for loop, jobs in itertools.groupby(batch, operator.attrgetter("loop")):
        with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits any more.
            loop.call_soon_threadsafe(_deliver, list(jobs))


def _deliver(jobs: list[Job]) -> None:
    """Runs on the event loop of `jobs`; a future that is done was cancelled by its caller."""
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(_raisable(job.error))
        else:
            job.future.set_result(job.result)


def _raisable(error: BaseException) -> BaseException:
    """Return what a future can hold: a StopIteration would end whatever awaits it as if all were well."""
    if isinstance(error, StopIteration):
        wrapped = RuntimeError("a function raised StopIteration")
        wrapped.__cause__ = error
        return wrapped
    return error
