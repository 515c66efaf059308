"""
The facts of a registry: entities, authorities, what was granted, and who may grant. Pure.

Words of TRQP v2.0: an *authority* answers for an ecosystem; an *entity* is who is asked about; an authorization or
a recognition says that an entity may do an *action* on a *resource*. An authority is an entity too. Entities have
an id of ours, which never changes, and identifiers of the world, which come and go.

Two times: the *effective* time, when a fact holds, lies in the fact (`valid_from`, `valid_until`, `since`); the
*recorded* time, when the registry learned it, lies in the event that says it (`events.py`). All are microseconds
since 1970. A window is half-open, [valid_from, valid_until); None is a bound that nobody knows.
"""

import base64
import hashlib
import re
from typing import Any, Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal["authorization", "recognition"]
FactKind: TypeAlias = Literal["entity", "authority", "authorization", "recognition", "delegation"]
State: TypeAlias = Literal["active", "suspended", "revoked", "superseded"]
Phase: TypeAlias = Literal["not_yet_valid", "active", "suspended", "revoked", "superseded", "expired"]

Window: TypeAlias = tuple[int | None, int | None]  # half-open; None: no bound known
LocalisedText: TypeAlias = dict[str, str]  # by BCP 47 language tag; never empty where it is a name

FACT_KINDS: tuple[FactKind, ...] = ("entity", "authority", "authorization", "recognition", "delegation")
KINDS: tuple[Kind, ...] = ("authorization", "recognition")
FINAL: frozenset[State] = frozenset({"revoked", "superseded"})  # states that nothing follows
OWN_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
"""An id of ours. It has no colon, and each identifier of the world has one, so that a reference may be either."""


class _Fact(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What all facts have in common: what is not said is left out of the row."""


class Identifier(_Fact, frozen=True, kw_only=True, gc=False):
    """
    A name of the world for an entity, of one of the kinds in `identifiers.py`, in its registered spelling.

    Attributes:
        compromised_since: whoever holds its key may be somebody else from then on.
        certificate: base64 of the DER, where the value names one: a path to it can be validated.
        ski: its subject key identifier, in hex: it finds candidates.
    """

    value: str
    valid_from: int | None = None
    valid_until: int | None = None
    compromised_since: int | None = None
    certificate: str | None = None
    ski: str | None = None


class Logo(_Fact, frozen=True, kw_only=True):
    """A picture: https URL, and `sha256-` with the base64 of its digest (W3C Subresource Integrity, 3.1)."""

    href: str
    digest: str
    media_type: str | None = None


class Link(_Fact, frozen=True, kw_only=True):
    """Something to read about an entity: an https URL, and what it is ("home", "privacy-policy")."""

    rel: str
    href: str


class Entity(_Fact, frozen=True, kw_only=True):
    """
    Who may be granted something, from `valid_from` up to `valid_until`.

    Attributes:
        id: ours.
        source: the standing source that says so; None: an operator does.
        review_due: when somebody is to look at it again.
    """

    id: str
    names: LocalisedText
    identifiers: tuple[Identifier, ...]
    source: str | None = None
    description: LocalisedText = {}
    logo: Logo | None = None
    links: tuple[Link, ...] = ()
    valid_from: int | None = None
    valid_until: int | None = None
    review_due: int | None = None


class GovernanceDocument(_Fact, frozen=True, kw_only=True):
    """Rules that an authority grants by: where, in which language and version, and the digest of the text."""

    href: str
    language: str | None = None
    version: str | None = None
    digest: str | None = None


class Resource(_Fact, frozen=True, kw_only=True):
    """
    What an action is about, and what the formats call it.

    Attributes:
        id: as a TRQP query spells it.
        types: `type` of W3C credentials.
        vcts: `vct` of SD-JWT VCs.
        doc_types: `docType` of mdocs.
        requires_status: a credential of it without a status entry is not to be relied on.
    """

    id: str
    description: LocalisedText = {}
    types: tuple[str, ...] = ()
    vcts: tuple[str, ...] = ()
    doc_types: tuple[str, ...] = ()
    requires_status: bool = False


class Definition(_Fact, frozen=True, kw_only=True):
    """An action on a resource that an authority's governance framework speaks about, while its window is open."""

    action: str
    resource: str
    description: LocalisedText = {}
    valid_from: int | None = None
    valid_until: int | None = None


class Vouching(_Fact, frozen=True, kw_only=True):
    """Until when a standing source vouches for what it says; from then on it is not known to hold."""

    source: str
    until: int


class Authority(_Fact, frozen=True, kw_only=True):
    """
    Who answers for an ecosystem: what an entity is besides.

    Attributes:
        id: that of its entity.
        governance_framework: https URL of the rules that it grants by.
        defines: what may be asked of it; anything else it does not define (404). What was defined stays, ended.
        resources: names of resources in the formats' terms; one that is missing has none.
        freshness_seconds: how long an answer may be relied on; None: the registry's own setting.
        max_delegations: how many delegations may stand between it and a grant.
        vouching: of the standing sources that grant in its name.
    """

    id: str
    governance_framework: str
    defines: tuple[Definition, ...]
    resources: tuple[Resource, ...] = ()
    governance_documents: tuple[GovernanceDocument, ...] = ()
    freshness_seconds: int | None = None
    max_delegations: int = 3
    vouching: tuple[Vouching, ...] = ()
    valid_from: int | None = None
    valid_until: int | None = None
    review_due: int | None = None


class StateChange(_Fact, frozen=True, kw_only=True, gc=False):
    """
    From `since` on the fact is `state`, until the next change.

    Attributes:
        reason: for human readers.
        compromised_since: of a revocation: what was signed from then on is not to be trusted, whatever time it
            claims, and what claims an earlier time may have been made later.
        superseded_by: the id of what stands in its place.
    """

    state: State
    since: int
    reason: str | None = None
    compromised_since: int | None = None
    superseded_by: str | None = None


class Grant(_Fact, frozen=True, kw_only=True, gc=False):
    """
    An authorization or a recognition.

    Attributes:
        authority_id, entity_id: ids of ours.
        history: changes of state, oldest first; the state before the first is active. A final one is last.
        granted_by: the id of the entity that granted it in the authority's name; None: the authority itself.
        source: the standing source that says so; None: an operator does.
        constraints: further conditions, in the words of the authority's rules.
    """

    id: str
    kind: Kind
    authority_id: str
    entity_id: str
    action: str
    resource: str
    valid_from: int
    valid_until: int | None = None
    history: tuple[StateChange, ...] = ()
    granted_by: str | None = None
    source: str | None = None
    constraints: dict[str, str] = {}
    review_due: int | None = None


class Delegation(_Fact, frozen=True, kw_only=True):
    """
    The power to grant in an authority's name.

    Attributes:
        grantor_id: who gives it: the authority itself, or one to whom it was given.
        delegate_id: who has it then.
        kinds, actions, resources: what may be granted; no `resources`: any.
        further: how many times it may be passed on.
    """

    id: str
    authority_id: str
    grantor_id: str
    delegate_id: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ("authorization",)
    further: int = 0
    valid_from: int
    valid_until: int | None = None
    history: tuple[StateChange, ...] = ()
    review_due: int | None = None


Fact: TypeAlias = Entity | Authority | Grant | Delegation
TYPES: dict[FactKind, type[Any]] = {
    "entity": Entity,
    "authority": Authority,
    "authorization": Grant,
    "recognition": Grant,
    "delegation": Delegation,
}


class Standing(msgspec.Struct, frozen=True):
    """
    What a grant or a delegation is at one time.

    Attributes:
        since, until: the span of that phase, as far as it is known (None: no end known).
        compromised_since: where a revocation said so, at any time.
    """

    phase: Phase
    since: int
    until: int | None = None
    reason: str | None = None
    compromised_since: int | None = None


def kind_of(fact: Fact) -> FactKind:
    """Return the kind of a fact."""
    if isinstance(fact, Grant):
        return fact.kind
    if isinstance(fact, Entity):
        return "entity"
    return "authority" if isinstance(fact, Authority) else "delegation"


def derived_id(prefix: str, *parts: str | int) -> str:
    """Return the id that a fact has where nobody chose one: a digest of what it is about, 100 bits of it."""
    digest = hashlib.sha256(msgspec.json.encode(parts)).digest()
    return f"{prefix}-{base64.b32encode(digest)[:20].decode().lower()}"


def covers(valid_from: int | None, valid_until: int | None, at: int) -> bool:
    """Tell whether `at` lies in the half-open window."""
    return (valid_from is None or valid_from <= at) and (valid_until is None or at < valid_until)


def meet(one: Window, other: Window) -> bool:
    """Tell whether two half-open windows have a time in common."""
    return not (_is_before(one, other) or _is_before(other, one))


def _is_before(one: Window, other: Window) -> bool:
    return one[1] is not None and other[0] is not None and one[1] <= other[0]


def by_pair(definition: Definition) -> tuple[str, str, bool, int]:
    """Return what definitions are sorted by, so that their order is no change."""
    starts = definition.valid_from
    return definition.action, definition.resource, starts is not None, starts or 0


def defined_at(authority: Authority, at: int) -> list[Definition]:
    """Return what an authority defines at a time."""
    return [each for each in authority.defines if covers(each.valid_from, each.valid_until, at)]


def definitions_of(authority: Authority, action: str, resource: str) -> list[Definition]:
    """Return the definitions of a pair, of any time."""
    return [each for each in authority.defines if each.resource == resource and each.action == action]


def named_window(entity: Entity, identifier: Identifier) -> Window:
    """Return while an identifier names its entity: while both windows are open."""
    starts = [each for each in (identifier.valid_from, entity.valid_from) if each is not None]
    ends = [each for each in (identifier.valid_until, entity.valid_until) if each is not None]
    return max(starts, default=None), min(ends, default=None)


def ended_at(fact: Grant | Delegation) -> int | None:
    """Return when it ended for good: at its final change of state, or with its window."""
    if fact.history and fact.history[-1].state in FINAL:
        return fact.history[-1].since
    return fact.valid_until


def end_of(fact: Fact) -> int | None:
    """Return when a fact of any kind ends for good; None: no end is known."""
    return ended_at(fact) if isinstance(fact, Grant | Delegation) else fact.valid_until


def standing_at(fact: Grant | Delegation, at: int) -> Standing:
    """
    Return what `fact` is at `at`.

    A final state outlives the window: what was revoked never reads as merely expired. Before `valid_from`, `since`
    of the answer is `valid_from` itself.
    """
    last = fact.history[-1] if fact.history else None
    compromised = last.compromised_since if last is not None else None
    if at < fact.valid_from:
        return Standing("not_yet_valid", fact.valid_from, fact.valid_until, None, compromised)
    past = [change for change in fact.history if change.since <= at]
    now = past[-1] if past else StateChange(state="active", since=fact.valid_from)
    if now.state in FINAL:
        return Standing(now.state, now.since, None, now.reason, compromised)
    if fact.valid_until is not None and at >= fact.valid_until:
        return Standing("expired", fact.valid_until, None, None, compromised)
    until = fact.history[len(past)].since if len(past) < len(fact.history) else fact.valid_until
    return Standing(now.state, now.since, until, now.reason, compromised)
