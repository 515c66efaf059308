"""
What is listed from when to when, and the grants that come of it. Pure.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from registry.items import ChangeItem
from registry.model import State
from wire import format_exact

Turns: TypeAlias = tuple[tuple[int, State | None], ...]
"""Since when, in microseconds since 1970, something is in which state; None: it is not listed. In order of time."""

_RANK: tuple[State | None, ...] = (None, "superseded", "revoked", "suspended", "active")


def turns_of(said: Iterable[tuple[int, State | None]]) -> Turns:
    """Return what was said, in order of time, without what changes nothing."""
    found: list[tuple[int, State | None]] = []
    for since, state in said:
        if state != (found[-1][1] if found else None):
            found.append((since, state))
    return tuple(found)


def best_of(several: Sequence[Turns]) -> Turns:
    """Return the best state at each time: who may do something by one service may do it, whatever another says."""
    times = sorted({since for turns in several for since, _ in turns})
    return turns_of((time, max((_at(turns, time) for turns in several), key=_RANK.index)) for time in times)


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


def _at(turns: Turns, time: int) -> State | None:
    state: State | None = None
    for since, then in turns:
        if since <= time:
            state = then
    return state
