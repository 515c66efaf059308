"""
One figure of a run, and how it is compared with its rival. Pure.
"""

from collections.abc import Sequence
from statistics import median

import msgspec


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """
    A line of the table, and an object of `var/bench.json`.

    Attributes:
        name: stable from run to run, so that runs can be compared.
        value: the median of the rounds, in `unit`.
        rival: what was measured beside it; None for a plain fact.
        ratio: ours over the rival's, the median over pairs of rounds that ran one after the other.
        target: the bound on `ratio` that we hold ourselves to; `met` tells whether it holds. Null: none is set.
    """

    name: str
    value: float
    unit: str
    rival: str | None = None
    ratio: float | None = None
    target: float | None = None
    met: bool | None = None


def fact(name: str, values: Sequence[float], unit: str) -> Result:
    """Return the median of `values`, compared with nothing."""
    return Result(name=name, value=median(values), unit=unit)


def compared(name: str, ours: Sequence[float], theirs: Sequence[float], unit: str, rival: str) -> Result:
    """Return our median, and the median ratio of rounds that were neighbours in time."""
    ratio = median(our / their for our, their in zip(ours, theirs, strict=True))
    return Result(name=name, value=median(ours), unit=unit, rival=rival, ratio=ratio)
