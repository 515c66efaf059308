"""
A did:webvh log of 100 entries, resolved whole by a resolver that never saw it; beside its signatures alone.

The other figure is the longest that the worst line of a log holds the event loop. `benchmarks/peers/webvh.py` has
the same log beside did-webvh.
"""

import asyncio
import gc
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.result import Result, compared, fact
from resolver import Fetched, FetchPlan, Resolver
from resolver.webvh.history import NOTHING, verified_history
from resolver.webvh.keys import ed25519_of
from resolver.webvh.limits import DEFAULT_LIMITS
from tests.resolver.webvh.logs import Log

FLOOR = "cryptography verifies as many Ed25519 signatures"
ROUNDS = 5
RUNS = 5  # per round, after one to warm up
ENTRIES = 100


def measure(folder: Path) -> list[Result]:
    """Return logs a second, and the longest slice."""
    log = log_of_100()
    file = folder / "did.jsonl"
    file.write_bytes(log.text)
    ours, floor = [], []
    for _ in range(ROUNDS):
        ours.append(1 / seconds_of(file, log.did))
        floor.append(1 / _signatures())
    slices = [_longest_slice() for _ in range(ROUNDS)]
    return [compared("webvh_log", ours, floor, "logs/s", FLOOR), fact("webvh_longest_slice", slices, "ms")]


def log_of_100() -> Log:
    """Return a log with documents of 1 KB: three keys and their relationships."""
    did = "did:webvh:{SCID}:issuer.example"
    log = Log()
    methods = [
        {
            "id": f"{did}#key-{number}",
            "type": "Multikey",
            "controller": did,
            "publicKeyMultibase": log.signer.multikey,
        }
        for number in range(3)
    ]
    log.append(
        state={
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
            "id": did,
            "verificationMethod": methods,
            "authentication": [f"{did}#key-0"],
            "assertionMethod": [f"{did}#key-1", f"{did}#key-2"],
        }
    )
    for _ in range(ENTRIES - 1):
        log.append()
    return log


def seconds_of(file: Path, did: str) -> float:
    """Return the median of `RUNS` resolutions in wall-clock time, the log read from a file."""
    return median([_once(file, did) for _ in range(RUNS + 1)][1:])


def _once(file: Path, did: str) -> float:
    async def fetch(plan: FetchPlan, headers: Mapping[str, str]) -> Fetched:  # noqa: ARG001
        return Fetched(status=200, headers={}, body=file.read_bytes())

    ed25519_of.cache_clear()
    began = time.perf_counter()
    resolved = asyncio.run(Resolver(fetcher=fetch).resolve(did))
    seconds = time.perf_counter() - began
    assert resolved.metadata["versionId"].startswith(f"{ENTRIES}-")
    return seconds


def _signatures() -> float:
    key = Ed25519PrivateKey.generate()
    signature, public_key = key.sign(b"x" * 64), key.public_key()
    began = time.perf_counter()
    for _ in range(ENTRIES):
        public_key.verify(signature, b"x" * 64)
    return time.perf_counter() - began


def _longest_slice() -> float:
    """Return milliseconds: of the lines that cost most for their bytes, the longest slice."""
    return max(min(_slice_of(log) for _ in range(3)) for log in _worst()) * 1_000


def _worst() -> list[Log]:
    did = "did:webvh:{SCID}:issuer.example"
    line, odd = DEFAULT_LIMITS.max_line_bytes - 1_000, DEFAULT_LIMITS.max_odd_line_bytes - 1_000
    fillings: tuple[list[Any], ...] = (
        [{}] * (line // 3),
        [{"": 0}] * (line // 7),
        [[[[[[[[]]]]]]]] * (line // 17),
        [{"": 0.5}] * (odd // 9),
        [1.2345678901234567e-300] * (odd // 24),
    )
    return [Log().append(state={"id": did, "x": filling}) for filling in fillings]


def _slice_of(log: Log) -> float:
    now = time.time_ns() // 1_000
    slices = verified_history(log.text, log.scid, NOTHING, now=now, limits=DEFAULT_LIMITS)
    longest, ended = 0.0, False
    gc.disable()
    try:
        while not ended:
            began = time.process_time()
            ended = next(slices, True) is True
            longest = max(longest, time.process_time() - began)
    finally:
        gc.enable()
    return longest
