"""A hundred thousand hostile inputs: no wrong answer, no hang, no growth of memory. `make soak` runs a million."""

import os
import subprocess

import pytest

from tests.fuzz.runner import Report, run, run_case, traced_growth
from tests.fuzz.targets import Target
from tests.process import ROOT

pytestmark = pytest.mark.slow

CASES = int(os.environ.get("TOUCHSTONE_FUZZ_CASES", "100000"))
SEED = int(os.environ.get("TOUCHSTONE_FUZZ_SEED", "4"))
PYTHON_WITH_ATHERIS = ROOT / ".venv/fuzz/bin/python"
LED_SECONDS = os.environ.get("TOUCHSTONE_FUZZ_SECONDS", "10")
MAX_GROWTH_BYTES = 200_000  # over 20,000 cases: ten bytes a case; a leak of one object each is fifty and more


def test_no_input_is_answered_wrongly_or_too_slowly() -> None:
    report = run(CASES, seed=SEED)
    print(
        f"\n{report.cases} cases, seed {SEED}, {report.cases / report.seconds:.0f}/s; dearest:",
        report.worst_ms,
    )

    assert report.failures == []
    assert report.cases == CASES


def test_memory_does_not_grow_with_the_cases() -> None:
    growth = traced_growth(20_000, seed=SEED)

    assert growth < MAX_GROWTH_BYTES


def test_a_leak_would_be_seen() -> None:
    kept: list[bytes] = []

    def leak(cases: int, seed: int) -> None:
        for number in range(cases):
            run_case("leaks", Target(lambda case: kept.append(case * 2), 1), b"%09d" % number, Report())

    assert traced_growth(20_000, seed=SEED, by=leak) > MAX_GROWTH_BYTES


@pytest.mark.skipif(not PYTHON_WITH_ATHERIS.exists(), reason="atheris is missing: run `make fuzz-tools`")
@pytest.mark.parametrize("name", ["request", "document", "web", "relative_ref"])
def test_what_coverage_leads_to_is_answered_rightly(name: str) -> None:
    done = subprocess.run(
        [PYTHON_WITH_ATHERIS, "-m", "tests.fuzz.guided", name, LED_SECONDS],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr[-3_000:]
    assert "Done " in done.stderr
