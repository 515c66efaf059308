"""
One node: a supervisor, one background process and N workers, forked from it.

The supervisor forks before anything has a thread; it serves nothing and knows no database. The background process
publishes, seals and sweeps while the lease is its own; workers answer. All workers accept from the same sockets,
so a connection that waits is taken by another when a worker dies. A single worker does the background work too: one
process less is what whoever asks for one worker wants.

- A child that dies is started anew; its lock, lease and connections go with it. `server.vitals.watchdog` says when.
- A child that does not answer is killed (one that was stopped dies of SIGKILL only); one whose database has
  failed is asked to finish (SIGUSR1: the node stays, and so does readiness), and killed when its time is up.
- SIGTERM or SIGINT: every child drains (`server.node.process`); who has not ended when its time is up is killed.
- Should the supervisor itself be killed, each child sees the end of a pipe, and drains; the kernel ends one that
  has not ended when its time is up.
"""

import contextlib
import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

import msgspec

from server.node.process import REPLACE, Sockets
from server.settings import Settings
from server.share import Share
from server.telemetry.board import Board
from server.telemetry.heartbeats import Heartbeats
from server.vitals.watchdog import START_SECONDS, Fault, Watchdog

LOG = logging.getLogger("touchstone.supervisor")

LOOK_SECONDS = 1.0  # between two looks at the heartbeats
TERM_SECONDS = 1.0  # from SIGTERM to SIGKILL for a child that does not answer
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
EXTRA_SECONDS = 5.0  # a child's time beyond its own, before it is killed


class _Child(msgspec.Struct):
    """A process: its slot (0 does the background work), and, once it is to end, why and when it is killed."""

    slot: int
    reason: str | None = None
    kill_at: float = 0.0


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
        self._slots = range(workers + 1 if workers > 1 else 1)
        self._board = Board(len(self._slots))
        self._beats = Heartbeats(len(self._slots))
        self._watchdog = Watchdog()
        self._children: dict[int, _Child] = {}  # by process id
        self._missing: dict[int, str] = {}  # slot -> why its process ended; to be started anew
        self._is_stopping = False
        self._lifeline, self._held = os.pipe()  # children have the first end, only we the second

    def supervise(self) -> int:
        """Start all, keep all running until a signal says stop; return the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGALRM, self._on_late)
        for slots in filter(
            len, (self._slots[:1], self._slots[1:])
        ):  # The background process publishes first.
            seconds = None if slots[0] == 0 else START_SECONDS  # The first one may have to migrate.
            if not all(_is_ready(pipe, seconds) for pipe in [self._start(slot) for slot in slots]):
                code = 0 if self._is_stopping else 1
                self._stop()
                self._wait()
                return code
        if not self._is_stopping:
            self._on_ready()
        self._wait()
        return 0

    def _wait(self) -> None:
        """Wait for children to end; replace those that were not asked to, and those that do badly."""
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD,))  # So that it ends the wait for it.
        while self._children or (self._missing and not self._is_stopping):
            self._reap()
            if not self._is_stopping:
                self._start_missing()
                self._watch()
            if self._children or self._missing:
                signal.sigtimedwait((signal.SIGCHLD,), LOOK_SECONDS)

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            child = self._children.pop(pid, None)
            if child is not None and not self._is_stopping:
                code = os.waitstatus_to_exitcode(status)
                LOG.error("process %d ended with %d; starting it anew", pid, code)
                self._missing[child.slot] = child.reason or f"it ended with {code}"

    def _start_missing(self) -> None:
        for slot, reason in list(self._missing.items()):
            if self._watchdog.due_at(slot) <= time.monotonic():
                del self._missing[slot]
                self._beats.count_replaced()
                os.close(self._start(slot, replaces=reason))

    def _watch(self) -> None:
        """End who does badly, and kill who was to end and has not."""
        now = time.monotonic()
        living = {child.slot: pid for pid, child in self._children.items() if child.reason is None}
        for slot, fault in self._watchdog.faults(
            {slot: self._beats.of(slot) for slot in living}, now
        ).items():
            self._end(living[slot], fault, now)
        for pid, child in self._children.items():
            if child.reason is not None and now >= child.kill_at:
                self._signal(pid, signal.SIGKILL)

    def _end(self, pid: int, fault: Fault, now: float) -> None:
        LOG.error("process %d is replaced: %s", pid, fault.reason)
        patience = self._settings.shutdown_timeout_seconds + EXTRA_SECONDS if fault.answers else TERM_SECONDS
        child = self._children[pid]
        child.reason, child.kill_at = fault.reason, now + patience
        self._signal(pid, REPLACE if fault.answers else signal.SIGTERM)

    def _start(self, slot: int, replaces: str | None = None) -> int:
        """
        Fork the child of a slot; return a descriptor on which it writes when it is ready.

        Signals wait until the child is known to us, and until it has handlers of its own: none may miss it, and
        none may find it with ours.
        """
        ready, tell = os.pipe()
        self._watchdog.started(slot, time.monotonic())
        self._beats.clear(slot)
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
            self._be_child(slot, tell, replaces)
        self._children[pid] = _Child(slot)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        os.close(tell)
        return ready

    def _be_child(self, slot: int, tell: int, replaces: str | None) -> NoReturn:
        """Run as a child, and end this process whatever happens."""
        code = 1
        try:
            os.close(self._held)
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (*_SIGNALS, signal.SIGCHLD))
            threading.Thread(target=self._end_with_supervisor, daemon=True).start()
            share = Share(
                workers=self._workers,
                leads=slot == 0,
                serves=slot == self._slots[-1] or slot > 0,
                slot=slot,
                board=self._board,
                beats=self._beats,
                replaces=replaces,
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

    def _end_with_supervisor(self) -> None:
        """
        In a child: once the supervisor is gone, do what it would do.

        In a thread, so that a child is heeded that starts yet, or is held up.
        """
        os.read(self._lifeline, 1)  # Nobody writes: it returns at the pipe's end.
        self._alarm_when_late()  # With nobody to handle it, the signal ends the process.
        os.kill(os.getpid(), signal.SIGTERM)

    def _on_stop(self, *_: object) -> None:
        if not self._is_stopping:
            self._stop()

    def _stop(self) -> None:
        self._is_stopping = True
        self._signal_all(signal.SIGTERM)
        self._alarm_when_late()

    def _alarm_when_late(self) -> None:
        patience = self._settings.drain_delay + self._settings.shutdown_timeout_seconds
        signal.setitimer(signal.ITIMER_REAL, patience + EXTRA_SECONDS)

    def _on_late(self, *_: object) -> None:
        LOG.error("%d processes did not end in time; killing them", len(self._children))
        self._signal_all(signal.SIGKILL)

    def _signal_all(self, number: signal.Signals) -> None:
        for pid in list(self._children):
            self._signal(pid, number)

    @staticmethod
    def _signal(pid: int, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _tell(descriptor: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # Nobody waits for a child that was started anew.
        os.write(descriptor, b"1")
    os.close(descriptor)


def _is_ready(descriptor: int, seconds: float | None) -> bool:
    """Wait until a child is ready, or has ended without; one that takes longer is left to the watchdog."""
    with os.fdopen(descriptor, "rb") as pipe:
        is_told, _, _ = select.select([pipe], [], [], seconds)
        return not is_told or pipe.read(1) == b"1"
