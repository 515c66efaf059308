"""
Standing sources, followed: fetched anew before they end, and what differs recorded or held. Service.

One process of all nodes looks (`step`). What a source says becomes an edit of the registry like any other, with the
source as the actor. A source that cannot be fetched or is refused changes nothing: what it said before holds until
it is not vouched for any more, and is unknown from then on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from operators import Principal
from operators.acting import act_once
from operators.approvals.change import ApprovalView, Asks, Change, Decided, Doer
from operators.approvals.deciding import parties, require_other
from operators.approvals.rules import APPLY, REMOVE_SOURCE, is_of_nobody
from operators.grants import EVERYTHING, Permission, require
from operators.noting import digest_of, note
from registry.errors import SourceNotFound
from registry.events import Cause
from registry.identifiers import canonical_identifier
from registry.imports.lote.signature import read_list_anchors
from registry.imports.terms import Right
from registry.known import FactChange, Known
from registry.registry import Edit, Registry
from registry.sources.model import (
    MAX_REMARKS,
    Adder,
    ListSource,
    Source,
    SourceDetail,
    SourceList,
    SourceState,
    SourceView,
    held_changes,
    source_detail,
    source_view,
)
from registry.sources.planning import SourcePlan, begun, endings, held_digest, plan_source
from registry.sources.reading import ReadSource, read_source
from registry.sources.store import (
    SourceRow,
    all_sources,
    changed_by_operators,
    drop_source,
    find_source,
    newest_seen,
    note_seen,
    put_source,
    set_state,
)
from storage import Database, Transaction, record
from wire import Conflict, Forbidden, Refusal, format_utc

LOG = logging.getLogger("touchstone.registry")

MAX_SOURCES = 32
RETRY = 600_000_000  # microseconds between two looks at a source that is away, or ends soon
LEAD = 86_400_000_000  # microseconds before its end from which on a source is looked at again and again

Fetch = Callable[[str], Awaitable[bytes]]
OnProblem = Callable[[str, str | None], None]  # the id of a source, and what is wrong; None: nothing


class SourceProblem(Exception):
    """A source that cannot be fetched, or whose facts cannot be recorded; the message is for operators."""


class _GrantsChanged(Exception):
    """A source grants something else than when its end was planned."""


class Sources:
    """
    The standing sources of a registry.

    Args:
        fetch: returns what is at a URL; raises SourceProblem.
        check_url: raises where we would fetch nothing from a URL.
        on_problem: told of each source at each step.
        approvals: who knows whether a removal needs another person.
        needs_another: whether changes of the registry need another person, as things are.
    """

    def __init__(
        self,
        registry: Registry,
        database: Database,
        *,
        fetch: Fetch,
        check_url: Callable[[str], object],
        on_problem: OnProblem,
        approvals: Asks,
        needs_another: Callable[[], Awaitable[bool]],
    ) -> None:
        self._registry = registry
        self._database = database
        self._fetch = fetch
        self._check_url = check_url
        self._on_problem = on_problem
        self._approvals = approvals
        self._needs_another = needs_another
        self._told: set[str] = set()  # Ids of sources with which something was wrong when we told last.

    async def add(
        self, principal: Principal, source: Source, *, idempotency_key: str | None = None
    ) -> SourceView:
        """
        Follow a source from now on.

        Raises:
            MalformedCertificate: its anchors are none.
            UrlRefused: the URL is not https, or not on a host that could be public.
            Conflict: there is one of this id, or there are too many.
        """
        self._check_url(source.url)
        if isinstance(source, ListSource):
            await asyncio.to_thread(read_list_anchors, source.anchors.encode())
        now = self._registry.now()

        def make(tx: Transaction) -> SourceView:
            state = SourceState(due_at=now, adder=_adder(tx, principal, now))
            if find_source(tx, source.id) is not None:
                raise Conflict(f"there is a source {source.id}; remove it, or take another id")
            if len(all_sources(tx)) >= MAX_SOURCES:
                raise Conflict(f"there are {MAX_SOURCES} sources; remove one first")
            put_source(tx, source, state)
            note(tx, principal, "registry.source.add", source.id, at=now, after=source, url=source.url)
            return source_view(source, state)

        request = ("add-registry-source", source)
        return await act_once(self._database, principal, idempotency_key, request, make, SourceView, at=now)

    async def list(self) -> SourceList:
        """Return all sources."""
        rows = await self._database.read(all_sources)
        return SourceList(tuple(source_view(row.source, row.state) for row in rows))

    async def show(self, source_id: str) -> SourceDetail:
        """
        Return all that there is to see of a source.

        Raises:
            SourceNotFound: there is no such source.
        """
        row = await self._database.read(lambda tx: _require(tx, source_id))
        return source_detail(row.source, row.state)

    async def refresh(
        self, principal: Principal, source_id: str, *, lets_pass: str | None = None
    ) -> SourceView:
        """
        Have a source looked at within seconds.

        Args:
            lets_pass: the digest of what is held, which is recorded if the source still says so.

        Raises:
            SourceNotFound: there is no such source.
            Conflict: what is held is something else.
            Forbidden: another person has to let it pass, as another one approves (`require_decider`).
        """
        now = self._registry.now()
        by_another = lets_pass is not None and await self._needs_another()

        def work(tx: Transaction) -> SourceView:
            row = _require(tx, source_id)
            if lets_pass is not None and row.state.held_sha256 != lets_pass:
                raise Conflict("what is held has another digest; look at it again")
            if by_another:
                _require_another(tx, principal, row.state.adder, now)
            state = msgspec.structs.replace(row.state, due_at=now, lets_pass=lets_pass)
            set_state(tx, source_id, state)
            action = "registry.source.refresh" if lets_pass is None else "registry.source.pass"
            note(tx, principal, action, source_id, at=now, sha256=lets_pass)
            return source_view(row.source, state)

        return await self._database.write(work)

    def doers(self) -> dict[str, Doer]:
        """Return what makes each change that can be approved."""
        return {
            REMOVE_SOURCE: lambda author, asked, decided: self.remove(
                author, asked["source"], decided=decided
            )
        }

    async def remove(
        self,
        principal: Principal,
        source_id: str,
        *,
        idempotency_key: str | None = None,
        decided: Decided | None = None,
    ) -> SourceView | ApprovalView:
        """
        Follow a source no more: what it grants ends now. Where changes of the registry need another person, so
        does this: what ends may be all that an authority granted.

        Raises:
            SourceNotFound: there is no such source.
            Forbidden: whoever asked administers not everything any more.
        """
        if decided is not None:  # Else the route looks at it.
            require(principal, Permission.ADMINISTER, EVERYTHING)
        row = await self._database.read(lambda tx: _require(tx, source_id))
        if decided is None and (
            asked := await self._approvals.ask(
                principal, _removal(row.source), idempotency_key, (REMOVE_SOURCE, source_id)
            )
        ):
            return asked
        while True:
            row = await self._database.read(lambda tx: _require(tx, source_id))
            try:
                return await self._remove(principal, row, decided)
            except _GrantsChanged:  # A look came between.
                continue

    async def _remove(self, principal: Principal, row: SourceRow, decided: Decided | None) -> SourceView:
        source_id = row.source.id

        def within(tx: Transaction, edit: Edit) -> SourceView:
            found = _require(tx, source_id)
            if decided is not None:
                decided(tx, _removal(found.source))
            if found.state.grants != row.state.grants:
                raise _GrantsChanged
            drop_source(tx, source_id)
            at, ended = self._registry.now(), len(edit.changes)
            note(tx, principal, REMOVE_SOURCE, source_id, at=at, before=row.source, ended=ended)
            return source_view(row.source, row.state)

        cause = Cause(principal.id, "source")
        return await self._registry.edit(
            lambda known, now: tuple(endings(known, source_id, row.state.grants, now)), within, cause
        )

    async def step(self) -> None:
        """Look at the sources that are due, and tell of each whether something is wrong with it."""
        rows = await self._database.read(all_sources)
        for row in rows:
            state = row.state if row.state.due_at > self._registry.now() else await self._look(row)
            self._tell(row.source.id, None if state is None else problem_of(state, self._registry.now()))
        for gone in self._told - {row.source.id for row in rows}:
            self._tell(gone, None)

    def leave(self) -> None:
        """Another process looks, and tells from now on."""
        for source_id in tuple(self._told):
            self._tell(source_id, None)

    def _tell(self, source_id: str, problem: str | None) -> None:
        (self._told.discard if problem is None else self._told.add)(source_id)
        self._on_problem(source_id, problem)

    async def _look(self, row: SourceRow) -> SourceState | None:
        """Return what became of a source; None: it was removed meanwhile."""
        now = self._registry.now()
        try:
            return await self._take_up(row, await self._read(row, now))
        except Refusal as error:
            problem = error.detail
        except SourceProblem as error:
            problem = str(error)
        except Exception:  # A fault of ours with one list; the others are looked at all the same.
            LOG.exception("looking at the source %s failed", row.source.id)
            problem = "looking at it failed; the log of the server says why"
        return await self._database.write(lambda tx: _failed(tx, row, problem, now))

    async def _read(self, row: SourceRow, now: int) -> ReadSource:
        """
        Return what a source says.

        A newer version counts as seen though it may be held, or not be taken up at all. Otherwise the one before it
        could be played back, and what is held would be gone.
        """
        source, holds_until = row.source, row.state.until
        data = await self._fetch(source.url)
        last = await self._database.read(lambda tx: newest_seen(tx, source.id))
        read = await asyncio.to_thread(read_source, source, data, now=now, last=last, holds_until=holds_until)
        if (seen := read.seen) is not None and seen != last:
            await self._database.write(lambda tx: note_seen(tx, source.id, seen))
        return read

    async def _take_up(self, row: SourceRow, read: ReadSource) -> SourceState:
        """Record what a source says, or hold it."""
        passes = row.source.policy == "pass" and not await self._needs_another()
        changed = await self._database.read(lambda tx: changed_by_operators(tx, row.source.id))
        turn = _Turn(row, read, changed, lets_all_pass=passes)
        return await self._registry.edit(turn.plan, turn.record, Cause(f"source:{row.source.id}", "source"))


class _Turn:
    """What a source says this time; `plan` may run again where others changed the registry meanwhile."""

    def __init__(
        self, row: SourceRow, read: ReadSource, changed: frozenset[str], *, lets_all_pass: bool
    ) -> None:
        self._row = row
        self._read = read
        self._changed = changed
        self._lets_all_pass = lets_all_pass
        self._planned: SourcePlan | None = None
        self._sha256 = ""
        self._remarks: tuple[str, ...] = ()
        self._now = 0

    def plan(self, known: Known, now: int) -> tuple[FactChange, ...]:
        source, read = self._row.source, self._read

        def since(identifier: str, right: Right) -> int:
            found = begun(known, source.id, identifier, right, self._changed)
            return read.begun if found is None else found

        meaning = read.meaning(since)
        planned = plan_source(
            known,
            meaning.items,
            source_id=source.id,
            authority_id=_authority_id(known, source.authority_id),
            until=read.until,
            granted=self._row.state.grants,
            now=now,
            changed=self._changed,
        )
        if planned.findings:
            told = "; ".join(f"{pointer}: {detail}" for pointer, detail in planned.findings[:3])
            raise SourceProblem(f"{len(planned.findings)} faults: {told}")
        self._planned, self._now = planned, now
        remarks = (*planned.remarks, *meaning.remarks)
        self._sha256 = held_digest(source, read.sha256, planned.differences, {now, read.begun})
        self._remarks = tuple(f"{pointer}: {detail}" for pointer, detail in remarks[:MAX_REMARKS])
        return (*planned.differences, *planned.vouching) if self._passes(planned) else ()

    def record(self, tx: Transaction, edit: Edit) -> SourceState:
        planned = self._planned
        assert planned is not None, "planned before"
        row = _require(tx, self._row.source.id)
        if row.source != self._row.source:
            raise SourceProblem("it was removed, and added otherwise, during the look; it is looked at again")
        if changed_by_operators(tx, row.source.id) != self._changed:
            raise SourceProblem("an operator changed what it grants during the look; it is looked at again")
        state = self._state_after(row, planned)
        set_state(tx, row.source.id, state)
        if edit.changes and planned.differences:
            detail = {
                "version": edit.version,
                "changes": len(planned.differences),
                "sha256": self._read.sha256,
            }
            actor, action = f"source:{row.source.id}", "registry.source.taken"
            record(tx, actor=actor, action=action, subject=row.source.id, detail=detail, at=self._now)
        return state

    def _passes(self, planned: SourcePlan) -> bool:
        is_let = self._row.state.lets_pass == self._sha256
        return self._lets_all_pass or is_let or not planned.differences

    def _state_after(self, row: SourceRow, planned: SourcePlan) -> SourceState:
        read, now = self._read, self._now
        passes = self._passes(planned)
        looked = _looked(
            row.state,
            self._row.state,
            due_at=min(now + row.source.every_seconds * 1_000_000, max(now + RETRY, read.until - LEAD)),
            checked_at=now,
            problem=None,
            held=0 if passes else len(planned.differences),
            held_sha256=None if passes else self._sha256,
            differences=() if passes else held_changes(planned.differences),
            remarks=self._remarks,
        )
        if not passes:
            return looked
        return msgspec.structs.replace(looked, until=read.until, seen=read.seen, grants=planned.grants)


def problem_of(state: SourceState, now: int) -> str | None:
    """Return what is wrong with a source; None: nothing is."""
    if state.until is not None and state.until <= now:
        why = state.problem or "no newer one was let pass"
        return f"not vouched for since {format_utc(state.until)}, so that what it said is unknown: {why}"
    if state.problem is not None:
        return state.problem
    return f"{state.held} differences wait until somebody lets them pass" if state.held else None


def _removal(source: Source) -> Change:
    request = {"source": source.id, "digest": digest_of(source)}
    return Change(action=REMOVE_SOURCE, scope=EVERYTHING, subject=source.id, request=request)


def _adder(tx: Transaction, principal: Principal, now: int) -> Adder:
    side = parties(tx, principal.id, now, key=principal.key, person=principal.person)
    return Adder(principal.id, principal.key, principal.person, tuple(sorted(side)))


def _require_another(tx: Transaction, principal: Principal, adder: Adder | None, now: int) -> None:
    if adder is None or is_of_nobody(APPLY, adder.person):
        raise Forbidden(
            "it is not known which person added this source, and it could be you: let a person"
            " remove it, and add it"
        )
    of_now = parties(tx, adder.id, now, key=adder.key, person=adder.person)
    require_other(tx, principal, adder.id, of_now | set(adder.parties), now, scope=EVERYTHING)


def _failed(tx: Transaction, before: SourceRow, problem: str, now: int) -> SourceState | None:
    row = find_source(tx, before.source.id)
    if row is None:
        return None
    state = _looked(row.state, before.state, checked_at=now, due_at=now + RETRY, problem=problem)
    set_state(tx, row.source.id, state)
    return state


def _looked(state: SourceState, before: SourceState, *, due_at: int, **said: Any) -> SourceState:
    """Return the state after a look, but that what an operator asked for meanwhile is still to be done."""
    if state.due_at == before.due_at:
        said |= {"due_at": due_at, "lets_pass": None}
    return msgspec.structs.replace(state, **said)


def _require(tx: Transaction, source_id: str) -> SourceRow:
    found = find_source(tx, source_id)
    if found is None:
        raise SourceNotFound(f"there is no source {source_id[:64]!r}")
    return found


def _authority_id(known: Known, reference: str) -> str:
    named = known.entities_named(canonical_identifier(reference)) if ":" in reference else ()
    for entity_id in (reference, *(found.fact.id for found in named)):
        if known.authority(entity_id) is not None:
            return entity_id
    raise SourceProblem("the authority in whose name it grants is not in the registry")
