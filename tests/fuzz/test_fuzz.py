"""What ever failed is answered rightly, a few thousand new cases are, and the fuzzer finds what is wrong."""

from pathlib import Path
from random import Random

import base58
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.mutation import Mutator
from tests.fuzz.runner import Report, run, run_case
from tests.fuzz.seeds import CORPUS, seeds
from tests.fuzz.targets import TARGETS, Target

CASES = 5_000
MAX_CORPUS_BYTES = 1_000_000
_TEXTS = st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_kept_is_answered_rightly(name: str) -> None:
    report = Report()
    for case in seeds(name):
        run_case(name, TARGETS[name], case, report)

    assert report.failures == []
    assert report.cases == len(seeds(name)) > 0


def test_some_thousand_new_cases_are_answered_rightly() -> None:
    report = run(CASES, seed=20_261_125)

    assert report.failures == []
    assert report.counts.keys() == TARGETS.keys()


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=50, deadline=None)
@given(case=st.binary(max_size=60) | _TEXTS)
def test_bytes_without_any_shape_are_answered_rightly(name: str, case: bytes) -> None:
    TARGETS[name].check(case)


def _naive_base58(case: bytes) -> None:
    """Trust a package that drops white space at the end: a second spelling of every key."""
    text = case[:60].decode("latin-1")
    try:
        decoded = base58.b58decode(text)
    except ValueError:
        return
    assert base58.b58encode(decoded).decode() == text


def test_the_fuzzer_finds_a_decoder_with_two_spellings() -> None:
    mutator, report = Mutator(seeds("base58btc"), (), Random(1)), Report()
    for _ in range(2_000):
        run_case("naive", Target(_naive_base58, 1), mutator.case(), report)

    assert {failure.reason.partition(":")[0] for failure in report.failures} == {"AssertionError"}


def test_an_exception_and_a_hang_are_failures() -> None:
    def hangs(_: bytes) -> None:
        while True:
            pass

    report = Report()
    run_case("raises", Target(lambda case: [].pop(), 1), b"", report)
    run_case("hangs", Target(hangs, 1), b"", report)

    assert [failure.reason.partition(":")[0] for failure in report.failures] == ["IndexError", "Hang"]


def test_the_same_seed_gives_the_same_cases() -> None:
    first, second = (Mutator(seeds("request"), ("a",), Random(5)) for _ in range(2))

    assert [first.case() for _ in range(50)] == [second.case() for _ in range(50)]


def test_the_corpus_is_small_and_each_folder_is_a_target() -> None:
    folders = [folder for folder in CORPUS.iterdir() if folder.is_dir()]

    assert {folder.name for folder in folders} <= TARGETS.keys()
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < MAX_CORPUS_BYTES
    assert Path(CORPUS / "web" / "well-known-behind-a-path").is_file()
