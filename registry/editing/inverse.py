"""
The operations that take a change set back, from now on. Pure.

What was true stays true of its time: nothing is unsaid but what was said late.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from registry.editing.errors import FactsChanged
from registry.editing.shapes import Operation
from registry.items import item_of
from registry.known import FactChange, Known
from registry.model import FINAL, Delegation, Fact, Grant
from registry.placed import Finding

AGAIN = "granted again: a revocation is final"


class Undone(msgspec.Struct, frozen=True):
    """
    What a version made of a fact, and what that was before it (None: it was not there).

    Attributes:
        revision: the number of the revision that it made.
        newest: the number of the newest revision of the fact, also of one that says it was never so.
    """

    change: FactChange
    before: Fact | None
    revision: int
    newest: int


def inverse_of(known: Known, undone: Iterable[Undone], now: int) -> tuple[Operation, ...]:
    """
    Return the operations that take changes back, those of facts that are as they were before left out.

    - That an entity or an authority ended is corrected: it was there all the time.
    - What was added ends, whatever was changed of it since; what ended, or was revoked, is granted anew from then
      on, since both are final: suspended, where it would be so by `now` (microseconds since 1970).
    - What was suspended is resumed, and the other way round.
    - What was changed, corrected or voided becomes what it was before.

    Raises:
        FactsChanged: one that was not added was changed again since, which taking it back would undo as well.
    """
    listed = list(undone)
    if conflicts := [found for each in listed for found in _changed_again(each)]:
        raise FactsChanged(conflicts)
    found = (_inverse(known, each, now) for each in reversed(listed))
    return tuple(each for each in found if each is not None)


def _changed_again(undone: Undone) -> Iterator[Finding]:
    change = undone.change
    if change.what != "add" and undone.newest != undone.revision:
        yield "", f"the {change.kind} {change.id} was changed again since: it is at revision {undone.newest}"


def _inverse(known: Known, undone: Undone, now: int) -> Operation | None:
    change, current = undone.change, known.fact(undone.change.kind, undone.change.id)
    if current is None:
        return None if undone.before is None else _with_fact("add", change, undone.before)
    match change.what:
        case "add":
            return Operation(op="end", kind=change.kind, id=change.id, if_match=current.number)
        case "suspend":
            return Operation(op="resume", kind=change.kind, id=change.id, if_match=current.number)
        case "resume":
            return Operation(op="suspend", kind=change.kind, id=change.id, if_match=current.number)
        case "revoke" | "end" if isinstance(undone.before, Grant | Delegation):
            return _anew(change, undone.before, now)
    if undone.before is None or undone.before == current.fact:
        return None
    verb = "correct" if change.what in ("correct", "end") else "change"
    return _with_fact(verb, change, undone.before, current.number)


def _anew(change: FactChange, before: Grant | Delegation, now: int) -> Operation | None:
    """Return what grants anew what would stand so by now, had it not ended; None: it would be over by itself."""
    past = [each for each in before.history if each.since <= now]
    stands = past[-1] if past and past[-1].state != "active" else None
    if stands is not None and stands.state in FINAL:
        return None
    first = () if stands is None else (stands,)
    item = shown(msgspec.structs.replace(before, history=(*first, *before.history[len(past) :])))
    del item["id"], item["valid_from"]  # It begins when it takes effect, as another one;
    if stands is not None:
        del item["history"][0]["since"]  # and so does its suspension.
    return Operation(op="add", kind=change.kind, fact=item, reason=AGAIN)


def _with_fact(verb: Any, change: FactChange, fact: Fact, if_match: int | None = None) -> Operation:
    return Operation(op=verb, kind=change.kind, id=change.id, if_match=if_match, fact=shown(fact))


def shown(fact: Fact) -> dict[str, Any]:
    """Return a fact as the JSON values of its item."""
    members: dict[str, Any] = msgspec.to_builtins(item_of(fact))
    return members
