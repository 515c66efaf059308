"""
Change sets on the wire: what is sent, and how they are shown. Pure.

An operation speaks of one fact, by its kind and id:

    add       `fact`, which was not there
    change    `fact`, its whole new value from now on
    correct   `fact`, its whole new value, also of the past
    suspend, resume, revoke, end
              from `since` on, or from when it takes effect; for a `reason`
    void      it was never so
"""

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from registry.items import Reference, Shape, Text, Utc
from registry.model import FactKind

MAX_OPERATIONS = 1_000  # of one change set over HTTP
MAX_BYTES = 1_048_576  # bytes of one change set over HTTP
MAX_JWS_BYTES = 65_536  # bytes

Verb: TypeAlias = Literal["add", "change", "correct", "suspend", "resume", "revoke", "end", "void"]
State: TypeAlias = Literal[
    "draft", "submitted", "needs_information", "scheduled", "effective", "rejected", "withdrawn", "conflict"
]
WITH_FACT: frozenset[Verb] = frozenset({"add", "change", "correct"})
OF_STATE: frozenset[Verb] = frozenset({"suspend", "resume", "revoke"})
EDITABLE: frozenset[State] = frozenset({"draft", "needs_information", "conflict"})

Title: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
CommentText: TypeAlias = Annotated[str, Meta(min_length=1, max_length=4_000)]


class Operation(Shape, frozen=True, kw_only=True):
    """
    What is to become of one fact.

    Attributes:
        id: of the fact; of an entity or an authority also an identifier. None: that of `fact`.
        if_match: the number of the revision that was looked at.
        fact: an item of `items.py`, of the kind.
    """

    op: Verb
    kind: FactKind
    id: Reference | None = None
    if_match: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    fact: dict[str, Any] | None = None
    since: Utc | None = None
    reason: Text | None = None
    compromised_since: Utc | None = None


class Draft(Shape, frozen=True, kw_only=True):
    """
    What somebody wants to change.

    Attributes:
        effective_at: when; None: once it is approved.
        base_version: of the registry that was looked at; None: as it is now.
    """

    title: Title
    operations: Annotated[list[Operation], Meta(min_length=1, max_length=MAX_OPERATIONS)]
    effective_at: Utc | None = None
    base_version: Annotated[int, Meta(ge=0, le=2**53)] | None = None


class NewComment(Shape, frozen=True, kw_only=True):
    """What somebody says about a change set."""

    text: CommentText


class Suspension(Shape, frozen=True, kw_only=True):
    """
    What is suspended at once: all that an entity was granted, or some facts; of one authority where that is named.
    """

    reason: Text
    authority: Reference | None = None
    entity: Reference | None = None
    ids: Annotated[list[Reference], Meta(max_length=MAX_OPERATIONS)] = []  # noqa: RUF012 (msgspec copies it)


class ChangeSetRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A change set without its operations.

    Attributes:
        number: what it is called by.
        revision: 1, 2, 3... of the change set itself: what `If-Match` names.
        operation_count: how many operations it has.
        base_version: of the registry that its author looked at.
        approval: the number of the request for approval.
        version: of the registry, which it made.
        inverse_of: the number of the change set that it takes back.
        problem: why it is in conflict, or what is to be said.
    """

    number: int
    title: str
    state: State
    revision: int
    author: str
    scope: str
    operation_count: int
    base_version: int
    created_at: str
    updated_at: str
    effective_at: str | None = None
    approval: int | None = None
    version: int | None = None
    took_effect_at: str | None = None
    inverse_of: int | None = None
    problem: str | None = None


class ChangeSetView(ChangeSetRow, frozen=True, kw_only=True, omit_defaults=True):
    """A change set."""

    operations: tuple[Operation, ...]


class ChangeSetPage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Some change sets, by number; `next`, where there may be more: the `after` of the next page."""

    change_sets: tuple[ChangeSetRow, ...]
    next: int | None = None


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said about a change set."""

    author: str
    at: str
    text: str


class CommentPage(msgspec.Struct, frozen=True):
    """All comments on a change set, the oldest first."""

    comments: tuple[Comment, ...]


class Caution(msgspec.Struct, frozen=True):
    """
    What an approver should know of an operation.

    Attributes:
        pointer: JSON pointer within the change set.
        reason: one word for machines, such as "resembles_another_name".
    """

    pointer: str
    reason: str
    detail: str


class ChangedFact(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What an operation makes of its fact, by its place among the operations.

    Attributes:
        revision: of the fact as it is; None: there is none.
        before, after: items of `items.py`, of the kind.
        is_late: whether something is said of the past.
    """

    operation: int
    op: Verb
    kind: FactKind
    id: str
    effective_at: str
    revision: int | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    is_late: bool = False


class ChangedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A question whose answer becomes another one; `before` and `after` are a decision and its reason."""

    kind: str
    authority: str
    entity: str
    action: str
    resource: str
    time: str
    before: str
    after: str


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a change set would do now.

    Attributes:
        version: of the registry that this was found with; of what took effect, the one that it made.
        fact_count: how many facts it changes; the first of them are `facts`.
        is_complete: whether `answers` are all.
    """

    version: int
    fact_count: int
    facts: tuple[ChangedFact, ...]
    answers: tuple[ChangedAnswer, ...]
    is_complete: bool


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """What an approver should know; a change set with faults is refused instead."""

    version: int
    warnings: tuple[Caution, ...]


class ChallengeView(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge; `challenge` is the text to sign, until `expires_at`."""

    id: str
    identifier: str
    challenge: str
    expires_at: str


class ChallengePage(msgspec.Struct, frozen=True):
    """One challenge for each DID that the change set adds."""

    challenges: tuple[ChallengeView, ...]


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """Whose key met a challenge; `key` is its thumbprint URI (RFC 9278)."""

    identifier: str
    key: str
    met_at: str


class Response(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text of a challenge, signed: a compact JWS."""

    jws: Annotated[str, Meta(min_length=1, max_length=MAX_JWS_BYTES)]
