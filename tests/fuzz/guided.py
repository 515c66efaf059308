"""
The fuzzer led by coverage: `python -m tests.fuzz.guided TARGET [SECONDS]` in the environment of `make fuzz-tools`.

atheris keeps each case that reaches a line nobody reached before, and makes the next ones of it. What it keeps is
in var/fuzz/led/<target>; a case that fails is in var/fuzz/led/<target>-failed-*, and belongs in tests/fuzz/corpus.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["resolver", "wire"]):
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
    atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={kept}-failed-", str(kept)], TARGETS[name].check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:3]))
