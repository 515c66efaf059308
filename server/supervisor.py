"""
One node of several processes: a supervisor, one background process and N workers, forked from it.

The supervisor forks before anything has a thread; it serves nothing and knows no database. The background process
publishes, seals and sweeps while the lease is its own; workers answer. All workers accept from the same sockets,
so a connection that waits is taken by another when a worker dies.

- A child that dies is started anew, after `RESTART_SECONDS` at the most; its lease and its connections go with it.
- SIGTERM or SIGINT: every child drains (`server.run`); who has not ended when its time is up is killed.
- Should the supervisor itself be killed, each child sees the end of a pipe, and drains.
"""

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import NoReturn

from server.board import Board
from server.run import Sockets
from server.settings import Settings
from server.share import Share

LOG = logging.getLogger("touchstone.supervisor")

RESTART_SECONDS = 1.0  # between two starts of the same child
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
EXTRA_SECONDS = 5.0  # a child's time beyond its own, before it is killed


RunChild = Callable[[Share, Sockets, Callable[[], None]], None]


class Supervisor:
    """
    Args:
        run: what a child does: serve until told to stop, having called the function when it is ready.
        on_ready: called once, when every child is ready.
    """

    def __init__(
        self, settings: Settings, sockets: Sockets, workers: int, run: RunChild, on_ready: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._sockets = sockets
        self._workers = workers
        self._run = run
        self._on_ready = on_ready
        self._board = Board(workers + 1)
        self._children: dict[int, int] = {}  # process id -> slot; slot 0 is the background process
        self._started_at: dict[int, float] = {}
        self._is_stopping = False
        self._lifeline, self._held = os.pipe()  # children have the first end, only we the second

    def supervise(self) -> int:
        """Start all, keep all running until a signal says stop; return the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGALRM, self._on_late)
        for slots in ([0], list(range(1, self._workers + 1))):  # The background process publishes first.
            if not all(_is_ready(pipe) for pipe in [self._start(slot) for slot in slots]):
                code = 0 if self._is_stopping else 1
                self._stop()
                self._wait()
                return code
        if not self._is_stopping:
            self._on_ready()
        self._wait()
        return 0

    def _wait(self) -> None:
        """Wait for children to end; start those anew that were not asked to."""
        while self._children:
            pid, status = os.waitpid(-1, 0)
            slot = self._children.pop(pid, None)
            if slot is None or self._is_stopping:
                continue
            LOG.error("process %d ended with %d; starting it anew", pid, os.waitstatus_to_exitcode(status))
            time.sleep(max(0.0, self._started_at[slot] + RESTART_SECONDS - time.monotonic()))
            if not self._is_stopping:
                os.close(self._start(slot))

    def _start(self, slot: int) -> int:
        """
        Fork the child of a slot; return a descriptor on which it writes when it is ready.

        Signals wait until the child is known to us, and until it has handlers of its own: none may miss it, and
        none may find it with ours.
        """
        ready, tell = os.pipe()
        self._started_at[slot] = time.monotonic()
        sys.stdout.flush()
        sys.stderr.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        if self._is_stopping:  # Asked to stop just now: there is nothing to start any more.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            os.close(tell)
            return ready
        pid = os.fork()
        if pid == 0:
            os.close(ready)
            self._be_child(slot, tell)
        self._children[pid] = slot
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(tell)
        return ready

    def _be_child(self, slot: int, tell: int) -> NoReturn:
        """Run as a child, and end this process whatever happens."""
        code = 1
        try:
            os.close(self._held)
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            share = Share(
                workers=self._workers,
                leads=slot == 0,
                serves=slot > 0,
                slot=slot,
                board=self._board,
                parent=self._lifeline,
            )
            self._run(share, self._sockets, lambda: _tell(tell))
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        except BaseException:
            LOG.exception("a process failed")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _on_stop(self, *_: object) -> None:
        if not self._is_stopping:
            self._stop()

    def _stop(self) -> None:
        self._is_stopping = True
        self._signal_all(signal.SIGTERM)
        patience = self._settings.drain_delay_seconds + self._settings.shutdown_timeout_seconds
        signal.setitimer(signal.ITIMER_REAL, patience + EXTRA_SECONDS)

    def _on_late(self, *_: object) -> None:
        LOG.error("%d processes did not end in time; killing them", len(self._children))
        self._signal_all(signal.SIGKILL)

    def _signal_all(self, number: signal.Signals) -> None:
        for pid in list(self._children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _tell(descriptor: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # Nobody waits for a child that was started anew.
        os.write(descriptor, b"1")
    os.close(descriptor)


def _is_ready(descriptor: int) -> bool:
    """Wait until a child is ready, or has ended without."""
    with os.fdopen(descriptor, "rb") as pipe:
        return pipe.read(1) == b"1"
