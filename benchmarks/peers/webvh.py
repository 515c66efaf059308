"""
A did:webvh log of 100 entries beside did-webvh (Python), which reads it from a file, as ours does here.

Wall-clock time: did-webvh verifies each proof in a thread. Of our 90 microseconds for an entry 64 are OpenSSL's,
for its signature; as many are in did-webvh's.
"""

import json
import subprocess
from pathlib import Path
from statistics import median

from benchmarks.peers.installed import NO_PYTHON, PYTHON
from benchmarks.processes import ROOT, clean_environment
from benchmarks.result import Result, compared, not_measured
from benchmarks.webvh_logs import ROUNDS, RUNS, log_of_100, seconds_of

NAME = "webvh_log_vs_did_webvh"
RIVAL = "did-webvh 1.0.1"
AT_LEAST = 8.0


def measure(folder: Path) -> list[Result]:
    """Return logs a second."""
    if not PYTHON.exists():
        return [not_measured(NAME, "logs/s", NO_PYTHON)]
    log = log_of_100()
    file = folder / "did.jsonl"
    file.write_bytes(log.text)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(1 / seconds_of(file, log.did))
        theirs.append(1 / _theirs(file, log.did))
    return [compared(NAME, ours, theirs, "logs/s", RIVAL, at_least=AT_LEAST)]


def _theirs(file: Path, did: str) -> float:
    script = ROOT / "benchmarks" / "peers" / "did_webvh_logs.py"
    command = [str(PYTHON), "-P", str(script), str(file.resolve()), did, str(RUNS)]
    done = subprocess.run(command, capture_output=True, check=True, env=clean_environment(), cwd=file.parent)
    return float(median(json.loads(done.stdout)))
