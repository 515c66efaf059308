"""
What reading costs: milliseconds of CPU, and inputs that are dear to read.

Machines differ, so that bounds are multiples of a yardstick measured beside each case: a plain loop, which takes
1.4 ms on the machine of the figures.
"""

import base64
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from proofs import ProofError
from resolver.errors import ResolutionError
from wire import JsonError, Refusal

ACCEPTED_MS, REFUSED_MS = 10.0, 1.0
_YARDSTICK_MS = 1.4  # what the yardstick takes on the machine of the figures
_REPEATS = 7

# Spellings that a parser finds hard to round, or long; each 0.2 us to 1.5 us with the reader that we have.
DEAR_NUMBERS = {
    "9e307": "9e307",
    "1.5e300": "1.5e300",
    "5e-324": "5e-324",
    "9e-307": "9e-307",
    "halfway to zero": "2.4703282292062327208e-324",
    "halfway of 1": "1.00000000000000011102230246251565404236316680908203125",
    "halfway of 2^53": "9007199254740993e0",
    "309 digits": "7" * 309,
    "309 digits of a fraction": "0." + "4" * 309,
    "618 digits and an exponent": "7" * 309 + "." + "3" * 309 + "e-300",
}


def milliseconds(run: Callable[[], object]) -> float:
    """Return the least CPU of some runs, refusals among them: what disturbs can only add."""
    spent = []
    with _without_collections():
        for _ in range(_REPEATS):
            began = time.thread_time()
            with suppress(ResolutionError, Refusal, ProofError, JsonError):
                run()
            spent.append((time.thread_time() - began) * 1_000)
    return min(spent)


def slowness_now() -> float:
    """How many times slower than that machine this one is, now."""
    return milliseconds(_yardstick) / _YARDSTICK_MS


@contextmanager
def _without_collections() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _yardstick() -> None:
    number = 0
    for step in range(100_000):
        number ^= step


def base64url(text: str) -> bytes:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=")


def many(item: str, count: int) -> str:
    """Return the member `a` of an object: an array of `count` items."""
    return f'"a":[{",".join([item] * count)}]'


def names(count: int) -> str:
    """Return `count` members of an object."""
    return ",".join(f'"{number:x}":0' for number in range(count))
