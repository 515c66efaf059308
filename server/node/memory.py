"""
How the process lets Python look for garbage: less often than it would, and not among what lives as long as it does.

Nearly everything here is freed by its reference count. Python's search for cycles begins after 700 allocations, and
looks through every kept document and ready-made answer again and again: a fifth of a cold did:web resolution.
"""

import gc

ALLOCATIONS_BEFORE_SEARCH = (
    10_000  # of objects that may be part of a cycle; a few megabytes of garbage at most
)


def settle() -> None:
    """Set aside what was loaded at start, which stays; to be called once, when a process is ready."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS_BEFORE_SEARCH, 10, 10)
