"""
Reports as they are shown: rows, by pages. Pure.

`next`, where there may be more: the `after` of the next page.
"""

from typing import Any

import msgspec

from registry.asking.standing import Asked, Finding
from registry.asking.trqp_answers import describe
from registry.model import Delegation, Entity, Fact, FactKind, Grant, Kind
from wire import format_exact


class AccessRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A role that somebody holds now, for everything or for an authority; `source` is who said so."""

    principal: str
    kind: str
    role: str
    scope: str
    source: str
    granted_by: str
    granted_at: str
    ends_at: str | None = None


class AccessPage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who may do what, in the order in which it was granted."""

    rows: tuple[AccessRow, ...]
    next: int | None = None


class ApprovedRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that was decided: "approved", "rejected", "alone" (by its author) or "break-glass"."""

    approval: int
    action: str
    scope: str
    subject: str
    author: str
    state: str
    decided_by: str
    decided_at: str
    person: str | None = None
    reason: str | None = None


class ApprovedPage(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was decided about the registry, in the order of the requests."""

    rows: tuple[ApprovedRow, ...]
    next: int | None = None


class DueRow(msgspec.Struct, frozen=True, kw_only=True):
    """A fact with a date: `what` is "review", "end", or "identifier-end"; `about` says in words what it is."""

    at: str
    what: str
    kind: FactKind
    id: str
    about: str


class DuePage(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is due, the earliest first."""

    rows: tuple[DueRow, ...]
    next: str | None = None


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A revision of a fact.

    Attributes:
        position: its place in the order of all events.
        version: of the registry.
        what: the verb, such as "suspend".
        effective_at: the earliest time of which something else is said than before.
        is_late: whether that was over when the registry learned it.
        occasion: such as "import" or "change-set".
    """

    position: int
    version: int
    recorded_at: str
    kind: str
    id: str
    revision: int
    what: str
    effective_at: str
    is_late: bool
    actor: str
    occasion: str
    change_set: int | None = None


class ChangesPage(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the registry was told, in that order."""

    rows: tuple[ChangeRow, ...]
    next: int | None = None


class RevisionRow(ChangeRow, frozen=True, kw_only=True, omit_defaults=True):
    """A revision of a fact, and what the fact was with it, as in a registry file; None: it was never so."""

    fact: dict[str, Any] | None = None


class History(msgspec.Struct, frozen=True, omit_defaults=True):
    """All revisions of one fact, the first first; `next` as of a page."""

    rows: tuple[RevisionRow, ...]
    next: int | None = None


def about(fact: Fact) -> str:
    """Return in words what a fact is."""
    if isinstance(fact, Entity):
        return fact.names.get("en") or next(iter(fact.names.values()))
    if isinstance(fact, Grant):
        return f"{fact.entity_id} may {fact.action} {fact.resource}, says {fact.authority_id}"
    if isinstance(fact, Delegation):
        return f"{fact.delegate_id} may grant in the name of {fact.authority_id}, says {fact.grantor_id}"
    return f"the rules and definitions of {fact.id}"


class Checked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    An answer, and on what it rests.

    Attributes:
        at: the time that it is about.
        known_at: with what was known when; None: with all that is known.
        reason: one word for machines; `message` says it in words.
        grant: the id of what it rests on, and `recorded_at` when the registry learned the last of it.
        chain: the delegations by which it was granted, the authority's own first.
        until: until when it holds, as far as it is known.
    """

    kind: Kind
    decision: str
    reason: str
    message: str
    at: str
    known_at: str | None = None
    entity: str | None = None
    grant: str | None = None
    chain: tuple[str, ...] = ()
    recorded_at: str | None = None
    until: str | None = None


def checked(found: Finding, asked: Asked, known_at: int | None) -> Checked:
    """Return what was found as it is shown."""
    return Checked(
        kind=asked.kind,
        decision=found.decision,
        reason=found.reason,
        message=describe(found, asked.kind),
        at=format_exact(asked.at),
        known_at=None if known_at is None else format_exact(known_at),
        entity=None if found.entity is None else found.entity.fact.id,
        grant=None if found.grant is None else found.grant.fact.id,
        chain=tuple(each.id for each in found.chain),
        recorded_at=format_exact(found.recorded_at),
        until=None if found.until is None else format_exact(found.until),
    )
