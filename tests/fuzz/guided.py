"""
The fuzzer led by coverage: `python -m tests.fuzz.guided TARGET [SECONDS]` in the environment of `make fuzz-tools`.

atheris keeps each case that reaches a line nobody reached before, and makes the next ones of it. What it keeps is
in var/fuzz/led/<target>; a case that fails is in var/fuzz/<target>, and belongs in tests/fuzz/corpus.
"""

import sys
from functools import partial
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["resolver", "wire"]):
    from tests.fuzz.runner import Failure, keep
    from tests.fuzz.seeds import seeds
    from tests.fuzz.targets import TARGETS

LED = Path("var/fuzz/led")
MAX_CASE_BYTES = 8_192


def main(name: str, seconds: int = 60) -> None:
    kept = LED / name
    kept.mkdir(parents=True, exist_ok=True)
    for number, case in enumerate(seeds(name)):
        if len(case) <= MAX_CASE_BYTES:
            (kept / f"seed-{number:03d}").write_bytes(case)
    options = (f"-max_total_time={seconds}", f"-max_len={MAX_CASE_BYTES}", "-timeout=2", "-rss_limit_mb=2048")
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={LED}/", str(kept)], partial(_check, name))
    atheris.Fuzz()


def _check(name: str, case: bytes) -> None:
    try:
        TARGETS[name].check(case)
    except Exception as error:
        print(keep(Failure(name, case, str(error)), LED.parent), file=sys.stderr)
        raise


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
