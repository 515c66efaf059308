"""
One thread for calls that may hang, or that only one thread may make. Service.

It is a daemon, unlike that of a `ThreadPoolExecutor`: a call that never returns does not keep the process from
ending.
"""

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

Work = tuple[Future[Any], Callable[[], Any]]


class OneThread:
    """A thread, begun with the first call of a process: a child that was forked begins its own."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()  # Guards the three below.
        self._process = 0
        self._queue: queue.SimpleQueue[Work] = queue.SimpleQueue()
        self._hanging: Future[Any] | None = None  # what was not waited for any longer, and may still go on

    def call(self, work: Callable[[], T], *, seconds: float) -> T:
        """
        Return what `work` returns, or raise what it raises; calls are made in the order of their coming.

        Raises:
            TimeoutError: `seconds` are over, or a call hangs for which somebody has waited his time already. What
                has not begun never happens; what has begun goes on.
        """
        future: Future[T] = Future()
        self._take(future, work)
        try:
            return future.result(seconds)
        except TimeoutError:
            if not future.cancel():
                with self._lock:
                    self._hanging = future
            raise

    def _take(self, future: Future[T], work: Callable[[], T]) -> None:
        with self._lock:
            if self._process != os.getpid():
                self._begin()
            if self._hanging is not None and not self._hanging.done():
                raise TimeoutError
            self._queue.put((future, work))

    def _begin(self) -> None:
        self._process, self._queue, self._hanging = os.getpid(), queue.SimpleQueue(), None
        threading.Thread(target=_work, args=(self._queue,), name=self._name, daemon=True).start()


def _work(waiting: "queue.SimpleQueue[Work]") -> None:
    while True:
        _do(*waiting.get())


def _do(future: Future[Any], work: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
