"""
Grants that ended here, and that their source says as if they had not. Pure.

They were not in force in between, and were answered for so. What goes on begins anew: the gap stays one.
"""

from collections.abc import Iterator

import msgspec

from registry.known import Known, question_of
from registry.model import Grant, StateChange, derived_id, ended_at
from registry.sources.moving import is_after
from wire import format_exact


def resumed(known: Known, grant: Grant, now: int) -> Grant:
    """
    Return a grant as its source says it, from when on it is in force here.

    1. What is known and goes on is what the source says, and so is what ended here no earlier than there.
    2. What ended here and goes on there begins now, or began when it was seen to go on.
    3. What went on there for a while, and is over by now, stays as it is known.
    """
    before = known.fact(grant.kind, grant.id)
    if before is not None and not _is_over(before.fact, now):  # 1.
        return grant
    own = [each.fact for each in known.grants(*question_of(grant)) if each.fact.source == grant.source]
    if not any(_is_over(each, now) and _goes_on(grant, ended_at(each)) for each in own):
        return grant
    running = (
        each.valid_from for each in own if not _is_over(each, now) and _goes_on(grant, each.valid_from)
    )
    begins = next(running, None)
    if begins is not None or not _is_over(grant, now):  # 2.
        return _from(grant, max(now, grant.valid_from) if begins is None else begins)
    return grant if before is None or not isinstance(before.fact, Grant) else before.fact  # 3.


def _is_over(fact: object, now: int) -> bool:
    return isinstance(fact, Grant) and not is_after(ended_at(fact), now)


def _goes_on(grant: Grant, time: int | None) -> bool:
    """Tell whether a grant begins before a time and ends after it."""
    return time is not None and grant.valid_from < time and is_after(ended_at(grant), time)


def _from(grant: Grant, begins: int) -> Grant:
    """Return a grant that begins later; its id is that of one whose source says it so."""
    about = (grant.entity_id, grant.action, grant.resource, format_exact(begins))
    return msgspec.structs.replace(
        grant,
        id=derived_id("g", str(grant.source), *about),
        valid_from=begins,
        history=tuple(_history_from(grant, begins)),
    )


def _history_from(grant: Grant, begins: int) -> Iterator[StateChange]:
    past = [change for change in grant.history if change.since <= begins]
    if past and past[-1].state != "active":
        yield msgspec.structs.replace(past[-1], since=begins)
    yield from (change for change in grant.history if change.since > begins)
