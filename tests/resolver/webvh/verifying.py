"""Verifies a log without a network: all of it, witnesses included, at a time of our choice."""

from typing import TypeVar

from resolver import Resolved
from resolver.did import parse_did
from resolver.results import DEFAULT_OPTIONS, Options
from resolver.webvh.finding import finding_of
from resolver.webvh.history import NOTHING, History, needs_witnesses, verified_history, witnessed_history
from resolver.webvh.limits import DEFAULT_LIMITS, LogLimits
from resolver.webvh.slices import Slices
from tests.resolver.webvh.logs import Log

NOW = 1_767_225_600  # 2026-01-01T00:00:00Z
T = TypeVar("T")


def run(slices: Slices[T]) -> T:
    while True:
        try:
            next(slices)
        except StopIteration as done:
            value: T = done.value
            return value


def verify(
    text: bytes,
    scid: str,
    witness_file: bytes = b"",
    *,
    known: History = NOTHING,
    now: float = NOW,
    limits: LogLimits = DEFAULT_LIMITS,
) -> History:
    """Return what holds of a log; `problem` says what does not."""
    moment = int(now * 1_000_000)
    history = run(verified_history(text, scid, known, now=moment, limits=limits))
    if needs_witnesses(history, 0):
        return run(witnessed_history(history, 0, witness_file, now=moment, limits=limits))
    return history


def verify_log(log: Log, **options: object) -> History:
    return verify(log.text, log.scid, log.witness_file, **options)  # type: ignore[arg-type]


def code_of(history: History) -> str | None:
    """Return did:webvh's code for what is wrong, None where the log holds."""
    if history.problem is None:
        return None
    code: str = history.problem.members["problemDetails"]["type"].rpartition("#")[2]
    return code


def resolved(log: Log, options: Options = DEFAULT_OPTIONS) -> Resolved:
    """Return what a resolver tells of a log that was published at its DID."""
    return finding_of(verify_log(log), NOW).resolved(parse_did(log.did), options)
