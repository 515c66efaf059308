"""
What an auditor asks: who may, who approved, what is due, what changed, how a fact came to be. Service.

Each page costs what its rows cost, whatever the registry holds.
"""

import asyncio
import re
from collections.abc import Iterable
from functools import partial
from typing import Any, TypeVar, cast

import msgspec

from operators.actors.grant_store import Holder, holders_after
from operators.approvals.store import Approval, decided_between
from operators.grants import EVERYTHING, Permission, Principal, Scope, ScopeKind
from registry.asking.standing import Asked, find
from registry.errors import IdentifierNotFound
from registry.events import GAP, Event, Told, told_between, told_of
from registry.identifiers import canonical_identifier
from registry.index.reading import Dated, Indexed
from registry.items import item_of
from registry.known import LATE, Known
from registry.model import FACT_KINDS, TYPES, FactKind, covers, kind_of
from registry.registry import Registry
from registry.reports.shapes import (
    AccessPage,
    AccessRow,
    ApprovedPage,
    ApprovedRow,
    ChangeRow,
    ChangesPage,
    Checked,
    DuePage,
    DueRow,
    History,
    RevisionRow,
    about,
    checked,
)
from storage import Database
from wire import BadRequest, format_exact, format_utc

MAX_PAGE = 500  # rows
ACTIONS = "registry."  # what the names of the actions begin with that are approved here
REVIEWS: tuple[str, ...] = ("review",)
ENDS: tuple[str, ...] = ("end", "identifier-end")

_CURSOR = re.compile("([0-9]{19})\\.([0-9]{19})")  # a time in microseconds, and a position
R = TypeVar("R")


class Reports:
    """Reports over the registry and over who works on it."""

    def __init__(self, registry: Registry, database: Database) -> None:
        self._registry = registry
        self._database = database

    async def access(self, *, after: int, limit: int) -> AccessPage:
        """Return who holds which role now, for everything or for an authority."""
        kinds, now = (ScopeKind.EVERYTHING, ScopeKind.AUTHORITY), self._registry.now()
        read = partial(holders_after, kinds=kinds, after=after, limit=limit + 1, now=now)
        found = await self._database.read(read)
        kept, is_more = _cut(found, limit)
        return AccessPage(tuple(map(_access_row, kept)), kept[-1].number if is_more else None)

    async def approvals(self, since: int, until: int, *, after: int, limit: int) -> ApprovedPage:
        """Return what was decided in [since, until), microseconds since 1970, by whom."""
        read = partial(
            decided_between, actions=ACTIONS, since=since, until=until, after=after, limit=limit + 1
        )
        found = await self._database.read(read)
        kept, is_more = _cut(found, limit)
        return ApprovedPage(tuple(map(_approved_row, kept)), kept[-1].id if is_more else None)

    async def reviews(self, until: int, *, after: str, limit: int) -> DuePage:
        """Return what was to be looked at again before `until`, of what has not ended."""
        return await asyncio.to_thread(self._due, REVIEWS, until, after, limit)

    async def ends(self, until: int, *, after: str, limit: int) -> DuePage:
        """Return the facts, and the keys and certificates, that end from now on and before `until`."""
        return await asyncio.to_thread(
            self._due, ENDS, until, after or _cursor(self._registry.now() - 1, 2**62), limit
        )

    async def changes(self, since: int, until: int, *, after: int, limit: int) -> ChangesPage:
        """Return what the registry was told in [since, until), microseconds since 1970."""
        read = partial(told_between, since=since, until=until, position=after, limit=limit + 1)
        found = await self._database.read(read)
        kept, is_more = _cut(found, limit)
        rows = tuple(ChangeRow(**_members(each)) for each in kept)
        return ChangesPage(rows, kept[-1].event.position if is_more else None)

    async def history(
        self, principal: Principal, kind: FactKind | None, reference: str, *, after: int, limit: int
    ) -> History:
        """
        Return the revisions of a fact.

        Whoever reads for some authorities only sees theirs, what they granted, and nothing of entities: a page with
        a revision of another one is not there.

        Args:
            kind: None: the first of `FACT_KINDS` that has such an id.
            reference: its id; of an entity or an authority also an identifier.

        Raises:
            IdentifierNotFound: the registry was never told of it, or `principal` may not know.
        """
        for each in FACT_KINDS if kind is None else (kind,):
            fact_id = await asyncio.to_thread(self._id_of, each, reference)
            found = await self._database.read(
                partial(told_of, kind=each, fact_id=fact_id, position=after, limit=limit + 1)
            )
            if found and _may_read_all(principal, [told.event for told in found]):
                kept, is_more = _cut(found, limit)
                return History(tuple(map(_revision, kept)), kept[-1].event.position if is_more else None)
        raise IdentifierNotFound("the registry was never told of a fact of this id")

    async def check(self, question: Asked, known_at: int | None) -> Checked:
        """
        Answer a question as of its time, with what was known at a time (None: with all that is known).

        Authority and entity may be ids of ours.

        Raises:
            NotDefined: as `asking.standing.find`.
            KnownAtLost: a restore lost what was known then.
        """
        if known_at is not None:
            await self._registry.close_until(known_at)
        with self._registry.reading(known_at) as known:
            asked = msgspec.structs.replace(
                question,
                authority=_identifier(known, question.authority, question.at),
                entity=_identifier(known, question.entity, question.at),
            )
            return checked(find(known, asked), asked, known_at)

    def _due(self, dates: Iterable[str], until: int, after: str, limit: int) -> DuePage:
        with self._registry.reading() as known:
            found = due(known, dates, until, _place_of(after), self._registry.now(), limit + 1)
        kept, is_more = _cut(found, limit)
        return DuePage(
            tuple(map(_due_row, kept)), _cursor(kept[-1].at, kept[-1].position) if is_more else None
        )

    def _id_of(self, kind: FactKind, reference: str) -> str:
        if kind not in ("entity", "authority") or ":" not in reference:
            return reference
        with self._registry.reading() as known:
            return _entity_id(known, reference)


def due(
    known: Indexed, dates: Iterable[str], until: int, after: tuple[int, int], now: int, limit: int
) -> list[Dated]:
    """
    Return at most `limit` facts that have one of these dates beyond `after` and before `until`, in order.

    What has ended until `now` is left out: nobody need look at it again.
    """
    found = [each for what in dates for each in known.dated(what, after, until, now, limit)]
    return sorted(found, key=lambda each: (each.at, each.position))[:limit]


def _may_read_all(principal: Principal, events: Iterable[Event]) -> bool:
    """Tell whether `principal` may read all these events of one fact; one without content is as the others."""
    told = {_authority_of(each) for each in events if each.kind == "authority" or each.body is not None}
    scopes = {EVERYTHING if not each else Scope(ScopeKind.AUTHORITY, each) for each in told} or {EVERYTHING}
    return all(principal.may(Permission.READ, scope) for scope in scopes)


def _authority_of(event: Event) -> str | None:
    """Return whose an event is; None: nobody's."""
    if event.kind == "authority":
        return event.fact_id
    return None if (item := _item(event)) is None else item.get("authority_id")


def _cut(found: list[R], limit: int) -> tuple[list[R], bool]:
    return found[:limit], len(found) > limit


def _cursor(at: int, position: int) -> str:
    return f"{at:019d}.{position:019d}"


def _place_of(cursor: str) -> tuple[int, int]:
    if not cursor:
        return 0, 0
    if (found := _CURSOR.fullmatch(cursor)) is None:
        raise BadRequest("after: expected `next` of the page before")
    return int(found[1]), int(found[2])


def _entity_id(known: Known, identifier: str) -> str:
    try:
        named = known.entities_named(canonical_identifier(identifier))
    except ValueError:
        named = ()
    return named[-1].fact.id if named else identifier


def _identifier(known: Known, reference: str, at: int) -> str:
    """Return an identifier of whom a reference means, which may be an id of ours: one of that time, if there is."""
    found = known.entity(reference)
    if found is None:
        return reference
    identifiers = found.fact.identifiers
    then = (each for each in identifiers if covers(each.valid_from, each.valid_until, at))
    return next(then, identifiers[-1]).value


def _access_row(holder: Holder) -> AccessRow:
    held = holder.held
    return AccessRow(
        principal=holder.principal_id,
        kind=holder.kind.value,
        role=held.grant.role.value,
        scope=str(held.grant.scope),
        source=held.source,
        granted_by=held.granted_by,
        granted_at=format_utc(held.granted_at),
        ends_at=None if held.ends_at is None else format_utc(held.ends_at),
    )


def _approved_row(approval: Approval) -> ApprovedRow:
    assert approval.decided_at is not None, "it was decided in that time"
    return ApprovedRow(
        approval=approval.id,
        action=approval.action,
        scope=str(approval.scope),
        subject=approval.subject,
        author=approval.author,
        state=approval.state,
        decided_by=approval.decided_by or approval.author,
        decided_at=format_utc(approval.decided_at),
        person=approval.author_person,
        reason=approval.decision_reason,
    )


def _due_row(due: Dated) -> DueRow:
    fact = due.found.fact
    return DueRow(at=format_exact(due.at), what=due.what, kind=kind_of(fact), id=fact.id, about=about(fact))


def _members(told: Told) -> dict[str, Any]:
    event = told.event
    return {
        "position": event.position,
        "version": event.version,
        "recorded_at": format_exact(event.recorded_at),
        "kind": event.kind,
        "id": event.fact_id,
        "revision": event.revision,
        "what": event.what,
        "effective_at": format_exact(event.effective_at),
        "is_late": event.effective_at + LATE <= event.recorded_at,
        **msgspec.structs.asdict(told.cause),
    }


def _revision(told: Told) -> RevisionRow:
    return RevisionRow(fact=_item(told.event), **_members(told))


def _item(event: Event) -> dict[str, Any] | None:
    if event.body is None or event.kind == GAP:
        return None
    fact = msgspec.json.decode(event.body, type=TYPES[cast(FactKind, event.kind)])
    item: dict[str, Any] = msgspec.to_builtins(item_of(fact))
    return item
