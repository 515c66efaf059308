"""
A did:webvh log of 100 entries beside did-webvh (Python), which reads it from a file, as ours does here.

Wall-clock time: did-webvh verifies each proof in a thread. Four fifths of ours are OpenSSL's, for the signatures;
did-webvh has as many.
"""

import json
import subprocess
from pathlib import Path
from statistics import median

from benchmarks.machine import wait_until_idle
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
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        for figures, seconds in ((ours, seconds_of), (theirs, _theirs)):
            wait_until_idle()
            figures.append(1 / seconds(file, log.did))
    return [compared(NAME, ours, theirs, "logs/s", RIVAL, at_least=AT_LEAST)]


def _theirs(file: Path, did: str) -> float:
    script = ROOT / "benchmarks" / "peers" / "did_webvh_logs.py"
    command = [str(PYTHON), "-P", str(script), str(file.resolve()), did, str(RUNS)]
    done = subprocess.run(command, capture_output=True, check=True, env=clean_environment(), cwd=file.parent)
    return float(median(json.loads(done.stdout)))
