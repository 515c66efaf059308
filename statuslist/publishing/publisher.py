"""
When a set is published, and whose turn it is: the loop of a process that follows, and may publish. Service.

There is no pass that waits for all that is due: each look at the rows offers what is due to `turns`, and a set is
published (`publication`) as soon as a slot is free and its turn has come. Sets are told apart by their issuers,
the tenants.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain

from operators.alarms.model import OnState
from proofs import SignerAway
from statuslist.errors import NoSigningKey, ProfileNotMet, SelfCheckFailed
from statuslist.publishing.demand import Demand
from statuslist.publishing.list_alarms import LATE_ANEW_SECONDS, LATE_SECONDS, ListAlarms
from statuslist.publishing.policy import Policy
from statuslist.publishing.publication import Publication, SignerOf
from statuslist.publishing.published import Published, PublishedLists
from statuslist.publishing.set_rows import NEVER, SetRows
from statuslist.publishing.set_versions import want_fresh_signature
from statuslist.publishing.turns import Lane, Turns
from storage import Database, DatabaseUnavailable, Following, Leadership, ServedMark, Transaction
from wire import Refusal

POLL_SECONDS = 0.25  # how soon a change by another process is seen; a change of our own wakes us at once
PACE_SECONDS = 0.01  # between two looks, however often we are woken
SLOTS = 8  # sets under way at once; their writes share commits
SLOTS_PER_TENANT = 4  # ... of one issuer
SURVEY_SECONDS = 1.0  # between two looks at the times of all lists, of which there may be 10,000

# Whose message an operator can act on, and holds no secret: alarm and log repeat it. All else is a bug of ours.
_TOLD = (Refusal, NoSigningKey, ProfileNotMet, SelfCheckFailed, SignerAway)

_log = logging.getLogger(__name__)


class Publisher:
    """
    Publishes what is wanted.

    Args:
        signer_of: as `Publication`; may raise, which fails that set only.
        clock: seconds since 1970; what it says is written into lists, and what they say is compared with it.
        timer: monotonic seconds, for what lasts.
        on_published: as `PublishedLists`.
        on_state: told by the process that publishes which lists are late, or near their end, and of a wrong clock.
        mark: what the processes of this node serve; None: this one is alone.

    Attributes:
        lists: what readers get.
        demand: what waits to be published.
        rows, following: how this process follows the others.
        published, failed: versions made here and attempts that failed, for metrics.
    """

    def __init__(
        self,
        database: Database,
        *,
        signer_of: SignerOf,
        clock: Callable[[], float],
        policy: Policy,
        on_published: Callable[[Published], None],
        on_state: OnState = lambda *_: None,
        timer: Callable[[], float] = time.monotonic,
        mark: ServedMark | None = None,
    ) -> None:
        self.published = 0
        self.failed = 0
        mark = mark or ServedMark()
        self.lists = PublishedLists(policy=policy, clock=clock, on_published=on_published, mark=mark)
        self.demand = Demand(clock)
        self.rows = SetRows(database, self.lists, self.demand, timer=timer)
        self.following = Following(self.rows.take_up, "status lists", mark=mark, timer=timer)
        self._database = database
        self._timer = timer
        # The version of each set with a list made under other settings, and not marked for publication yet.
        self._outdated: dict[str, int] = {}
        self._turns = Turns(slots=SLOTS, per_tenant=SLOTS_PER_TENANT)
        self._leads = False
        self._surveyed_at = NEVER  # Monotonic seconds.
        self._alarms = ListAlarms(on_state)
        self._wanted = asyncio.Event()
        self._publication = Publication(
            database,
            self.lists,
            self.demand,
            signer_of=signer_of,
            clock=clock,
            timer=timer,
            # Threads of its own: lists that are slow to render must not keep others from the loop's.
            threads=ThreadPoolExecutor(SLOTS, "publisher"),
            on_state=on_state,
        )

    @property
    def waiting_seconds(self) -> float:
        """For how long the oldest change has been waiting to be published; 0: none waits."""
        return self.demand.longest_wait(self._timer())

    def retry(self) -> None:
        """Try at once what failed before: a signer has come; to be called on the event loop."""
        self.demand.retry()
        self.wake()

    def wake(self) -> None:
        """Tell the loop that something is wanted; to be called on the event loop."""
        self._wanted.set()

    async def load(self) -> None:
        """
        Take up what the rows have as published; for the start of a process. Needs no signer.

        Lists made under other settings (the public URL, the suite, ...) are served as they are, and marked for
        publication; only here, so that processes with different settings do not outdo one another for ever.
        """
        await self.following.look()
        current_policy = self.lists.policy.digest
        self._outdated = {
            found.set_id: self.lists.version_of_set(found.set_id)
            for found in self.lists
            if found.policy != current_policy
        }
        with suppress(DatabaseUnavailable):  # The disk may be full: what is published is served all the same.
            await self._mark_outdated()

    async def _mark_outdated(self) -> None:
        outdated = self._outdated

        def mark(tx: Transaction) -> None:
            for set_id, version in outdated.items():
                want_fresh_signature(tx, set_id, version)

        if outdated:
            await self._database.write(mark)
            self._outdated = {}

    async def run(self, leadership: Leadership | None) -> None:
        """
        Follow until cancelled, and publish while `leadership` is ours.

        With None this process only follows. Should two processes publish at once, nothing is lost but work.
        """
        async with asyncio.TaskGroup() as under_way:
            while True:
                self._wanted.clear()
                try:
                    await self._step(leadership, under_way)
                except DatabaseUnavailable as error:
                    _log.warning("status lists: %s", error)
                    if self._leads:
                        self._tell()  # Lists run out meanwhile.
                    await asyncio.sleep(POLL_SECONDS)
                except Exception:
                    # A bug: whatever it is, the next look must come.
                    self.failed += 1
                    _log.exception("status lists: a look at the rows failed")
                await asyncio.sleep(PACE_SECONDS)
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(POLL_SECONDS, self.demand.next_due(self._timer()))):
                        await self._wanted.wait()

    async def _step(self, leadership: Leadership | None, under_way: asyncio.TaskGroup) -> None:
        self._leads = leadership is not None and await leadership.holds()
        await self.following.look()
        if self._leads:
            await self._mark_outdated()  # Where that failed at the start.
            self._begin(under_way)
        else:
            self._turns.clear()
            self._alarms.leave()

    async def publish_dirty(self) -> int:
        """
        Publish every set whose rows say more than its published version, or a list of which is half through, and
        wait for it; for the start, and for tools.

        A set with a long cadence keeps to its times: were it published at a start, the time would tell more of when
        its change came.

        Returns:
            How many versions were published here. A set that failed is counted, logged and tried again
            later; it holds up no other.
        """
        await self.following.look()
        self.demand.hurry(self._timer())
        before, self._surveyed_at = self.published, NEVER
        async with asyncio.TaskGroup() as under_way:
            self._begin(under_way)
        return self.published - before

    def _begin(self, under_way: asyncio.TaskGroup) -> None:
        """Offer what is due, then begin with those whose turn it is; each that ends lets another begin."""
        now = self._timer()
        for set_id in self.demand.waiting(now):
            self._turns.offer(set_id, self._lane_of(set_id))
        if now - self._surveyed_at >= SURVEY_SECONDS:
            self._survey()
        self._take_turns(under_way)

    def _take_turns(self, under_way: asyncio.TaskGroup) -> None:
        while (set_id := self._turns.take()) is not None:
            under_way.create_task(self._take_turn(set_id, under_way))

    async def _take_turn(self, set_id: str, under_way: asyncio.TaskGroup) -> None:
        try:
            await self._attempt(set_id)
        finally:
            self._turns.end(set_id)
        self._take_turns(under_way)

    def _survey(self) -> None:
        """Look at the times of all lists: offer those that are to be signed anew, then tell of those in trouble."""
        at = self._timer()
        for set_id in self.lists.due_for_signature():
            if not self._comes_by_itself(set_id, at) and self.demand.may_begin(set_id, at):
                self._turns.offer(set_id, Lane(self.demand.tenant_of(set_id), is_change=False))
        self._tell()
        self._surveyed_at = at

    def _comes_by_itself(self, set_id: str, at: float) -> bool:
        """
        Tell whether a set is due, or will be with a change before any of its lists is near its end.

        To sign it anew before would publish the change beside the times of its cadence.
        """
        wait = self.demand.due_in(set_id, at)
        return self.demand.is_due(set_id, at) or (wait is not None and self.lists.will_do(set_id, wait))

    def _lane_of(self, set_id: str) -> Lane:
        return Lane(
            self.demand.tenant_of(set_id),
            is_change=self.demand.is_change(set_id),
            is_urgent=self.demand.is_urgent(set_id),
        )

    def _tell(self) -> None:
        now = self._timer()
        self._alarms.tell(
            late=self.demand.late(before=now - LATE_SECONDS, anew_before=now - LATE_ANEW_SECONDS),
            near_end=self.lists.near_end(),
            in_the_future=self.lists.not_yet_valid,
            subjects=chain((found.list_id for found in self.lists), self.demand),
        )

    async def _attempt(self, set_id: str) -> None:
        try:
            if await self._publication.publish(set_id):
                self.published += 1  # Not in one step with the await: attempts run beside one another.
        except DatabaseUnavailable as error:
            # Not this set's fault: no pause, so that it is published at once when the database is back. Others
            # would fail as well, and be rendered in vain: the next look offers them again.
            self._turns.clear()
            _log.warning("status set %s: not published, %s", set_id, error)
        except Exception as error:
            # One set's failure (no signer, self-check, database) must not hold up the others.
            self.failed += 1
            is_ours = not isinstance(error, _TOLD)
            reason = type(error).__name__ if is_ours else str(error)
            self.demand.has_failed(set_id, f"publishing fails: {reason}", self._timer())
            level = logging.ERROR if is_ours else logging.WARNING
            _log.log(level, "status set %s: not published: %s", set_id, reason, exc_info=is_ours)
        else:
            self.demand.is_well(set_id)
            if self.demand.is_due(set_id, self._timer()):
                self.wake()  # It was changed meanwhile, and could not be offered.
