"""
Change sets from the moment they are submitted: approved, scheduled, in force, or given back. Service.

Whoever approves does so by `operators.approvals`; the approval and the change are one transaction. What takes
effect is planned anew on the newest facts: where one of them was changed since the author looked, nothing is done,
and the change set is in conflict.
"""

import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial

from operators.acting import act_once
from operators.approvals.approvals import Approvals
from operators.approvals.change import Change, Decided, Doer
from operators.approvals.rules import APPLY, PENDING, REJECTED
from operators.approvals.store import Approval, Decision
from operators.grants import EVERYTHING, Permission, Principal, require
from operators.noting import digest_of, note
from registry.editing import store
from registry.editing.drafts import (
    ABSENT,
    EMERGENCY,
    Drafts,
    Made,
    give_back,
    planned_at,
    require_author,
    require_comment,
    require_revision,
)
from registry.editing.errors import FactsChanged, InvalidChangeSet
from registry.editing.operations import Planned
from registry.editing.scopes import ABSENT as NO_FACT
from registry.editing.scopes import scope_of
from registry.editing.shapes import EDITABLE, ChangeSetView, Draft, Operation, State, Suspension
from registry.editing.store import ChangeSet
from registry.editing.suspending import scope_of_suspension, suspending
from registry.events import Cause
from registry.known import FactChange, Known
from registry.registry import Edit, Registry
from storage import Database, Transaction
from wire import Conflict, Forbidden, Reading, Refusal

LOG = logging.getLogger("touchstone.registry")

DUE_AT_ONCE = 100  # scheduled change sets that one step takes up
MAX_PROBLEM_CHARS = 2_000
_SUBMITTED: tuple[State, ...] = ("submitted",)
_SCHEDULED: tuple[State, ...] = ("scheduled",)
_DRAFT: tuple[State, ...] = ("draft",)
_OPEN: tuple[State, ...] = ("draft", "submitted", "needs_information", "scheduled", "conflict")

SUSPEND = "registry.emergency-suspend"  # the action of the audit trail

# Raises an alarm, in a transaction: the number of the change set, why, microseconds since 1970.
Alarmed = Callable[[Transaction, int, str, int], None]


class ChangeSets:
    """
    Methods that take a number raise ResourceNotFound where there is no such change set.

    Args:
        approvals: who knows whether another person must agree.
        on_conflict: raises the alarm that a scheduled one could not take effect.
        on_suspended: raises the alarm that something was suspended by one person.

    Attributes:
        suspensions: how many of those this process did.
    """

    def __init__(
        self,
        registry: Registry,
        database: Database,
        drafts: Drafts,
        approvals: Approvals,
        *,
        on_conflict: Alarmed,
        on_suspended: Alarmed,
    ) -> None:
        self._registry = registry
        self._database = database
        self._drafts = drafts
        self._approvals = approvals
        self._on_conflict = on_conflict
        self._on_suspended = on_suspended
        self.suspensions = 0

    def doers(self) -> dict[str, Doer]:
        """Return what makes each change that can be approved."""
        return {APPLY: lambda author, asked, decided: self._approved(author, asked["change_set"], decided)}

    async def submit(
        self,
        principal: Principal,
        number: int,
        *,
        revision: int | None = None,
        idempotency_key: str | None = None,
    ) -> ChangeSetView:
        """
        Let a change set wait for approval; where none is needed it takes effect, now or at its time.

        To submit again what is submitted already, or more, does nothing.

        Raises:
            RevisionChanged: it is not at `revision`.
            InvalidChangeSet, FactsChanged: it cannot take effect as things are; of what was changed meanwhile it is
                in conflict then.
            Conflict: somebody else drafted it; or it was rejected or withdrawn.
        """
        found = require_author(principal, await self._drafts.found(number))
        require_revision(found, revision)
        if found.state in ("scheduled", "effective") or await self._was_asked(
            principal, found, idempotency_key
        ):
            return store.view(found)
        await self._drafts.looking(lambda known, now: planned_at(known, found, now))
        if found.state != "submitted":
            await self._move(principal, found, EDITABLE, "submitted", "registry.submit")
        try:
            await self._ask(principal, found, idempotency_key)
        except (FactsChanged, InvalidChangeSet) as error:
            await self._in_conflict(principal, found, error)
            raise
        return await self._drafts.show(number)

    async def withdraw(
        self, principal: Principal, number: int, *, idempotency_key: str | None = None
    ) -> ChangeSetView:
        """
        Take a change set back before it takes effect: its author, or of a scheduled one an administrator.

        Raises:
            Conflict: it is over; or somebody else drafted it.
        """
        asked = ("withdraw-change-set", number)
        if await self._drafts.is_done(principal, idempotency_key, asked):
            return await self._drafts.show(number)
        found = await self._drafts.found(number)
        if found.author != principal.id and found.state == "scheduled":
            require(principal, Permission.ADMINISTER, found.content.scope, absent=ABSENT)
        else:
            require_author(principal, found)
        await self._move(
            principal,
            found,
            _OPEN,
            "withdrawn",
            "registry.withdraw",
            problem=principal.reason,
            once=(idempotency_key, asked),
        )
        asked_for = (await self._drafts.found(number)).approval  # It may have been asked for just now.
        if asked_for is not None:
            with suppress(Conflict, Forbidden):  # It waits no more; or who scheduled it was another one.
                await self._approvals.withdraw(principal, asked_for)
        return await self._drafts.show(number)

    async def request_information(
        self, principal: Principal, number: int, text: str, *, idempotency_key: str | None = None
    ) -> ChangeSetView:
        """
        Give a submitted change set back to its author, with a question.

        Raises:
            Conflict: it does not wait for approval.
        """
        require_comment(text)
        asked = ("request-information", number, text)
        if await self._drafts.is_done(principal, idempotency_key, asked):
            return await self._drafts.show(number)
        found = await self._drafts.found(number)

        def ask(tx: Transaction, at: int) -> None:
            store.add_comment(tx, number, principal.id, text, at)

        await self._move(
            principal,
            found,
            _SUBMITTED,
            "needs_information",
            "registry.request-information",
            within=ask,
            once=(idempotency_key, asked),
        )
        if found.approval is not None:
            with suppress(Conflict, Forbidden):  # It can be approved no more: this is not submitted.
                await self._approvals.reject(principal, found.approval, " ".join(text.split())[:500])
        return await self._drafts.show(number)

    async def suspend(
        self, principal: Principal, wanted: Suspension, *, idempotency_key: str | None = None
    ) -> ChangeSetView:
        """
        Suspend at once what is named: one person with the role break-glass, and nobody is asked.

        It is loud: an action of its own in the audit trail, an alarm, a counter, an occasion that the feed shows.

        Raises:
            NotSeen, Forbidden: `principal` may not break glass there, or there is no such authority.
            InvalidChangeSet: the request contradicts itself.
            Conflict: nothing of it is in force.
        """

        def look(known: Known, now: int) -> list[Operation]:
            scope = scope_of_suspension(known, wanted)
            require(principal, Permission.BREAK_GLASS, scope, absent=NO_FACT)
            return suspending(known, wanted, now)

        await self._registry.follow()
        _, operations = await self._drafts.looking(look)
        asked = ("suspend-at-once", wanted)
        if not operations and not await self._drafts.is_done(principal, idempotency_key, asked):
            raise Conflict("nothing of that is in force: there is nothing to suspend")
        draft = Draft(title=f"Emergency suspension: {wanted.reason}"[:200], operations=operations)
        kept = await self._drafts.keep(
            principal,
            draft,
            asked,
            key=idempotency_key,
            occasion=EMERGENCY,
            permission=Permission.BREAK_GLASS,
        )
        found = await self._drafts.found(kept.number)
        if found.state == "draft":
            await self._take_effect(principal, found, _DRAFT, within=partial(self._loudly, found))
            self.suspensions += 1
        return await self._drafts.show(found.number)

    def _loudly(self, found: ChangeSet, tx: Transaction, edit: Edit) -> None:
        told = f"{found.author} suspended {found.content.operation_count} facts: {found.content.title}"
        self._on_suspended(tx, found.number, told, edit.recorded_at)

    async def apply_due(self) -> int:
        """
        Let scheduled change sets take effect whose time has come; return how many were taken up.

        Those whose request for approval ended undecided are drafts again.
        """
        now = self._registry.now()
        for lapsed in await self._database.read(lambda tx: store.lapsed(tx, now, DUE_AT_ONCE)):
            await self._database.write(partial(give_back, lapsed, now))
        due = await self._database.read(lambda tx: store.due(tx, now, DUE_AT_ONCE))
        for found in due:
            author = Principal(id=found.author, approval=found.approval)
            try:
                await self._take_effect(author, found, _SCHEDULED)
            except Refusal as error:
                LOG.warning("change set %s could not take effect: %s", found.number, error.detail)
                await self._in_conflict(author, found, error, alarm=True)
        return len(due)

    def readings(self) -> list[Reading]:
        """Return what the metrics tell."""
        text = "Emergency suspensions by one person, of this node."
        return [Reading("touchstone_emergency_suspensions", text, self.suspensions, "sum")]

    def ended(self, tx: Transaction, approval: Approval, decision: Decision) -> None:
        """Follow what became of a request for approval without its change being made."""
        asked, number = approval.request, approval.id
        found = store.find(tx, asked["change_set"])
        # One that was asked a moment ago is not noted yet; an older one than is noted is of no account.
        if found is not None and found.revision == asked["revision"] and number >= (found.approval or 0):
            state: State = "rejected" if decision.state == REJECTED else "withdrawn"
            store.move(tx, found, _SUBMITTED, state, decision.at, problem=decision.reason, approval=number)

    async def _was_asked(self, principal: Principal, found: ChangeSet, key: str | None) -> bool:
        """Tell whether this was submitted with this key, and it was given back since."""
        asked = _submission(found)
        return found.state != "submitted" and bool(await self._approvals.asked_before(principal, key, asked))

    async def _ask(self, principal: Principal, found: ChangeSet, key: str | None) -> None:
        pending = await self._approvals.ask(principal, change_of(found), key, _submission(found))
        if pending is None:
            await self._go_ahead(principal, found)
        elif pending.state == PENDING:
            at, number = self._registry.now(), pending.approval
            is_noted = await self._database.write(
                lambda tx: store.move(tx, found, _SUBMITTED, "submitted", at, approval=number)
            )
            if not is_noted:  # It was taken, or given, back just now: nobody need look at this request.
                with suppress(Conflict):
                    await self._approvals.withdraw(principal, number)

    async def _approved(self, author: Principal, number: int, decided: Decided) -> None:
        found = await self._drafts.found(number)
        if found.state != "submitted":
            raise Conflict(f"the change set {number} is {found.state}: it waits for no approval")
        require(author, Permission.EDIT, found.content.scope, absent=ABSENT)
        try:
            await self._go_ahead(author, found, decided)
        except (FactsChanged, InvalidChangeSet) as error:
            await self._in_conflict(author, found, error)
            if found.approval is not None:
                with suppress(Conflict, Forbidden):
                    await self._approvals.withdraw(author, found.approval)
            raise

    async def _go_ahead(self, author: Principal, found: ChangeSet, decided: Decided | None = None) -> None:
        effective_at = found.content.effective_at
        if effective_at is None or effective_at <= self._registry.now():
            await self._take_effect(author, found, _SUBMITTED, decided)
            return

        def check(tx: Transaction, _at: int) -> None:
            if decided is not None:
                decided(tx, change_of(found))

        await self._move(author, found, _SUBMITTED, "scheduled", "registry.schedule", within=check)

    async def _take_effect(
        self,
        author: Principal,
        found: ChangeSet,
        states: Collection[State],
        decided: Decided | None = None,
        within: Callable[[Transaction, Edit], None] | None = None,
    ) -> None:
        planned: tuple[Planned, ...] = ()

        def plan(known: Known, now: int) -> tuple[FactChange, ...]:
            nonlocal planned
            planned = planned_at(known, found, now)
            changes = tuple(each.change for each in planned)
            if found.content.scope not in (EVERYTHING, scope_of(known, changes)):
                raise FactsChanged([("", "what it changes belongs to another authority by now")])
            return changes

        def record(tx: Transaction, edit: Edit) -> None:
            if decided is not None:
                decided(tx, change_of(found))
            if not store.move(tx, found, states, "effective", edit.recorded_at, version=edit.version):
                raise Conflict(f"the change set {found.number} was changed just now; look at it again")
            note(
                tx,
                author,
                SUSPEND if found.occasion == EMERGENCY else APPLY,
                str(found.number),
                at=edit.recorded_at,
                before=[each.before and each.before.fact for each in planned],
                after=[each.change.fact for each in planned],
                version=edit.version,
            )
            if within is not None:
                within(tx, edit)

        cause = Cause(author.id, found.occasion, found.number)
        await self._registry.edit(plan, record, cause)

    async def _move(
        self,
        principal: Principal,
        found: ChangeSet,
        states: Collection[State],
        state: State,
        action: str,
        *,
        problem: str | None = None,
        within: Callable[[Transaction, int], None] | None = None,
        once: tuple[str | None, tuple[object, ...]] = (None, ()),
    ) -> None:
        """
        Bring a change set from one of some states to another, with its audit row.

        Args:
            within: what else belongs to the transaction.
            once: Idempotency-Key, and what was asked with it.

        Raises:
            Conflict: it is in none of the states, or another revision.
        """

        def move(tx: Transaction) -> Made:
            at = self._registry.now()
            if within is not None:
                within(tx, at)
            if not store.move(tx, found, states, state, at, problem=problem):
                now = store.find(tx, found.number)
                raise Conflict(f"the change set {found.number} is {now.state if now else 'gone'} by now")
            note(tx, principal, action, str(found.number), at=at, revision=found.revision)
            return Made(found.number)

        await act_once(self._database, principal, *once, move, Made, at=self._registry.now())

    async def _in_conflict(
        self, author: Principal, found: ChangeSet, error: Refusal, *, alarm: bool = False
    ) -> None:
        problem = error.detail[:MAX_PROBLEM_CHARS]

        def tell(tx: Transaction) -> None:
            at = self._registry.now()
            if store.move(tx, found, ("submitted", "scheduled"), "conflict", at, problem=problem):
                note(tx, author, "registry.conflict", str(found.number), at=at)
                if alarm:
                    self._on_conflict(tx, found.number, problem, at)

        await self._database.write(tell)


def _submission(found: ChangeSet) -> tuple[object, ...]:
    return ("submit-change-set", found.number, found.revision)


def change_of(found: ChangeSet) -> Change:
    """Return what somebody else approves: one revision of a change set, with the digest of its operations."""
    content = found.content
    return Change(
        action=APPLY,
        scope=content.scope,
        subject=f"change set {found.number}",
        request={
            "change_set": found.number,
            "revision": found.revision,
            "title": content.title,
            "operations": content.operation_count,
            "operations_sha256": digest_of(content.operations),
            "effective_at": content.effective_at,
            "base_version": content.base_version,
        },
    )
