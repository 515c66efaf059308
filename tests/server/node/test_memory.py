"""What a process sets for its garbage collector once it is ready."""

import subprocess
import sys

from tests.process import ROOT

PROGRAM = """
import gc
from server.node.memory import ALLOCATIONS_BEFORE_SEARCH, settle

settle()
assert gc.get_threshold()[0] == ALLOCATIONS_BEFORE_SEARCH
assert gc.get_freeze_count() > 0
gc.collect()


class Cycle:
    pass


cycle = Cycle()
cycle.itself = cycle
del cycle
assert gc.collect() > 0
"""


def test_what_was_loaded_is_set_aside_and_new_cycles_are_still_found() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, check=True)
