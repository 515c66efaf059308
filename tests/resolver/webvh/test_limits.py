"""What is over a cap is refused before it costs anything; what is under it never holds the event loop for long."""

import gc
import time
from typing import Any

import pytest

from resolver.webvh.finding import finding_of
from resolver.webvh.history import NOTHING, History, verified_history
from resolver.webvh.keys import ed25519_of
from resolver.webvh.limits import DEFAULT_LIMITS, LogLimits
from tests.resolver.webvh.logs import Json, Log, Signer, witnessed
from tests.resolver.webvh.verifying import NOW, code_of, verify, verify_log

WITNESSES = [Signer(number) for number in range(100, 165)]


def state(**members: Any) -> Json:
    return {"id": "did:webvh:{SCID}:issuer.example", **members}


def filled(item: Any, size: int) -> Log:
    """Return a log whose one line is just under `size` bytes, full of `item`."""
    log = Log()
    room = size - 900
    return log.append(state=state(x=[item] * (room // (len(repr(item)) + 1))))


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (LogLimits(max_log_bytes=2_500), "invalid-log-entry"),
        (LogLimits(max_entries=3), "invalid-log-entry"),
        (LogLimits(max_line_bytes=500), "invalid-log-entry"),
        (LogLimits(max_odd_line_bytes=500), None),
        (LogLimits(max_proofs=0), "proof-verification-failed"),
        (LogLimits(max_keys=0), "invalid-parameter"),
        (LogLimits(max_log_bytes=4_000, max_entries=4, max_line_bytes=1_000), None),
    ],
    ids=["bytes", "entries", "line", "odd line", "proofs", "keys", "none"],
)
def test_a_log_over_a_cap_is_refused(limits: LogLimits, code: str | None) -> None:
    log = Log().append().append().append().append()

    assert len(log.text) in range(2_501, 4_001)
    assert code_of(verify_log(log, limits=limits)) == code


@pytest.mark.parametrize("members", [{"x": 0.5}, {"é": 1}], ids=str)
def test_a_long_line_that_needs_the_slow_canonicalization_is_refused(members: Json) -> None:
    filler = "x" * (DEFAULT_LIMITS.max_odd_line_bytes - 1_500)
    short, long = (
        Log().append(state=state(y=filler, **members)),
        Log().append(state=state(y=filler + "y" * 2_000)),
    )
    odd = Log().append(state=state(y=filler + "y" * 2_000, **members))

    assert code_of(verify_log(short)) is None
    assert code_of(verify_log(long)) is None
    assert code_of(verify_log(odd)) == "invalid-log-entry"


def test_more_witnesses_than_the_cap_are_refused() -> None:
    at_cap = Log().append(witnessed(1, *WITNESSES[:64])).approve(WITNESSES[0])
    over = Log().append(witnessed(1, *WITNESSES)).approve(WITNESSES[0])

    assert code_of(verify_log(at_cap)) is None
    assert code_of(verify_log(over)) == "invalid-parameter"


def test_more_witness_proofs_than_the_cap_are_refused() -> None:
    log = Log().append(witnessed(1, WITNESSES[0])).approve(*[WITNESSES[1]] * 5).approve(WITNESSES[0])

    assert code_of(verify_log(log, limits=LogLimits(max_witness_proofs=6))) is None
    assert code_of(verify_log(log, limits=LogLimits(max_witness_proofs=5))) == "witness-verification-failed"
    assert code_of(verify_log(log, limits=LogLimits(max_witness_bytes=500))) == "witness-verification-failed"


def test_a_log_over_its_size_is_refused_in_no_time() -> None:
    huge = b'{"a":' * 10_000_000

    began = time.process_time()
    history = verify(huge, "Qm")

    assert time.process_time() - began < 0.01
    assert code_of(history) == "invalid-log-entry"


LINE, ODD = DEFAULT_LIMITS.max_line_bytes, DEFAULT_LIMITS.max_odd_line_bytes


@pytest.mark.parametrize(
    "log",
    [
        filled({}, LINE),
        filled({"": 0}, LINE),
        filled([[[[[[[[[[[[]]]]]]]]]]]], LINE),
        filled("\n", LINE),
        filled(0.5, ODD),
        filled({"": 0.5}, ODD),
        filled(1.2345678901234567e-300, ODD),
        Log().append(witnessed(64, *WITNESSES[:64])),
    ],
    ids=["objects", "members", "lists", "escapes", "floats", "odd members", "long floats", "witnesses"],
)
def test_the_longest_slice_of_the_worst_line_is_short(log: Log) -> None:
    """The bound is 10 ms; it is measured in `benchmarks`, here with room for a slow machine."""
    gc.disable()  # What the collector takes depends on what else is in memory, and it is not ours to bound.
    try:
        longest = min(slowest_slice(log) for _ in range(3))
    finally:
        gc.enable()

    assert longest < 0.03


def slowest_slice(log: Log) -> float:
    ed25519_of.cache_clear()
    slices = verified_history(log.text, log.scid, NOTHING, now=NOW * 1_000_000, limits=DEFAULT_LIMITS)
    longest, history = 0.0, None
    while history is None:
        began = time.process_time()
        try:
            next(slices)
        except StopIteration as done:
            history = done.value
        longest = max(longest, time.process_time() - began)
    assert isinstance(history, History) and history.problem is None
    began = time.process_time()
    finding_of(history, NOW)
    return max(longest, time.process_time() - began)
