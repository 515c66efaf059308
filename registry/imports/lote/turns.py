"""
What is listed from when to when, and the grants that come of it. Pure.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TypeAlias

from registry.items import ChangeItem
from registry.model import State
from wire import format_exact

Turns: TypeAlias = tuple[tuple[int, State | None], ...]
"""Since when, in microseconds since 1970, something is in which state; None: it is not listed. In order of time."""

_BEST_FIRST: tuple[State, ...] = ("active", "suspended", "revoked", "superseded")


def turns_of(said: Iterable[tuple[int, State | None]]) -> Turns:
    """Return what was said, in order of time, without what changes nothing."""
    found: list[tuple[int, State | None]] = []
    for since, state in said:
        if state != (found[-1][1] if found else None):
            found.append((since, state))
    return tuple(found)


def best_of(several: Sequence[Turns]) -> Turns:
    """Return the best state at each time: who may do something by one service may do it, whatever another says."""
    said = sorted(
        (since, number, state or "") for number, turns in enumerate(several) for since, state in turns
    )
    now: list[str] = [""] * len(several)
    held = Counter(now)
    best: list[tuple[int, State | None]] = []
    for since, together in groupby(said, key=lambda each: each[0]):
        for _, number, state in together:
            held[now[number]] -= 1
            held[state] += 1
            now[number] = state
        best.append((since, next((state for state in _BEST_FIRST if held[state] > 0), None)))
    return turns_of(best)


def windows_of(turns: Turns) -> Iterator[tuple[str, str | None, list[ChangeItem]]]:
    """
    Yield `valid_from`, `valid_until` and the history of each grant.

    A grant ends with a final state, or when something is listed no more; what is granted then is another grant.
    """
    begun: str | None = None
    history: list[ChangeItem] = []
    for since, state in turns:
        time = format_exact(since)
        if begun is None and state in ("active", "suspended"):
            begun, history = time, []
            if state == "suspended":
                history.append(ChangeItem(state=state, since=time))
        elif begun is not None:
            if state is not None:
                history.append(ChangeItem(state=state, since=time))
            if state not in ("active", "suspended"):
                yield begun, time if state is None else None, history
                begun = None
    if begun is not None:
        yield begun, None, history
