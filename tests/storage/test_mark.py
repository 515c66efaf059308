"""A process is behind where another serves a change that it has not looked for."""

import mmap
import timeit

from storage import ServedMark
from storage.mark import SLOT_BYTES


def test_look_that_began_before_another_served_more_does_not_count() -> None:
    memory = bytearray(2 * SLOT_BYTES)
    ours, theirs = ServedMark(memory, 0), ServedMark(memory, 1)
    others = ours.others()
    theirs.will_serve(7)
    ours.has_looked(others)
    early = ours.is_behind()
    ours.has_looked(ours.others())

    assert (early, ours.is_behind()) == (True, False)


def test_mark_never_goes_back() -> None:
    memory = bytearray(2 * SLOT_BYTES)
    ours, theirs = ServedMark(memory, 0), ServedMark(memory, 1)
    theirs.will_serve(7)
    theirs.will_serve(6)

    assert ours.others() == 7


def test_question_costs_next_to_nothing_on_the_hot_path() -> None:
    mark = ServedMark(mmap.mmap(-1, 9 * SLOT_BYTES), 3)
    mark.has_looked(mark.others())
    seconds = min(timeit.repeat(mark.is_behind, number=10_000, repeat=5)) / 10_000

    assert seconds < 5e-6  # 0.1 microseconds on a quiet machine
    print(f"\n{seconds * 1e9:.0f} ns")
