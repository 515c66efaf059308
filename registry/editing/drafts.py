"""
Change sets while they are written: drafted, looked at, talked about. Service.

A draft is planned before it is kept, so that one with a fault is told at once and not when somebody approves it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from operators.acting import act_once, done_before
from operators.approvals.rules import EXPIRED
from operators.approvals.store import expire, find_approval
from operators.grants import Permission, Principal, Scope, require
from operators.noting import note
from registry.editing import store
from registry.editing.cautions import NewDid, cautions, new_dids
from registry.editing.differing import changed_facts, difference
from registry.editing.errors import InvalidChangeSet, RevisionChanged
from registry.editing.inverse import Undone, inverse_of
from registry.editing.operations import Planned, plan
from registry.editing.scopes import require_scope, require_scope_of, require_seen
from registry.editing.shapes import (
    EDITABLE,
    Caution,
    ChangeSetPage,
    ChangeSetView,
    CommentPage,
    Difference,
    Draft,
    Operation,
    Validation,
)
from registry.editing.store import ChangeSet, Content
from registry.items import read_time
from registry.known import Known, Overlaid, Revision
from registry.registry import Registry
from registry.rules import text_fault
from storage import Database, Transaction
from wire import Conflict, ResourceNotFound

ABSENT = "there is no change set of this number"
MAX_PAGE = 100  # change sets
MAX_COMMENTS = 1_000  # that are shown, and that one change set takes
MAX_NUMBER = 2**53
IMPORT = "import"  # the occasion (`events.Cause`) of what makes the registry what a file says
LAPSED = "nobody approved it in time, or who asked may act no more: submit it again"
EMERGENCY = "emergency"  # the occasion (`events.Cause`) of what one person suspends

# Looks at the new DIDs of a change set, of that number: whether they resolve, and whose they are.
Checks = Callable[[int, Sequence[NewDid]], Awaitable[tuple[Caution, ...]]]
T = TypeVar("T")


class Made(msgspec.Struct, frozen=True):
    """What is remembered of a request that was done: the number of its change set."""

    number: int


async def no_checks(number: int, dids: Sequence[NewDid]) -> tuple[Caution, ...]:  # noqa: ARG001
    """Find nothing."""
    return ()


class Drafts:
    """
    Methods that take a number raise ResourceNotFound where there is no such change set that the caller may know of.

    Args:
        checks: what an approver is told of new DIDs; outside of transactions, since it may take long.
    """

    def __init__(self, registry: Registry, database: Database, *, checks: Checks = no_checks) -> None:
        self._registry = registry
        self._database = database
        self._checks = checks

    async def scope_of(self, number: str) -> Scope | None:
        """Return the scope of a change set; None: there is none of that number."""
        if not number.isascii() or not number.isdigit() or not 0 < int(number[:20]) <= MAX_NUMBER:
            return None
        return await self._database.read(lambda tx: store.scope_of(tx, int(number)))

    async def create(
        self, principal: Principal, draft: Draft, *, idempotency_key: str | None = None
    ) -> ChangeSetView:
        """
        Keep a draft.

        Raises:
            InvalidChangeSet, FactsChanged: as `operations.plan`.
            NotSeen, Forbidden: as `scopes.require_scope`.
        """
        return await self.keep(principal, draft, ("create-change-set", draft), key=idempotency_key)

    async def keep(
        self,
        principal: Principal,
        draft: Draft,
        asked: tuple[object, ...],
        *,
        key: str | None = None,
        occasion: str = "change-set",
        inverse_of: int | None = None,
        permission: Permission = Permission.EDIT,
    ) -> ChangeSetView:
        """As `create`, on some occasion (`events.Cause`), for what was `asked`, by who has a permission."""
        done = await done_before(self._database, principal, key, asked, Made)
        if done is None:
            content = await self._content(principal, draft, permission, occasion)

            def insert(tx: Transaction) -> Made:
                at = self._registry.now()
                number = store.insert(
                    tx, principal.id, content, occasion=occasion, inverse_of=inverse_of, at=at
                )
                note(tx, principal, "registry.draft", str(number), at=at, after=content)
                return Made(number)

            now = self._registry.now()
            done = await act_once(self._database, principal, key, asked, insert, Made, at=now)
        return await self.show(done.number)

    async def is_done(self, principal: Principal, key: str | None, asked: tuple[object, ...]) -> bool:
        """Tell whether what was `asked` was done for this Idempotency-Key."""
        return await done_before(self._database, principal, key, asked, Made) is not None

    async def edit(
        self,
        principal: Principal,
        number: int,
        revision: int,
        draft: Draft,
        *,
        idempotency_key: str | None = None,
    ) -> ChangeSetView:
        """
        Let a draft say something else; it is planned on the registry as it is now, unless it says otherwise.

        Raises:
            RevisionChanged: it is another revision by now.
            Conflict: somebody else drafted it; or it was submitted, or is over.
            InvalidChangeSet, FactsChanged: as `create`.
        """
        asked = ("edit-change-set", number, revision, draft)
        done = await done_before(self._database, principal, idempotency_key, asked, Made)
        if done is None:
            before = require_author(principal, await self.found(number))
            require_revision(before, revision)
            if before.state not in EDITABLE:
                raise Conflict(f"the change set {number} is {before.state}: it cannot be edited")
            content = await self._content(principal, draft)

            def rewrite(tx: Transaction) -> Made:
                at = self._registry.now()
                if not store.rewrite(tx, before, content, at):
                    raise RevisionChanged(f"the change set {number} was changed just now; look at it again")
                note(
                    tx,
                    principal,
                    "registry.redraft",
                    str(number),
                    at=at,
                    before=before.content,
                    after=content,
                )
                return Made(number)

            now = self._registry.now()
            await act_once(self._database, principal, idempotency_key, asked, rewrite, Made, at=now)
        return await self.show(number)

    async def show(self, number: int) -> ChangeSetView:
        """Return a change set."""
        return await asyncio.to_thread(store.view, await self.found(number))

    async def page(
        self, principal: Principal, *, state: str | None = None, after: int = 0, limit: int = MAX_PAGE
    ) -> ChangeSetPage:
        """Return at most `limit` change sets with a number beyond `after`, of those that the caller may read."""
        scopes = principal.scopes(Permission.READ)
        found = await self._database.read(
            lambda tx: store.page_after(tx, scopes, state=state, after=after, limit=limit)
        )
        rows = tuple(store.row_view(each) for each in found)
        return ChangeSetPage(rows, next=rows[-1].number if len(rows) == limit else None)

    async def validate(self, number: int) -> Validation:
        """
        Return what an approver should know.

        Raises:
            InvalidChangeSet, FactsChanged: it could not take effect as things are.
        """
        found = await self.found(number)

        def look(known: Known, now: int) -> tuple[list[Caution], list[NewDid]]:
            changes = [each.change for each in planned_at(known, found, now)]
            return list(cautions(Overlaid(known, changes, now), changes, now)), new_dids(known, changes)

        version, (told, dids) = await self.looking(look)
        return Validation(version=version, warnings=(*told, *await self._checks(number, dids)))

    async def new_dids(self, number: int) -> list[str]:
        """Return the DIDs that a change set gives to entities; raises as `validate`."""
        found = await self.found(number)

        def look(known: Known, now: int) -> list[NewDid]:
            return new_dids(known, [each.change for each in planned_at(known, found, now)])

        return [each.did for each in (await self.looking(look))[1]]

    async def differ(self, number: int) -> Difference:
        """
        Return what a change set would do; of one that took effect, what it did.

        Raises:
            InvalidChangeSet, FactsChanged: as `validate`.
        """
        found = await self.found(number)
        if found.version is not None:
            return await self._done(found, found.version)

        def look(known: Known, now: int) -> Difference:
            planned = planned_at(known, found, now)
            return difference(
                known,
                planned,
                now,
                version=self._registry.version,
                effective_at=found.content.effective_at,
            )

        return (await self.looking(look))[1]

    async def comments(self, number: int) -> CommentPage:
        """Return what was said about a change set."""
        await self.found(number)
        return CommentPage(await self._database.read(lambda tx: store.comments_of(tx, number, MAX_COMMENTS)))

    async def comment(
        self, principal: Principal, number: int, text: str, *, idempotency_key: str | None = None
    ) -> CommentPage:
        """
        Say something about a change set.

        Raises:
            InvalidChangeSet: the text may not be shown to people.
            Conflict: there are as many comments as one takes.
        """
        require_comment(text)
        await self.found(number)

        def say(tx: Transaction) -> Made:
            at = self._registry.now()
            if len(store.comments_of(tx, number, MAX_COMMENTS)) >= MAX_COMMENTS:
                raise Conflict(f"the change set {number} has {MAX_COMMENTS} comments")
            store.add_comment(tx, number, principal.id, text, at)
            note(tx, principal, "registry.comment", str(number), at=at, after=text)
            return Made(number)

        asked, now = ("comment", number, text), self._registry.now()
        await act_once(self._database, principal, idempotency_key, asked, say, Made, at=now)
        return await self.comments(number)

    async def roll_back(
        self, principal: Principal, number: int, *, idempotency_key: str | None = None
    ) -> ChangeSetView:
        """
        Return a new draft that takes a change set back, from when it takes effect.

        Raises:
            Conflict: it did not take effect, or nothing of it is left.
            FactsChanged: something of it was changed again since.
            NotSeen, Forbidden: as `create`.
        """
        asked = ("roll-back", number)
        if done := await done_before(self._database, principal, idempotency_key, asked, Made):
            return await self.show(done.number)
        found = await self.found(number)
        if found.version is None:
            raise Conflict(f"the change set {number} is {found.state}: there is nothing to take back")
        made: int = found.version
        undone = await self._database.read(lambda tx: store.done_by(tx, made))
        _, operations = await self.looking(lambda known, now: inverse_of(known, undone, now))
        if not operations:
            raise Conflict(f"nothing is left of the change set {number}")
        draft = Draft(title=f"Take back {number}: {found.content.title}"[:200], operations=list(operations))
        return await self.keep(principal, draft, asked, key=idempotency_key, inverse_of=number)

    async def found(self, number: int) -> ChangeSet:
        """Return a change set; a draft again, where its request for approval ended undecided."""
        now, found = self._registry.now(), None
        if 0 < number <= MAX_NUMBER:
            found = await self._database.read(lambda tx: store.find(tx, number))
        if found is None:
            raise ResourceNotFound(ABSENT)
        if found.state == "submitted" and await self._database.read(partial(_has_lapsed, found, now)):
            await self._database.write(partial(give_back, found, now))
            return await self.found(number)
        return found

    async def _done(self, found: ChangeSet, version: int) -> Difference:
        undone = await self._database.read(lambda tx: store.done_by(tx, version))
        planned = [_as_planned(each) for each in undone]
        facts = await asyncio.to_thread(changed_facts, planned, found.took_effect_at or 0)
        return Difference(version=version, fact_count=len(undone), facts=facts, answers=(), is_complete=False)

    async def _content(
        self,
        principal: Principal,
        draft: Draft,
        permission: Permission = Permission.EDIT,
        occasion: str = "change-set",
    ) -> Content:
        await self._registry.follow()

        def require_let(known: Known, _now: int) -> None:
            require_seen(principal, known, draft.operations)
            require_scope_of(principal, permission, known, draft.operations)

        await self.looking(require_let)  # Before anything is told of what is there.
        _require_draft(draft)
        base_at = None
        if draft.base_version is not None:
            base_at = await self._recorded_at(draft.base_version)

        def look(known: Known, now: int) -> Scope:
            at = max(now, effective_at) if effective_at is not None else now
            planned = plan(known, draft.operations, at, known_at=base_at, is_whole=occasion == IMPORT)
            return require_scope(principal, permission, known, [each.change for each in planned])

        effective_at = None if draft.effective_at is None else read_time(draft.effective_at)
        version, scope = await self.looking(look)
        return Content(
            title=draft.title,
            operations=store.text_of(draft.operations),
            operation_count=len(draft.operations),
            scope=scope,
            base_version=version if draft.base_version is None else draft.base_version,
            base_at=await self._recorded_at(version) if base_at is None else base_at,
            effective_at=effective_at,
        )

    async def _recorded_at(self, version: int) -> int:
        found = await self._database.read(lambda tx: store.recorded_at(tx, version))
        if found is None:
            raise InvalidChangeSet([("/base_version", "the registry has no such version yet")])
        return found

    async def looking(self, look: Callable[[Known, int], T]) -> tuple[int, T]:
        """Return the version that was looked at, and what `look` made of it on a thread."""

        def work() -> tuple[int, T]:
            with self._registry.reading() as known:
                return self._registry.version, look(known, self._registry.now())

        return await asyncio.to_thread(work)


def give_back(found: ChangeSet, at: int, tx: Transaction) -> None:
    """Let what waits for a request for approval that ended undecided be a draft again; `at` in microseconds."""
    waited = None if found.approval is None else find_approval(tx, found.approval)
    if waited is not None and store.give_back(tx, found, LAPSED, at):
        expire(tx, waited, at)  # In writing: a clock that is set back lets it wait no more.
        note(tx, Principal(id=found.author), "registry.lapse", str(found.number), at=at)


def _has_lapsed(found: ChangeSet, now: int, tx: Transaction) -> bool:
    waited = None if found.approval is None else find_approval(tx, found.approval)
    return waited is not None and waited.state_at(now) == EXPIRED


def planned_at(known: Known, found: ChangeSet, now: int) -> tuple[Planned, ...]:
    """
    Plan a change set for when it takes effect, but not before `now`; raises as `operations.plan`.

    An emergency suspends whatever anybody changed meanwhile.
    """
    at = max(now, found.content.effective_at or now)
    known_at = None if found.occasion == EMERGENCY else found.content.base_at
    return plan(known, found.operations, at, known_at=known_at, is_whole=found.occasion == IMPORT)


def require_author(principal: Principal, found: ChangeSet) -> ChangeSet:
    """
    Return what `principal` drafted itself: what somebody else approves is what one person wrote.

    Raises:
        NotSeen, Forbidden: it may not edit there any more.
        Conflict: somebody else did.
    """
    require(principal, Permission.EDIT, found.content.scope, absent=ABSENT)
    if found.author != principal.id:
        raise Conflict(f"only {found.author}, who drafted the change set {found.number}, can do this")
    return found


def require_revision(found: ChangeSet, revision: int | None) -> None:
    """
    Raises:
        RevisionChanged: it is another revision than `revision`.
    """
    if revision is not None and found.revision != revision:
        raise RevisionChanged(
            f"the change set {found.number} is at revision {found.revision}, not {revision}; look at it again"
        )


def require_comment(text: str) -> None:
    """
    Raises:
        InvalidChangeSet: a line of it may not be shown to people.
    """
    for line in text.split("\n"):
        if fault := text_fault(line.strip(" ")):
            raise InvalidChangeSet([("/text", fault)])


def _require_draft(draft: Draft) -> None:
    if fault := text_fault(draft.title):
        raise InvalidChangeSet([("/title", fault)])
    try:
        _ = draft.effective_at and read_time(draft.effective_at)
    except ValueError:
        raise InvalidChangeSet([("/effective_at", "there is no such day or time")]) from None


def _as_planned(undone: Undone) -> Planned:
    change = undone.change
    operation = Operation(op=change.what, kind=change.kind, id=change.id)  # type: ignore[arg-type]
    before = None if undone.before is None else Revision(undone.before, undone.revision - 1, 0)
    return Planned(operation, change, before)
