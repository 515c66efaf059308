"""
Runs cases against targets and says what happened: failures with their input, the dearest case, cases per second.
"""

import gc
import hashlib
import signal
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import FrameType

import msgspec

from tests.fuzz.structures import maker
from tests.fuzz.targets import TARGETS, Target

HANG_SECONDS = 1.0
_REPEATS = 3  # a case over its CPU bound is run again: only what is slow each time is slow


class Failure(msgspec.Struct, frozen=True):
    """A case whose answer was wrong, and what was wrong with it."""

    target: str
    case: bytes
    reason: str


class Report(msgspec.Struct):
    """What a run found; `worst_ms` is the CPU of the dearest case of each target, oracle included."""

    cases: int = 0
    seconds: float = 0.0
    failures: list[Failure] = []
    worst_ms: dict[str, float] = {}
    counts: dict[str, int] = {}
    worst: dict[str, bytes] = {}


class Hang(Exception):
    """A case was at it for longer than `HANG_SECONDS`."""


def run(cases: int, *, seed: int, names: tuple[str, ...] = tuple(TARGETS), max_failures: int = 20) -> Report:
    """Run `cases` cases, drawn among `names` by their shares; the same seed gives the same cases."""
    random, report = Random(seed), Report()
    makers = {name: maker(name, Random(f"{seed} {name}")) for name in names}
    shares = [TARGETS[name].share for name in names]
    began = time.perf_counter()
    for name in random.choices(names, shares, k=cases):
        run_case(name, TARGETS[name], makers[name](), report)
        if len(report.failures) >= max_failures:
            break
    report.seconds = time.perf_counter() - began
    return report


def run_case(name: str, target: Target, case: bytes, report: Report) -> None:
    """Run one case, and write down what is wrong and what it cost."""
    report.cases += 1
    report.counts[name] = report.counts.get(name, 0) + 1
    reason, spent_ms = _checked(target, case)
    for _ in range(_REPEATS):
        if reason or spent_ms <= target.max_ms:
            break
        reason, again_ms = _checked(target, case)
        spent_ms = min(spent_ms, again_ms)
    if not reason and spent_ms > target.max_ms:
        reason = f"{spent_ms:.1f} ms of CPU; allowed are {target.max_ms:g}"
    if spent_ms > report.worst_ms.get(name, 0.0):
        report.worst_ms[name], report.worst[name] = spent_ms, case
    if reason:
        report.failures.append(Failure(name, case, reason))


def _checked(target: Target, case: bytes) -> tuple[str, float]:
    """Return what is wrong, "" where nothing is, and the CPU milliseconds."""
    began = time.thread_time()
    try:
        with _no_longer_than(HANG_SECONDS):
            target.check(case)
        reason = ""
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error)[:300]}"
    return reason, (time.thread_time() - began) * 1_000


@contextmanager
def _no_longer_than(cpu_seconds: float) -> Iterator[None]:
    """Raise `Hang` in the block after so many seconds of this process's CPU: a busy machine is no hang."""

    def stop(_: int, __: FrameType | None) -> None:
        raise Hang(f"over {cpu_seconds:g} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def keep(failure: Failure, directory: Path) -> Path:
    """Write the case of a failure to a file named by its target and content; return its path."""
    path = directory / failure.target / f"{hash_of(failure.case)}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(failure.case)
    return path


def hash_of(case: bytes) -> str:
    """Return a short name for a case."""
    return hashlib.sha256(case).hexdigest()[:12]


def resident_bytes() -> int:
    """Return the resident memory of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4_096


def traced_growth(cases: int, *, seed: int, by: Callable[[int, int], object] | None = None) -> int:
    """
    Return by how many bytes the traced memory grew over `cases` cases that were all run once before.

    So caches are full of what was traced, and every module is loaded: what grows now grows with every case. `by`
    runs them (`run`).
    """
    ran = by or (lambda cases, seed: run(cases, seed=seed))
    tracemalloc.start()
    try:
        ran(cases, seed)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        ran(cases, seed)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
