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
        value: the median of the rounds, in `unit`; None: not measured, and `rival` says why.
        rival: what was measured beside it; None for a plain fact.
        ratio: ours over the rival's, the median over pairs of rounds that ran one after the other.
        target: the bound on `ratio` that we hold ourselves to, or on `value` where there is no ratio; `met` tells
            whether it holds. Null: none is set.
    """

    name: str
    value: float | None
    unit: str
    rival: str | None = None
    ratio: float | None = None
    target: float | None = None
    met: bool | None = None
    spread: tuple[float, float] | None = None


def fact(name: str, values: Sequence[float], unit: str) -> Result:
    """Return the median of `values`, compared with nothing."""
    return Result(name=name, value=median(values), unit=unit)


def within(name: str, values: Sequence[float], unit: str, at_most: float) -> Result:
    """Return the median of `values`, which must not be over a bound."""
    value = median(values)
    return Result(name=name, value=value, unit=unit, target=at_most, met=value <= at_most)


def compared(
    name: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    unit: str,
    rival: str,
    *,
    at_least: float | None = None,
) -> Result:
    """
    Return our median, and the median ratio of rounds that were neighbours in time.

    `spread` is the lowest and the highest of these ratios: what one round alone might have said.
    """
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    ratio = median(ratios)
    return Result(
        name=name,
        value=median(ours),
        unit=unit,
        rival=rival,
        ratio=ratio,
        target=at_least,
        met=None if at_least is None else ratio >= at_least,
        spread=(min(ratios), max(ratios)),
    )


def not_measured(name: str, unit: str, why: str) -> Result:
    """Return the line of a figure that could not be measured here; `why` says what to install."""
    return Result(name=name, value=None, unit=unit, rival=f"not measured: {why}")
