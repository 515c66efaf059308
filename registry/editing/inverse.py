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
from registry.model import Delegation, Fact, Grant
from registry.placed import Finding

AGAIN = "granted again: a revocation is final"


class Undone(msgspec.Struct, frozen=True):
    """
    What a version made of a fact, and what that was before it (None: it was not there).

    Attributes:
        revision: the number of the revision that it made.
    """

    change: FactChange
    before: Fact | None
    revision: int


def inverse_of(known: Known, undone: Iterable[Undone]) -> tuple[Operation, ...]:
    """
    Return the operations that take changes back, those of facts that are as they were before left out.

    - What was added ends; what ended, or was revoked, is granted anew from then on, since both are final.
    - That an entity or an authority ended is corrected: it was there all the time.
    - What was suspended is resumed, and the other way round.
    - What was changed, corrected or voided becomes what it was before.

    Raises:
        FactsChanged: one of the last was changed again since, which taking it back would undo as well.
    """
    listed = list(undone)
    if conflicts := [found for each in listed for found in _changed_again(known, each)]:
        raise FactsChanged(conflicts)
    found = (_inverse(known, each) for each in reversed(listed))
    return tuple(each for each in found if each is not None)


def _changed_again(known: Known, undone: Undone) -> Iterator[Finding]:
    change, current = undone.change, known.fact(undone.change.kind, undone.change.id)
    is_whole = change.what in ("change", "correct", "void")
    if is_whole and current is not None and current.number != undone.revision:
        yield "", f"the {change.kind} {change.id} was changed again since: it is at revision {current.number}"


def _inverse(known: Known, undone: Undone) -> Operation | None:
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
            return _anew(change, undone.before)
    if undone.before is None or undone.before == current.fact:
        return None
    verb = "correct" if change.what in ("correct", "end") else "change"
    return _with_fact(verb, change, undone.before, current.number)


def _anew(change: FactChange, before: Grant | Delegation) -> Operation:
    item = shown(msgspec.structs.replace(before, history=()))
    del item["id"], item["valid_from"]  # It begins when it takes effect, as another one.
    return Operation(op="add", kind=change.kind, fact=item, reason=AGAIN)


def _with_fact(verb: Any, change: FactChange, fact: Fact, if_match: int | None = None) -> Operation:
    return Operation(op=verb, kind=change.kind, id=change.id, if_match=if_match, fact=shown(fact))


def shown(fact: Fact) -> dict[str, Any]:
    """Return a fact as the JSON values of its item."""
    members: dict[str, Any] = msgspec.to_builtins(item_of(fact))
    return members
