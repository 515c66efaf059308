"""
Group commit: one thread that takes every write that waits, and hands them to its engine as one batch.

The engine's `commit(batch)` runs the jobs in one database transaction and says how many, from the first, are
durable now; the rest stay for the next batch. A job whose own function failed has its `error` set and is durable
as "undone". `commit` raises where the transaction as a whole failed; nobody of the batch is acknowledged then.

The engine asks each job whether it may `begin`. A caller waits for `write_seconds`, whatever holds up the thread (a
lock of a process that was stopped, a disk that hangs): a job that has not begun by then is withdrawn, so that it
never happens; the outcome of one that has is unknown.
"""

import asyncio
import contextlib
import itertools
import logging
import operator
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from storage.database import DatabaseUnavailable, Together, Transaction, WriterStats

T = TypeVar("T")

LOG = logging.getLogger("touchstone.storage")

MAX_TOGETHER = 128  # jobs that are done in one; of a millisecond each they would hold a batch for long enough
MAX_BATCH = 512  # functions per transaction
CALL_SECONDS = 10.0  # seconds that a caller of a server waits, also for a read; tools wait for ever
UNKNOWN = "whether it happened is unknown, try again with the same idempotency key"
BATCH_SECONDS = 0.05  # seconds; an engine ends a batch after that, so that other processes get their turn


class Job(msgspec.Struct):
    """
    One caller's work. The writer thread fills `result` or `error`; `loop` alone touches `future`.

    `turn` has one element until the work has begun or is withdrawn: whoever pops it decides which. (`list.pop` is
    atomic, and a lock for each write would cost more.)
    """

    fn: Callable[[Transaction], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    turn: list[None] = msgspec.field(default_factory=lambda: [None])
    has_begun: bool = False
    result: Any = None
    error: BaseException | None = None

    def begin(self) -> bool:
        """Tell whether the work may run, on the writer thread; it may also run again."""
        self.has_begun = self.has_begun or self._take_turn()
        return self.has_begun

    def withdraw(self) -> bool:
        """Tell whether the work will never happen, on the event loop; False: it has begun."""
        if not self._take_turn():
            return False
        self.fn = _nothing  # What it held is not kept by a queue that stands still.
        return True

    def _take_turn(self) -> bool:
        try:
            self.turn.pop()
        except IndexError:
            return False
        return True


def _nothing(_: Transaction) -> None:
    """Stands for work that was withdrawn."""


def turns(batch: list[Job]) -> Iterator[list[Job]]:
    """Yield the jobs of a batch, those together that are done in one, in their order."""
    for _, alike in itertools.groupby(batch, _kind):
        jobs = list(alike)
        for first in range(0, len(jobs), MAX_TOGETHER):
            yield jobs[first : first + MAX_TOGETHER]


def _kind(job: Job) -> object:
    return job.fn.make if isinstance(job.fn, Together) else id(job)


def take_turn(
    jobs: list[Job], run: Callable[[Job], None], *, at_first: Callable[[Job], None] | None = None
) -> None:
    """
    Have what may begin of `jobs` run in one; where that fails each alone, so that its caller is told.

    Args:
        run: runs a job so that its failure undoes its own work only.
        at_first: runs the first job, or all in one; default: `run`.
    """
    begun = [job for job in jobs if job.begin()]
    first = at_first or run
    if len(begun) == 1:
        first(begun[0])
    elif begun and not _run_in_one(begun, first):
        for job in begun:
            run(job)


def _run_in_one(jobs: list[Job], run: Callable[[Job], None]) -> bool:
    together = [job.fn for job in jobs if isinstance(job.fn, Together)]
    items = [one.item for one in together]
    all_of_them = Job(lambda tx: together[0].make(tx, items), jobs[0].loop, jobs[0].future)
    run(all_of_them)
    if all_of_them.error is not None:
        return False
    for job, outcome in zip(jobs, all_of_them.result, strict=True):
        job.error = outcome if isinstance(outcome, Exception) else None
        job.result = outcome
    return True


class Writer:
    """
    The writer thread of one engine.

    Args:
        commit: see above; runs on the writer thread only.
        on_idle: called on the writer thread after each batch.
        max_batch: functions per transaction.

    Attributes:
        write_seconds: how long a caller waits; None: for ever.
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
        self.write_seconds: float | None = None
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
            DatabaseUnavailable: the writer is closed, the transaction failed, or `write_seconds` are over.
        """
        loop = asyncio.get_running_loop()
        job = Job(fn, loop, loop.create_future())
        with self._closing:
            if self._is_closed:
                raise DatabaseUnavailable("the database is closed", headers={"retry-after": "5"})
            self._queue.put(job)
        seconds = self.write_seconds
        deadline = loop.call_later(seconds, self._expire, job) if seconds is not None else None
        try:
            result: T = await job.future
        finally:
            if deadline is not None:
                deadline.cancel()
        return result

    def close(self) -> bool:
        """
        Finish the writes taken so far, then end the thread. Idempotent.

        Returns False where a deadline holds and the thread hangs: what it uses may not be closed then.
        """
        with self._closing:
            if not self._is_closed:
                self._is_closed = True
                self._queue.put(None)
        self._thread.join(self.write_seconds)
        return not self._thread.is_alive()

    def _expire(self, job: Job) -> None:
        """Runs on the event loop of `job`, when its time is over."""
        if job.future.done():
            return
        if job.withdraw():
            reason = "the database is busy or hangs; nothing was written, try again"
        else:
            reason = f"the write takes long; {UNKNOWN}"
        self._stats.failed(1)
        LOG.error("a write was given up after %.0f seconds: %s", self.write_seconds, reason)
        job.future.set_exception(DatabaseUnavailable(reason, headers={"retry-after": "1"}))

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
            self._stats.failing_since = None
            self._stats.commits += 1
            self._stats.writes += done
            self._stats.largest_batch = max(self._stats.largest_batch, done)
        except DatabaseUnavailable as error:
            LOG.error("a batch of %d writes failed: %s", len(batch), error)  # noqa: TRY400 (told in full)
            done = self._refuse(batch, error)
        except Exception:  # A slip of the engine must not end the thread that every write needs.
            LOG.exception("a batch of %d writes failed", len(batch))
            slip = DatabaseUnavailable(f"the write failed; {UNKNOWN}", headers={"retry-after": "1"})
            done = self._refuse(batch, slip)
        self._left = batch[done:]
        tell(batch[:done])

    def _refuse(self, batch: list[Job], error: DatabaseUnavailable) -> int:
        self._stats.failed(len(batch))
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
