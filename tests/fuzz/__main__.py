"""
The fuzzer by hand: `python -m tests.fuzz --cases 1000000 --seed 7 [--target request]`.

Prints what it found, and leaves every failing input in var/fuzz/<target>/: what is mended goes from there to
tests/fuzz/corpus/<target>/, and is run by every `make test` from then on. Exits 1 where something failed, or where
memory grew over the run after its first tenth.
"""

import argparse
import gc
import sys
from pathlib import Path

from tests.fuzz.runner import Report, keep, resident_bytes, run, traced_growth
from tests.fuzz.targets import TARGETS

MAX_GROWTH_BYTES = (
    64 * 2**20
)  # over nine tenths of a run; the holes that cases of 400 KB leave are half of it
TRACED_CASES, MAX_TRACED_BYTES = (
    20_000,
    200_000,
)  # ten bytes a case; a leak of one object each is fifty and more
KEPT = Path("var/fuzz")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", action="append", choices=sorted(TARGETS))
    given = parser.parse_args()
    names = tuple(given.target or TARGETS)
    total, warm = Report(), 0
    for tenth in range(10):
        part = run(given.cases // 10, seed=given.seed * 1_000 + tenth, names=names)
        _add(total, part)
        gc.collect()
        warm = warm or resident_bytes()
        print(
            f"{total.cases:>9} cases  {total.seconds:7.1f} s  {resident_bytes() / 2**20:6.1f} MiB", flush=True
        )
    growth = resident_bytes() - warm
    traced = traced_growth(TRACED_CASES, seed=given.seed)
    print(f"traced memory grew by {traced} bytes over {TRACED_CASES} cases that had all been run before")
    _print(total, growth)
    return 1 if total.failures or growth > MAX_GROWTH_BYTES or traced > MAX_TRACED_BYTES else 0


def _add(total: Report, part: Report) -> None:
    total.cases += part.cases
    total.seconds += part.seconds
    total.failures += part.failures
    for name, worst in part.worst_ms.items():
        total.worst_ms[name] = max(total.worst_ms.get(name, 0.0), worst)
        total.counts[name] = total.counts.get(name, 0) + part.counts[name]


def _print(total: Report, growth: int) -> None:
    for name, count in sorted(total.counts.items()):
        print(
            f"{name:>16} {count:>8} cases, the dearest {total.worst_ms[name]:6.1f} ms of CPU, oracle included"
        )
    for failure in {(failure.target, failure.reason): failure for failure in total.failures}.values():
        print(
            f"FAILED {failure.target}: {failure.reason}\n       {keep(failure, KEPT)}  {failure.case[:100]!r}"
        )
    rate = total.cases / max(total.seconds, 0.001)
    print(
        f"{total.cases} cases at {rate:.0f}/s; {len(total.failures)} failed; resident {growth / 2**20:+.1f} MiB"
    )


if __name__ == "__main__":
    sys.exit(main())
