"""
A standing source: where a list is, who answers for it, what it means here; and what became of it. Pure.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from registry.imports.lote.meaning import ListTerms
from registry.imports.lote.reading import Seen
from registry.imports.terms import Right
from registry.items import OwnId, Reference, Url, item_of
from registry.known import FactChange
from registry.model import FactKind, State
from wire import format_exact, format_utc

Policy: TypeAlias = Literal["hold", "pass"]
Seconds: TypeAlias = Annotated[int, Meta(ge=300, le=31_536_000)]

MAX_DIFFERENCES = 50  # shown of those that are held
MAX_REMARKS = 20  # shown of what of a list was passed over
MAX_ANCHOR_CHARS = 49_152  # of PEM: some 30 certificates; a body has 64 KiB


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """
    What all sources have.

    Attributes:
        id: ours.
        url: where it is.
        authority_id: in whose name it grants.
        policy: whether what differs is recorded at once, or held until an operator lets it pass. Where changes of
            the registry need another person, it is always held.
        every_seconds: how often it is looked at; a list sooner if it is to be replaced.
    """

    id: OwnId
    url: Url
    authority_id: Reference
    policy: Policy = "hold"
    every_seconds: Seconds = 21_600


class ListSource(_Settings, frozen=True, kw_only=True, tag="lote"):
    """
    A list of trusted entities (ETSI TS 119 602), signed.

    Attributes:
        anchors: PEM: certificates of the authorities, or of the signers, that answer for it.
        services: what a service may do, by its ServiceTypeIdentifier.
        states: what a ServiceStatus means, beside the usual ones.
    """

    anchors: Annotated[str, Meta(min_length=1, max_length=MAX_ANCHOR_CHARS)]
    services: Annotated[dict[str, tuple[Right, ...]], Meta(min_length=1, max_length=100)]
    states: Annotated[dict[str, State], Meta(max_length=100)] = {}

    def terms(self) -> ListTerms:
        return ListTerms(self.authority_id, self.services, self.states)


class AnchorSource(_Settings, frozen=True, kw_only=True, tag="pem"):
    """
    A file of certificates, which nobody signed: whoever has the host of its URL says what is in it.

    Attributes:
        rights: what each certificate may do.
        vouched_seconds: how long the file holds after it was fetched.
    """

    rights: Annotated[tuple[Right, ...], Meta(min_length=1, max_length=100)]
    vouched_seconds: Seconds = 604_800


Source: TypeAlias = ListSource | AnchorSource


class HeldChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a source says otherwise than before, and what is not recorded yet; `fact`: its whole new value."""

    what: str
    kind: FactKind
    id: str
    effective_at: str
    fact: dict[str, Any]


class Adder(msgspec.Struct, frozen=True):
    """
    Who had the registry follow a source.

    Attributes:
        id: the principal.
        key, person: the API key with which it came, and the person behind that.
        parties: all who could act as it then.
    """

    id: str
    key: str | None
    person: str | None
    parties: tuple[str, ...]


class SourceState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    What became of a source; times are microseconds since 1970.

    Attributes:
        due_at: when it is looked at next.
        adder: who had the registry follow it; None: nobody knows.
        until: until when what it said holds; None: it said nothing yet.
        seen: the last version that was taken up.
        problem: what is wrong with it, for operators.
        held, held_sha256: how many differences are held, and the digest of them and of the source (`held_digest`).
        differences: the first of them.
        remarks: what of it was passed over, the first few.
        grants: ids of what it grants.
        lets_pass: the digest of what an operator lets pass.
    """

    due_at: int
    adder: Adder | None = None
    checked_at: int | None = None
    until: int | None = None
    seen: Seen | None = None
    problem: str | None = None
    held: int = 0
    held_sha256: str | None = None
    differences: tuple[HeldChange, ...] = ()
    remarks: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    lets_pass: str | None = None


class SourceView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A source as operators see it; `held`: how many differences wait for somebody to let them pass."""

    source: Source
    grants: int
    next_look: str
    checked_at: str | None = None
    sequence: int | None = None
    holds_until: str | None = None
    problem: str | None = None
    held: int = 0
    held_sha256: str | None = None


class SourceDetail(SourceView, frozen=True, kw_only=True, omit_defaults=True):
    """
    All that there is to see of a source.

    Attributes:
        differences: of those that are held the first `MAX_DIFFERENCES`.
        remarks: of what is passed over the first `MAX_REMARKS`, each with its pointer.
    """

    differences: tuple[HeldChange, ...] = ()
    remarks: tuple[str, ...] = ()


class LetPass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is held, by its digest (`held_sha256` of the source)."""

    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class SourceList(msgspec.Struct, frozen=True):
    """All sources, by id."""

    sources: tuple[SourceView, ...]


def source_view(source: Source, state: SourceState) -> SourceView:
    """Return a source as operators see it."""
    return SourceView(
        source=source,
        grants=len(state.grants),
        next_look=format_utc(state.due_at),
        checked_at=None if state.checked_at is None else format_utc(state.checked_at),
        sequence=None if state.seen is None else state.seen.sequence,
        holds_until=None if state.until is None else format_utc(state.until),
        problem=state.problem,
        held=state.held,
        held_sha256=state.held_sha256,
    )


def source_detail(source: Source, state: SourceState) -> SourceDetail:
    """Return all that there is to see of a source."""
    row = msgspec.structs.asdict(source_view(source, state))
    return SourceDetail(**row, differences=state.differences, remarks=state.remarks)


def held_changes(changes: Iterable[FactChange]) -> tuple[HeldChange, ...]:
    """Return the first changes as operators see them: what ends, what is granted, and last to whom."""
    first = sorted(changes, key=lambda change: (change.what != "end", change.kind == "entity"))
    return tuple(
        HeldChange(
            what=change.what,
            kind=change.kind,
            id=change.id,
            effective_at=format_exact(change.effective_at),
            fact=msgspec.to_builtins(item_of(change.fact)),
        )
        for change in islice(first, MAX_DIFFERENCES)
        if change.fact is not None
    )
