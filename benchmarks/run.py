"""
One run of benchmarks: measures every subject, prints the table, writes it as JSON.

Only ratios travel from one machine to another: each rival ran in the same minutes, in turns with ours.
"""

import platform
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from benchmarks.load import CONNECTIONS, GENERATOR
from benchmarks.machine import cores
from benchmarks.processes import ROOT
from benchmarks.result import Result
from benchmarks.table import render

VAR = ROOT / "var"

Subject = tuple[str, Callable[[Path], list[Result]]]


def run(subjects: Sequence[Subject], file_name: str) -> None:
    """
    Measure `subjects` whose name holds an argument of the command line; all of them where there is none.

    Each has a directory of its own, beside the product's data on the same disk.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # Else the servers would outlive us.
    VAR.mkdir(exist_ok=True)
    wanted = sys.argv[1:]
    results: list[Result] = []
    for name, measure in subjects:
        if wanted and not any(part in name for part in wanted):
            continue
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(dir=VAR, prefix="bench-") as folder:
            results += measure(Path(folder))
    if not wanted:
        (VAR / file_name).write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    print(render(results, _notes()))


def _notes() -> list[str]:
    server, load = cores()
    shared = "server and load generator share one core" if server == load else "a core each"
    return [
        f"Load: {GENERATOR}, {CONNECTIONS} keep-alive connections, {shared}. Python {platform.python_version()}.",
        "Ratio: ours over the rival's in neighbouring rounds, the median; rounds: the lowest and the highest.",
        "Less is better for CPU, seconds and MiB.",
    ]
