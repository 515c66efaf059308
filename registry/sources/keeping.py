"""
Grants of a source that an operator changed. Pure.

What an operator did to one stays until an operator lifts it: a source has no say in that.
"""

from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from registry.known import Known, question_of
from registry.model import FINAL, Grant, ended_at
from registry.sources.moving import is_after


def kept(known: Known, said: Grant, changed: AbstractSet[str], now: int) -> Grant | None:
    """
    Return the grant that an operator changed, as it is after its source said `said`; None: there is no such one.

    1. What he revoked stays so, and what he suspended until he resumes it; the source may still end it.
    2. What he resumed the source may change from then on. If the source ended it, it may begin anew.

    Args:
        changed: ids of the grants of sources that operators changed.
    """
    own = (each.fact for each in known.grants(*question_of(said)) if each.fact.source == said.source)
    for before in own:
        if before.id not in changed or not is_after(ended_at(said), before.valid_from):
            continue
        if _stands(before, said) or is_after(ended_at(before), now):
            return _with(before, said)
    return None


def _stands(before: Grant, said: Grant) -> bool:
    """Tell whether it is suspended or over, and not by the word of its source."""
    last = before.history[-1] if before.history else None
    return last is not None and last.state != "active" and last not in said.history


def _with(before: Grant, said: Grant) -> Grant:
    if before.history and before.history[-1].state in FINAL:
        return before
    last = before.history[-1].since if before.history else before.valid_from
    later = (each for each in said.history if each.since > last)
    told = tuple(each for each in later if each.state in FINAL or not _stands(before, said))
    ends = [each for each in (before.valid_until, said.valid_until) if each is not None]
    return replace(before, history=(*before.history, *told), valid_until=min(ends, default=None))
