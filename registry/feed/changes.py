"""
Changes as the feed shows them, and which of them somebody wants. Pure.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from registry.events import GAP
from registry.items import OwnId, item_of
from registry.known import LATE
from registry.model import TYPES, Authority, Delegation, Entity, Fact, FactKind, Grant
from wire import format_exact

MAX_PAGE = 500  # changes
MAX_POSITION = 2**53  # what every reader of JSON has without loss


class Change(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    One event, with what its version says of it; times are microseconds since 1970.

    Attributes:
        digest: of the version: of a history that a restore cut off, the same position has another one.
        body_before: of the revision before, where there was one.
    """

    position: int
    version: int
    recorded_at: int
    occasion: str
    actor: str
    change_set: int | None
    digest: str
    kind: str
    fact_id: str
    what: str
    effective_at: int
    body: str | None
    body_before: str | None


class Gap(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """A restore lost what was recorded after `from`, and until `until`."""

    from_: str
    until: str


class ChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """
    One change of one fact.

    Attributes:
        position: 1, 2, 3... of all changes; its version is all that was recorded at the same time.
        recorded_at, effective_at: when the registry learned it; the earliest time whose answers may differ by it.
        late: whether it holds since at least 10 s before it was recorded.
        occasion: "import", "change-set", "emergency", "source", "upgrade", "restore".
        what: "add", "change", "end", "suspend", "resume", "revoke", "correct", "void"; of a gap, "gap".
        fact: the whole fact since then, as a registry file says it; null: it was never so, or it is a gap.
        gap: of the kind "gap" only.
        actor, change_set: who did it, and in which change set; for operators only.
    """

    position: int
    version: int
    recorded_at: str
    effective_at: str
    late: bool
    occasion: str
    what: str
    kind: str
    id: str
    fact: dict[str, Any] | None
    gap: Gap | UnsetType = UNSET
    actor: str | UnsetType = UNSET
    change_set: int | UnsetType = UNSET


class Restored(msgspec.Struct, frozen=True):
    """When a backup took the place of the registry, and the position of the gap that tells so."""

    position: int
    at: str


class ChangePage(msgspec.Struct, frozen=True, kw_only=True):
    """
    Some changes, in the order of their positions.

    Attributes:
        next: the `since` of the page after this one, whether there is one yet or not.
        last: the position of the last change that there is.
        restored: the last time that it was restored from a backup. Where that is another one than on the page
            before, positions from its own on were given anew: go on from the one before it.
    """

    changes: tuple[ChangeView, ...]
    next: int
    last: int
    restored: Restored | None = None


class Filter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """
    Which changes somebody wants; nothing said: all. A gap concerns everybody.

    Attributes:
        authority: its id: what it is, grants and delegates.
        entity: its id: what it is, and what it is granted, delegates and is delegated.
    """

    kind: FactKind | None = None
    authority: OwnId | None = None
    entity: OwnId | None = None

    def takes(self, told: Change) -> bool:
        """Tell whether a change is wanted: the fact is of that kind, and about them now or was before."""
        if told.kind == GAP or self == _ALL:
            return True
        if self.kind is not None and told.kind != self.kind:
            return False
        facts = list(_facts(told))
        return (self.authority is None or any(_authority_of(fact) == self.authority for fact in facts)) and (
            self.entity is None or any(self.entity in _entities_of(fact) for fact in facts)
        )


_ALL = Filter()
_DECODERS = {kind: msgspec.json.Decoder(wanted) for kind, wanted in TYPES.items()}


def change_view(told: Change, *, for_operators: bool = False) -> ChangeView:
    """Return a change as it is shown; who did it only to operators."""
    is_gap = told.kind == GAP
    return ChangeView(
        position=told.position,
        version=told.version,
        recorded_at=format_exact(told.recorded_at),
        effective_at=format_exact(told.effective_at),
        late=told.effective_at + LATE <= told.recorded_at,
        occasion=told.occasion,
        what=told.what,
        kind=told.kind,
        id=told.fact_id,
        fact=None if is_gap or told.body is None else _shown(_fact(told.kind, told.body)),
        gap=_gap(told) if is_gap else UNSET,
        actor=told.actor if for_operators else UNSET,
        change_set=told.change_set if for_operators and told.change_set is not None else UNSET,
    )


def _facts(told: Change) -> Iterator[Fact]:
    for body in (told.body, told.body_before):
        if body is not None:
            yield _fact(told.kind, body)


def _fact(kind: str, body: str) -> Fact:
    fact: Fact = _DECODERS[kind].decode(body)  # type: ignore[index]
    return fact


def _shown(fact: Fact) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(item_of(fact))
    return shown


def _gap(told: Change) -> Gap:
    lost = msgspec.json.decode(told.body or "{}", type=dict[str, int])
    return Gap(format_exact(lost["from"]), format_exact(lost["until"]))


def _authority_of(fact: Fact) -> str:
    return fact.authority_id if isinstance(fact, Grant | Delegation) else fact.id


def _entities_of(fact: Fact) -> tuple[str | None, ...]:
    if isinstance(fact, Grant):
        return fact.entity_id, fact.granted_by
    if isinstance(fact, Delegation):
        return fact.grantor_id, fact.delegate_id
    assert isinstance(fact, Entity | Authority)
    return (fact.id,)
