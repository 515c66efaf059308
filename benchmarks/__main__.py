"""
`python -m benchmarks`: measures everything, prints the table, writes `var/bench.json`; exits 0 if all was measured.

Only ratios travel from one machine to another: each rival ran in the same minutes, in turns with ours.
"""

import platform
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

from benchmarks import engines, fresh_keys, hot_answers, revocations, start_up, webvh_logs
from benchmarks.load import CONNECTIONS, GENERATOR
from benchmarks.machine import cores
from benchmarks.processes import ROOT
from benchmarks.result import Result
from benchmarks.table import render

SUBJECTS: tuple[tuple[str, Callable[[Path], list[Result]]], ...] = (
    ("hot answers over HTTP", hot_answers.measure),
    ("fresh did:keys in process", lambda _: fresh_keys.measure()),
    ("did:webvh logs in process", webvh_logs.measure),
    ("acknowledged revocations", revocations.measure),
    ("both engines", engines.measure),
    ("start and memory", start_up.measure),
)


def main() -> None:
    """Measure every subject in a directory of its own, beside the product's data on the same disk."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # Else the servers would outlive us.
    var = ROOT / "var"
    var.mkdir(exist_ok=True)
    results: list[Result] = []
    for name, measure in SUBJECTS:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(dir=var, prefix="bench-") as folder:
            results += measure(Path(folder))
    (var / "bench.json").write_bytes(msgspec.json.format(msgspec.json.encode(results)) + b"\n")
    print(render(results, _notes()))


def _notes() -> list[str]:
    server, load = cores()
    shared = "server and load generator share one core" if server == load else "a core each"
    return [
        f"Load: {GENERATOR}, {CONNECTIONS} keep-alive connections, {shared}. Python {platform.python_version()}.",
        "Ratio: ours over the rival's in neighbouring rounds. Less is better for CPU, seconds and MiB.",
    ]


if __name__ == "__main__":
    main()
