"""
Requests for approval: asked, and decided by another person. Service.

An approval is the decision and the change, in one transaction: the change is made as its author, whose grants are
looked at anew, and what it does first is to mark the request. Where the change fails, nothing is decided.
"""

from collections.abc import Callable

import msgspec

from operators.acting import act_once, done_before
from operators.approvals import store
from operators.approvals.change import ApprovalView, Change, Doer
from operators.approvals.deciding import (
    approvers,
    author_of,
    author_side,
    is_any_other,
    is_still_asked,
    parties,
    reloaded,
    require_decider,
)
from operators.approvals.looking import known, scopes_seen, seen, shown
from operators.approvals.rules import (
    ALONE,
    APPROVED,
    BREAK_GLASS,
    DECISIONS,
    PENDING,
    REJECTED,
    WITHDRAWN,
    Policy,
    is_needed,
    is_of_nobody,
)
from operators.approvals.store import ABSENT, Approval, Decision
from operators.approvals.views import ApprovalPage
from operators.grants import Kind, NotSeen, Permission, Principal, require
from operators.needs import Need
from operators.noting import note
from storage import Database, Transaction, once, result_of
from wire import Conflict, Forbidden, Refusal, ResourceNotFound, encode

MAX_PAGE = 100  # requests
# Tells the alarm of what went past approval, in its transaction: subject, reason, microseconds since 1970.
Alarmed = Callable[[Transaction, str, str, int], None]
# Follows, in its transaction, a request that was rejected or withdrawn.
Ended = Callable[[Transaction, Approval, Decision], None]


def _nobody(_tx: Transaction, _subject: str, _reason: str, _at: int) -> None: ...


class Approvals:
    """
    Methods that take a number raise ResourceNotFound where there is no such request that the caller may know of.

    Args:
        clock: seconds since 1970.
        on_break_glass: raises the alarm.

    Attributes:
        doers: what makes each change, by action; the composition root fills it.
        on_ended: who is told that a request ends without its change, by action; so does this.
    """

    def __init__(
        self,
        database: Database,
        *,
        clock: Callable[[], float],
        policy: Policy = Policy(),  # noqa: B008 (frozen)
        on_break_glass: Alarmed = _nobody,
    ) -> None:
        self._database = database
        self._clock = clock
        self._policy = policy
        self._on_break_glass = on_break_glass
        self.doers: dict[str, Doer] = {}
        self.on_ended: dict[str, Ended] = {}

    async def let_in(self, principal: Principal, number: str, need: Need) -> None:
        """
        Let in whoever has what a route needs in the scope of a request; to see it, its author too.

        Raises:
            Forbidden: it may know of the request, and has not the permission.
        """
        approval = await self._database.read(lambda tx: seen(tx, principal, int(number)))
        if need.permission is not Permission.READ:
            require(principal, need.permission, approval.scope, absent=ABSENT)

    async def ask(
        self,
        principal: Principal,
        change: Change,
        idempotency_key: str | None = None,
        asked: tuple[object, ...] = (),
    ) -> ApprovalView | None:
        """As `change.Asks`; raises as `storage.once`, and where it goes ahead alone whatever the change raises."""
        now = self._now()

        def ask(tx: Transaction) -> Approval | None:
            store.expire_due(tx, now)
            if not is_needed(change, approvers(tx, now), self._policy):
                return None
            number = once(
                tx,
                principal=_asking(principal),
                key=idempotency_key,
                request=encode(asked),
                at=now,
                make=lambda: encode(self._wait(tx, principal, change, now)),
            )
            return known(tx, int(number))

        approval = await self._database.write(ask)
        if approval is None:
            return None
        if await self._database.read(lambda tx: self._goes_alone(tx, principal, approval)):
            return await self._go_alone(principal, approval)
        return await self._database.read(lambda tx: shown(tx, approval, self._now()))

    async def needs(self, change: Change) -> bool:
        """Tell whether a change needs another person as things are."""
        now = self._now()
        return await self._database.read(lambda tx: is_needed(change, approvers(tx, now), self._policy))

    async def asked_before(
        self, principal: Principal, idempotency_key: str | None, asked: tuple[object, ...]
    ) -> ApprovalView | None:
        """As `change.Asks`; raises as `storage.once`."""

        def read(tx: Transaction) -> ApprovalView | None:
            found = idempotency_key and result_of(
                tx, principal=_asking(principal), key=idempotency_key, request=encode(asked)
            )
            return shown(tx, known(tx, int(found)), self._now()) if found else None

        return await self._database.read(read)

    async def expire(self, now: float) -> None:
        """Let requests end that waited until their end; `now` in seconds since 1970."""
        await self._database.write(lambda tx: store.expire_due(tx, int(now * 1_000_000)))

    async def page(
        self,
        principal: Principal,
        *,
        state: str | None = None,
        after: int = 0,
        limit: int = MAX_PAGE,
    ) -> ApprovalPage:
        """Return at most `limit` requests with a number beyond `after`, of those that the caller may know of."""
        where = scopes_seen(principal)
        now = self._now()

        def read(tx: Transaction) -> ApprovalPage:
            found = store.approvals_after(tx, where, state=state, after=after, limit=limit, now=now)
            views = tuple(shown(tx, approval, now) for approval in found)
            return ApprovalPage(approvals=views, next=found[-1].id if len(found) == limit else None)

        return await self._database.read(read)

    async def show(self, principal: Principal, number: int) -> ApprovalView:
        """Return a request, with what became of it."""
        return await self._database.read(lambda tx: shown(tx, seen(tx, principal, number), self._now()))

    async def approve(
        self, principal: Principal, number: int, reason: str, *, idempotency_key: str | None = None
    ) -> ApprovalView:
        """
        Approve a request, and do what it asks for.

        Raises:
            Forbidden: `principal` may not decide it, see `require_decider`.
            Conflict: it waits no more; or its author may not do that any more; or the change cannot be made.
            Refusal: whatever the change raises.
        """
        return await self._decide_and_do(principal, number, APPROVED, reason, idempotency_key)

    async def break_glass(
        self, principal: Principal, number: int, reason: str, *, idempotency_key: str | None = None
    ) -> ApprovalView:
        """
        Do what a request asks for, without another person; an alarm tells everybody.

        Raises:
            Forbidden: `principal` has not the role break-glass there.
            Conflict, Refusal: as `approve`.
        """
        return await self._decide_and_do(principal, number, BREAK_GLASS, reason, idempotency_key)

    async def reject(
        self, principal: Principal, number: int, reason: str, *, idempotency_key: str | None = None
    ) -> ApprovalView:
        """
        Reject a request.

        Raises:
            Forbidden: as `approve`.
            Conflict: it waits no more.
        """
        return await self._only_decide(principal, number, REJECTED, reason, idempotency_key)

    async def withdraw(
        self, principal: Principal, number: int, *, idempotency_key: str | None = None
    ) -> ApprovalView:
        """
        Take a request back.

        Raises:
            Forbidden: somebody else asked.
            Conflict: it waits no more.
        """
        return await self._only_decide(principal, number, WITHDRAWN, principal.reason, idempotency_key)

    async def _decide_and_do(
        self, principal: Principal, number: int, state: str, reason: str | None, key: str | None
    ) -> ApprovalView:
        asked = (state, number, reason)
        if (done := await done_before(self._database, principal, key, asked, ApprovalView)) is not None:
            return done
        await self.expire(self._clock())  # In writing: a clock that is set back lets nothing wait again.
        approval, author = await self._database.read(lambda tx: self._ready(tx, principal, number, state))
        answer: ApprovalView | None = None

        def decided(tx: Transaction, change: Change) -> None:
            nonlocal answer
            try:
                _, current = self._ready(tx, principal, number, state)
            except (Forbidden, NotSeen) as error:  # Since a moment ago; and it is not the author who may not.
                raise Conflict(error.detail) from None
            if current != author:
                raise Conflict(f"what {author.id} may do changed just now; look at it again")
            if change.digest != approval.digest:
                raise Conflict("what this would change is not what it was when it was asked for; ask anew")
            made = once(
                tx,
                principal=principal.id,
                key=key,
                request=encode(asked),
                at=self._now(),
                make=lambda: encode(self._decide(tx, principal, approval, state, reason)),
            )
            answer = msgspec.json.decode(made, type=ApprovalView)

        if (do := self.doers.get(approval.action)) is None:
            raise Conflict(f"this release does not know how to do {approval.action}")
        try:
            await do(author, approval.request, decided)
        except (Forbidden, ResourceNotFound) as error:
            raise Conflict(f"{author.id}, who asked for this, cannot do it now: {error.detail}") from None
        assert answer is not None, "a change that is approved marks its request"
        return answer

    async def _only_decide(
        self, principal: Principal, number: int, state: str, reason: str | None, key: str | None
    ) -> ApprovalView:
        def work(tx: Transaction) -> ApprovalView:
            approval = seen(tx, principal, number)
            self._require(tx, principal, approval, state)
            return self._decide(tx, principal, approval, state, reason)

        asked = (state, number, reason)
        await self.expire(self._clock())  # As above.
        return await act_once(self._database, principal, key, asked, work, ApprovalView, at=self._now())

    def _ready(
        self, tx: Transaction, principal: Principal, number: int, state: str
    ) -> tuple[Approval, Principal]:
        """Return a request that `principal` may decide so, and its author as it is now."""
        approval = seen(tx, principal, number)
        self._require(tx, principal, approval, state)
        self._require_waiting(approval)
        if not approval.is_as_asked:
            raise Conflict("this request is not what was asked for: its digest is another one")
        return approval, author_of(tx, approval, self._now())

    def _require(self, tx: Transaction, principal: Principal, approval: Approval, state: str) -> None:
        """
        Let `principal` decide a request in this way.

        Raises:
            Forbidden: it may not.
        """
        if state in (APPROVED, REJECTED):
            require_decider(tx, principal, approval, self._now())
            if state == APPROVED and is_of_nobody(approval.action, approval.author_person):
                raise Forbidden(
                    f"it is not known which person stands behind {approval.author}, and it could be you: let a"
                    " person ask for this"
                )
        elif state == ALONE:
            if not self._goes_alone(tx, principal, approval):
                raise Forbidden("somebody else can approve this now")
        elif state == BREAK_GLASS:
            current = reloaded(tx, principal, self._now())
            require(current, Permission.BREAK_GLASS, approval.scope, absent=ABSENT)
        elif approval.author != principal.id:
            raise Forbidden(
                f"only {approval.author}, who asked, can withdraw this; an approver can reject it"
            )

    def _require_waiting(self, approval: Approval) -> None:
        state = approval.state_at(self._now())
        if state != PENDING:
            raise Conflict(f"the approval {approval.id} waits no more: it is {state}")

    def _decide(
        self, tx: Transaction, principal: Principal, approval: Approval, state: str, reason: str | None
    ) -> ApprovalView:
        at = self._now()
        self._require_waiting(known(tx, approval.id))
        if state in (APPROVED, REJECTED, ALONE):
            store.add_parties(tx, approval.id, author_side(tx, approval, at))
        decision = Decision(state, principal, reason, at)
        if not store.decide(tx, approval, decision):
            raise Conflict(f"the approval {approval.id} waits no more")
        if state in (REJECTED, WITHDRAWN) and approval.action in self.on_ended:
            self.on_ended[approval.action](tx, approval, decision)
        by = msgspec.structs.replace(principal, reason=reason or principal.reason, approval=approval.id)
        of = {"of": approval.action, "digest": approval.digest, "author": approval.author}
        note(tx, by, DECISIONS[state], str(approval.id), at=at, **of)
        if state == BREAK_GLASS:
            told = f"{principal.id} let the approval {approval.id} ({approval.action}) go ahead alone"
            self._on_break_glass(tx, f"approval {approval.id}", told, at)
        return shown(tx, known(tx, approval.id), self._now())

    def _wait(self, tx: Transaction, principal: Principal, change: Change, now: int) -> int:
        """Return the number of the request that waits for `change`, which may be a new one."""
        if (waiting := store.find_waiting(tx, principal.id, change.digest)) is not None:
            if is_still_asked(tx, known(tx, waiting), now):
                return waiting
            store.expire(tx, known(tx, waiting), now)
        number = store.insert_approval(
            tx,
            principal,
            change,
            parties(tx, principal.id, now, key=principal.key, person=principal.person),
            at=now,
            expires_at=now + self._policy.expires_seconds * 1_000_000,
        )
        by = msgspec.structs.replace(principal, approval=number)
        note(tx, by, "approval.ask", str(number), at=now, of=change.action, digest=change.digest)
        return number

    def _goes_alone(self, tx: Transaction, principal: Principal, approval: Approval) -> bool:
        """Tell whether a person goes ahead alone with its request, which nobody else can approve as things are."""
        may = self._policy.alone and principal.kind is Kind.PERSON and principal.id == approval.author
        return may and approval.state == PENDING and not is_any_other(tx, approval, self._now())

    async def _go_alone(self, principal: Principal, approval: Approval) -> ApprovalView:
        try:
            return await self._decide_and_do(principal, approval.id, ALONE, principal.reason, None)
        except Refusal:
            await self.withdraw(principal, approval.id)  # Nobody else would look at it.
            raise

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _asking(principal: Principal) -> str:
    """Return an id that no principal has: what was asked never answers for what was done, or the reverse."""
    return f"{principal.id} asks"
