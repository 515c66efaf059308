"""What is over a cap is refused before it costs anything; what is under it never holds the event loop for long."""

import gc
import time
from typing import Any

import msgspec
import pytest

from resolver.did import parse_did
from resolver.webvh import InvalidLog
from resolver.webvh.finding import finding_of, has_had
from resolver.webvh.history import NOTHING, History, needs_witnesses, verified_history
from resolver.webvh.keys import ed25519_of
from resolver.webvh.limits import DEFAULT_LIMITS, LogLimits
from resolver.webvh.witnesses import approvals, first_unapproved
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


def slowest_step(slices: Any) -> float:
    """Run to the end or to an error; return the longest slice in CPU seconds."""
    longest, ended = 0.0, False
    while not ended:
        began = time.process_time()
        try:
            next(slices)
        except (StopIteration, InvalidLog):
            ended = True
        longest = max(longest, time.process_time() - began)
    return longest


@pytest.mark.parametrize(
    "file",
    [
        b"[" + b"0," * 500_000 + b"0]",
        b"[" + b"{}," * 340_000 + b"{}]",
        b"[" * 1_000_000,
        b'[{"versionId":"x","proof":[' + b"{}," * 6_000 + b"{}]}]",
        b'[{"versionId":"' + b"x" * 1_000_000 + b'"}]',
        b"[{" + b'"a":1,' * 15 + b'"":0},' * 6_000 + b"0]",
    ],
    ids=["numbers", "objects", "deep", "proofs", "long", "members"],
)
def test_a_hostile_witness_file_is_refused_without_holding_the_loop(file: bytes) -> None:
    versions = verify_log(Log().append(witnessed(1, WITNESSES[0])).approve(WITNESSES[0])).versions

    longest = min(slowest_step(approvals(file, versions, now=0, limits=DEFAULT_LIMITS)) for _ in range(3))

    assert longest < 0.03


def test_what_follows_the_verification_of_the_longest_log_is_short() -> None:
    """Two thousand versions, each with 64 witnesses, each at another place."""
    log = Log().append(witnessed(64, *WITNESSES[:64]) | {"portable": True}).approve(*WITNESSES[:64])
    version = verify_log(log).versions[0]
    versions = tuple(
        msgspec.structs.replace(
            version, number=number, version_id=f"{number}-x", normal_did=f"did:x:{number}"
        )
        for number in range(1, DEFAULT_LIMITS.max_entries + 1)
    )
    approved = dict.fromkeys((witness.multikey for witness in WITNESSES), DEFAULT_LIMITS.max_entries)
    history = History(log=b"", versions=versions)

    began = time.process_time()
    assert first_unapproved(versions, approved) is None
    assert not has_had(history, parse_did(log.did))
    assert needs_witnesses(history, 0)

    assert time.process_time() - began < 0.02
