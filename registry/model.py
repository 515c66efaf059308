"""
The facts of a registry: authorities, entities, and what an authority granted to an entity. Pure.

Words of TRQP v2.0: an *authority* answers for an ecosystem; an *entity* is who is asked about; an
authorization or a recognition says that the entity may do an *action* on a *resource*. Both have one shape
here, a `Grant`; they differ in `kind` and in who is granted to: for a recognition another authority.

Two times: the *effective* time, when a fact holds (`valid_from`, `valid_until`, `since`: in the fact), and
the *recorded* time, when we learned of it (in the rows, `store.py`). All are microseconds since 1970.
"""

from typing import Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal["authorization", "recognition"]
State: TypeAlias = Literal["active", "suspended", "revoked"]
Phase: TypeAlias = Literal["not_yet_valid", "active", "suspended", "revoked", "expired"]

LocalisedText: TypeAlias = dict[str, str]  # by BCP 47 language tag; never empty where it is a name


class Definition(msgspec.Struct, frozen=True):
    """An action on a resource that an authority's governance framework speaks about."""

    action: str
    resource: str
    description: LocalisedText = {}


class Authority(msgspec.Struct, frozen=True):
    """
    Who answers for an ecosystem.

    Attributes:
        id: its DID.
        governance_framework: https URL of the rules that it grants by.
        defines: what may be asked of it; anything else it does not define (404).
    """

    id: str
    names: LocalisedText
    governance_framework: str
    defines: tuple[Definition, ...]
    description: LocalisedText = {}


class Entity(msgspec.Struct, frozen=True):
    """
    Who may be granted something.

    Attributes:
        id: its identifier, of one of the kinds in `identifiers.py`.
        url: its home page, https, or None.
    """

    id: str
    names: LocalisedText
    url: str | None = None


class StateChange(msgspec.Struct, frozen=True, gc=False):
    """From `since` on the grant is `state`, until the next change; `reason` is for human readers."""

    state: State
    since: int
    reason: str | None = None


class Grant(msgspec.Struct, frozen=True, gc=False):
    """
    An authorization or a recognition, in force in the half-open window [valid_from, valid_until).

    Attributes:
        valid_until: None: no end known.
        history: changes of state, oldest first; the state before the first is active. A revocation is last.
    """

    kind: Kind
    authority_id: str
    entity_id: str
    action: str
    resource: str
    valid_from: int
    valid_until: int | None = None
    history: tuple[StateChange, ...] = ()


class Facts(msgspec.Struct, frozen=True):
    """Everything that a registry says; grants of one key never overlap in time, up to a revocation."""

    authorities: tuple[Authority, ...] = ()
    entities: tuple[Entity, ...] = ()
    grants: tuple[Grant, ...] = ()


class Standing(msgspec.Struct, frozen=True):
    """What a grant is at one time: since when, and until when as far as is known (None: no end known)."""

    phase: Phase
    since: int
    until: int | None = None
    reason: str | None = None


def standing_at(grant: Grant, at: int) -> Standing:
    """
    Return what `grant` is at `at`.

    A revocation outlives the window: a revoked grant never reads as merely expired. Before `valid_from`,
    `since` of the answer is `valid_from` itself.
    """
    if at < grant.valid_from:
        return Standing("not_yet_valid", grant.valid_from, grant.valid_until)
    past = [change for change in grant.history if change.since <= at]
    now = past[-1] if past else StateChange("active", grant.valid_from)
    if now.state == "revoked":
        return Standing("revoked", now.since, None, now.reason)
    if grant.valid_until is not None and at >= grant.valid_until:
        return Standing("expired", grant.valid_until)
    until = grant.history[len(past)].since if len(past) < len(grant.history) else grant.valid_until
    return Standing(now.state, now.since, until, now.reason)
