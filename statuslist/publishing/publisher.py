"""
From durable changes to published lists: one loop per process, and the lists that readers get. Service.

Every process follows; the one that holds the lease publishes.

    read rows -> render -> self-check -> artefact rows and version, by compare-and-set -> swap -> on_published

There is no pass that waits for all that is due: each look at the rows offers what is due to `turns`, and a list is
published as soon as a slot is free and its turn has come. Lists are told apart by their issuers, the tenants.

Each step leaves readers with the last good version if the process dies after it: before the compare-and-set
nothing was written, after it every process finds the new version in the rows within 250 ms, and before it answers
where another process of its node serves it already (`storage.mark`). Several processes may publish at once: one
wins a version, all serve its bytes. Serving needs neither signer nor database.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import msgspec

from operators.alarms import OnState
from proofs import Signer
from statuslist.errors import ListNotPublished, NoListAtOwnUrl
from statuslist.formats.forms import DATA_INTEGRITY, parse_list_url
from statuslist.publishing import artefacts
from statuslist.publishing.artefacts import Artefact, ListContent, ListVersions
from statuslist.publishing.demand import Demand
from statuslist.publishing.list_alarms import LATE_SECONDS, ListAlarms
from statuslist.publishing.rendering import Policy, check_rendered, render
from statuslist.publishing.turns import Lane, Turns
from storage import Database, DatabaseUnavailable, Following, Leadership, ServedMark, Transaction
from wire import format_utc

POLL_SECONDS = 0.25  # how soon a change by another process is seen; a change of our own wakes us at once
PACE_SECONDS = 0.1  # between two looks: changes that come thick make one version together
SLOTS = 8  # lists under way at once; their writes share commits
SLOTS_PER_TENANT = 4  # ... of one issuer
ADOPT_AT_ONCE = 100  # lists read at once: a read has a deadline, and 10,000 lists may have 2 MiB each
SURVEY_SECONDS = 1.0  # between two looks at the times of all lists, of which there may be 10,000
NEVER = float("-inf")  # on a monotonic clock

_log = logging.getLogger(__name__)


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """The version of a list that readers get; times in microseconds since 1970."""

    list_id: str
    version: int
    valid_from: int
    valid_until: int
    policy: str
    forms: dict[str, Artefact]

    def needs_signature(self, now: int) -> bool:
        """
        Tell whether half of its life is over: a signer that fails then has as long again to be mended. Or it has
        not begun: the clock was set back, and verifiers refuse it.
        """
        return now >= (self.valid_from + self.valid_until) // 2 or self.valid_from > now

    def is_near_end(self, now: int) -> bool:
        """Tell whether less than a quarter of its life is left: signing has failed for as long."""
        return self.valid_until - now < (self.valid_until - self.valid_from) // 4


class Publisher:
    """
    Publishes what is wanted, and holds what is published.

    Args:
        signer_of: the signer of an issuer, by the issuer's id; may raise, which fails that list only.
        clock: seconds since 1970; what it says is written into lists, and what they say is compared with it.
        timer: monotonic seconds, for what lasts.
        on_published: called on the event loop with a list's id after its new version is what `current` gives.
        on_state: told by the process that publishes which lists are late, or near their end, and of a wrong clock.
        mark: what the processes of this node serve; None: this one is alone.

    `published`, `adopted` and `failed` count versions made here, versions made by other processes, and
    attempts that failed, for metrics.
    """

    def __init__(
        self,
        database: Database,
        *,
        signer_of: Callable[[str], Signer],
        clock: Callable[[], float],
        policy: Policy,
        on_published: Callable[[str], None],
        on_state: OnState = lambda *_: None,
        timer: Callable[[], float] = time.monotonic,
        mark: ServedMark | None = None,
    ) -> None:
        self.published = 0
        self.adopted = 0
        self.failed = 0
        self.policy = policy
        self._database = database
        self._signer_of = signer_of
        self._clock = clock
        self._timer = timer
        self._on_published = on_published
        self._mark = mark or ServedMark()
        self.is_behind = self._mark.is_behind
        self._following = Following(self._look, "status lists", mark=self._mark, timer=timer)
        self._current: dict[str, Published] = {}  # Replaced entry by entry, on the event loop only.
        self._outdated: list[Published] = []  # Made under other settings, and not marked for publication yet.
        self._demand = Demand()
        self._seen = -1  # The last change number among the rows that were looked at.
        self.followed_at = NEVER  # When that was, in monotonic seconds.
        self._turns = Turns(slots=SLOTS, per_tenant=SLOTS_PER_TENANT)
        self._surveyed_at = NEVER  # Monotonic seconds.
        self._alarms = ListAlarms(on_state)
        self._wanted = asyncio.Event()
        # Threads of its own: lists that are slow to render must not keep others from the loop's.
        self._threads = ThreadPoolExecutor(SLOTS, "publisher")

    def current(self, list_id: str) -> Published | None:
        """Return the published version of a list; None where there is no such list, or not yet."""
        return self._current.get(list_id)

    def own_list(self, url: str) -> tuple[bytes, str, int] | None:
        """
        Return body, media type and expanded bytes of a list of ours by its permanent URL; None for another URL.

        Raises:
            NoListAtOwnUrl: the URL lies below our base URL, and is not the permanent URL of a list.
            ListNotPublished: the list has not been signed yet.
        """
        if not url.startswith(f"{self.policy.base_url}/"):
            return None
        found = parse_list_url(self.policy.base_url, url)
        if found is None or found[0] not in self._demand:
            raise NoListAtOwnUrl(
                "there is no status list at that URL of ours; send statusListCredential as it was allocated:"
                " it ends in /credential.json or /credential.jwt, without a query or a fragment"
            )
        published = self._current.get(found[0])
        if published is None:
            raise ListNotPublished("the status list is not published yet", headers={"retry-after": "1"})
        artefact = published.forms[found[1]]
        return artefact.body, artefact.media_type, self._demand.length_of(found[0]) // 8

    def remaining_seconds(self) -> float | None:
        """
        Return how long all lists are good for, for the alarm; None: there are no lists.

        Not at all, 0, where one is not valid yet, or not any more.
        """
        now = self._now()
        ends = [0 if now < found.valid_from else found.valid_until - now for found in self._current.values()]
        return max(0, min(ends)) / 1_000_000 if ends else None

    @property
    def not_yet_valid(self) -> int:
        """How many lists are dated in the future, so that verifiers refuse them: the clock was set back."""
        now = self._now()
        return sum(found.valid_from > now for found in self._current.values())

    @property
    def never_published(self) -> int:
        """How many lists are wanted and have no version yet; for longer than a second, their signer is missing."""
        return self._demand.never_published

    @property
    def waiting_seconds(self) -> float:
        """For how long the oldest change has been waiting to be published; 0: none waits."""
        return self._demand.longest_wait(self._timer())

    def retry(self) -> None:
        """Try at once what failed before: a signer has come; to be called on the event loop."""
        self._demand.retry()
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
        await self.follow()
        self._outdated = [found for found in self._current.values() if found.policy != self.policy.digest]
        with suppress(DatabaseUnavailable):  # The disk may be full: what is published is served all the same.
            await self._mark_outdated()

    async def _mark_outdated(self) -> None:
        outdated = self._outdated

        def mark(tx: Transaction) -> None:
            for found in outdated:
                artefacts.want_fresh_signature(tx, found.list_id, found.version)

        if outdated:
            await self._database.write(mark)
            self._outdated = []

    async def run(self, leadership: Leadership | None) -> None:
        """
        Follow until cancelled, and publish while `leadership` is ours.

        With None this process only follows. Should two processes publish at once, nothing is lost but work.
        """
        leads = False
        async with asyncio.TaskGroup() as under_way:
            while True:
                self._wanted.clear()
                try:
                    leads = leadership is not None and await leadership.holds()
                    await self.follow()
                    if leads:
                        await self._mark_outdated()  # Where that failed at the start.
                        self._begin(under_way)
                    else:
                        self._turns.clear()
                        self._alarms.leave()
                except DatabaseUnavailable as error:
                    _log.warning("status lists: %s", error)
                    if leads:
                        self._tell()  # Lists run out meanwhile.
                    await asyncio.sleep(POLL_SECONDS)
                except Exception:
                    # A bug: whatever it is, the next look must come.
                    self.failed += 1
                    _log.exception("status lists: a look at the rows failed")
                await asyncio.sleep(PACE_SECONDS)
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._wanted.wait()

    async def publish_dirty(self) -> int:
        """
        Publish every list whose rows say more than its published version, or whose signature is half through, and
        wait for it; for the start, and for tools.

        Returns:
            How many versions were published here. A list that failed is counted, logged and tried again
            later; it holds up no other.
        """
        await self.follow()
        before, self._surveyed_at = self.published, NEVER
        async with asyncio.TaskGroup() as under_way:
            self._begin(under_way)
        return self.published - before

    def _begin(self, under_way: asyncio.TaskGroup) -> None:
        """Offer what is due, then begin with those whose turn it is; each that ends lets another begin."""
        now = self._timer()
        for list_id in self._demand.waiting(now):
            self._turns.offer(list_id, Lane(self._demand.tenant_of(list_id), is_change=True))
        if now - self._surveyed_at >= SURVEY_SECONDS:
            self._survey()
        self._take_turns(under_way)

    def _take_turns(self, under_way: asyncio.TaskGroup) -> None:
        while (list_id := self._turns.take()) is not None:
            under_way.create_task(self._take_turn(list_id, under_way))

    async def _take_turn(self, list_id: str, under_way: asyncio.TaskGroup) -> None:
        try:
            await self._attempt(list_id)
        finally:
            self._turns.end(list_id)
        self._take_turns(under_way)

    def _survey(self) -> None:
        """Look at the times of all lists: offer those that are to be signed anew, then tell of those in trouble."""
        now, at = self._now(), self._timer()
        for list_id in [found.list_id for found in self._current.values() if found.needs_signature(now)]:
            if not self._demand.is_waiting(list_id) and self._demand.may_begin(list_id, at):
                self._turns.offer(list_id, Lane(self._demand.tenant_of(list_id), is_change=False))
        self._tell()
        self._surveyed_at = at

    def _tell(self) -> None:
        self._alarms.tell(
            late=self._demand.late(before=self._timer() - LATE_SECONDS),
            near_end=self._near_end(self._now()),
            in_the_future=self.not_yet_valid,
            lists=self._current,
        )

    def _near_end(self, now: int) -> Iterator[tuple[str, str]]:
        for found in self._current.values():
            if found.is_near_end(now):
                yield found.list_id, f"valid until {format_utc(found.valid_until)}, and not signed anew"

    async def follow(self) -> None:
        """
        Serve what any process published since the last look.

        Raises:
            DatabaseUnavailable: the rows cannot be read; what was served before still is.
        """
        await self._following.look()

    async def catch_up(self) -> bool:
        """Follow before an answer, where another process of the node may serve a newer version; see `Following`."""
        return await self._following.catch_up()

    async def _look(self) -> None:
        """Take up what the rows say; one look at a time."""
        asked_at = self._timer()
        changed = await self._database.read(lambda tx: artefacts.changed_lists(tx, self._seen))
        await self._adopt(changed)
        for found in changed:
            self._demand.rows_say(found, asked_at)
        self._seen = max((found.changed for found in changed), default=self._seen)
        self.followed_at = asked_at

    async def _adopt(self, versions: list[ListVersions]) -> None:
        unknown = [found.list_id for found in versions if found.published > self._version_of(found.list_id)]
        for first in range(0, len(unknown), ADOPT_AT_ONCE):
            await self._adopt_some(unknown[first : first + ADOPT_AT_ONCE])

    async def _adopt_some(self, unknown: Sequence[str]) -> None:
        def read(tx: Transaction) -> tuple[list[list[Artefact]], int]:
            found = [artefacts.published_artefacts(tx, list_id) for list_id in unknown]
            return found, artefacts.last_change(tx)  # Afterwards: nothing that was found is beyond it.

        found, change = await self._database.read(read)
        self._mark.will_serve(change)
        for forms in found:
            self.adopted += self._swap(forms)

    async def _attempt(self, list_id: str) -> None:
        try:
            await self._publish(list_id)
        except DatabaseUnavailable as error:
            # Not this list's fault: no pause, so that it is published at once when the database is back. Others
            # would fail as well, and be rendered in vain: the next look offers them again.
            self._turns.clear()
            _log.warning("status list %s: not published, %s", list_id, error)
        except Exception as error:
            # One list's failure (no signer, self-check, database) must not hold up the others.
            self.failed += 1
            self._demand.has_failed(list_id, f"publishing fails: {type(error).__name__}", self._timer())
            _log.exception("status list %s: not published", list_id)
        else:
            self._demand.is_well(list_id)
            if self._demand.is_waiting(list_id):
                self.wake()  # It was changed meanwhile, and could not be offered.

    async def _publish(self, list_id: str) -> None:
        """
        Publish one list, unless another process is faster.

        1. Read what its rows say, in one snapshot.
        2. Render and sign every form. 3. Read them back, and compare with the version before.
        4. Write them and the version, unless the version before is not the published one any more.
        5. Swap, then tell.
        """
        began, version = self._timer(), self._version_of(list_id)
        current = self._current.get(list_id)
        if current is not None and current.needs_signature(self._now()):
            await self._database.write(lambda tx: artefacts.want_fresh_signature(tx, list_id, version))
        content = await self._database.read(lambda tx: artefacts.read_content(tx, list_id))
        if content.published_version != version or content.version == version:
            return  # Published elsewhere meanwhile; the next look takes it up.
        loop = asyncio.get_running_loop()
        made = await loop.run_in_executor(self._threads, self._render_and_check, content)

        def write(tx: Transaction) -> int | None:
            return artefacts.last_change(tx) if artefacts.publish(tx, content, made) else None

        change = await self._database.write(write)
        if change is None:
            return
        self._mark.will_serve(change)
        self.published += 1
        self._demand.is_published(list_id, content.version, began)
        self._swap(made)

    def _render_and_check(self, content: ListContent) -> tuple[Artefact, ...]:
        signer = self._signer_of(content.issuer_id)
        rendered = render(content, signer, self.policy, now=self._now())
        current = self._current.get(content.list_id)
        previous = current.forms[DATA_INTEGRITY].body if current is not None else None
        check_rendered(rendered, previous, signer, self.policy, now=self._now())
        return rendered.artefacts

    def _swap(self, forms: Sequence[Artefact]) -> bool:
        """Serve a version; False where a newer one is served already: looks and publications overlap."""
        first = forms[0]
        if first.version <= self._version_of(first.list_id):
            return False
        self._current[first.list_id] = Published(
            list_id=first.list_id,
            version=first.version,
            valid_from=first.valid_from,
            valid_until=first.valid_until,
            policy=first.policy,
            forms={artefact.form: artefact for artefact in forms},
        )
        self._on_published(first.list_id)
        return True

    def _version_of(self, list_id: str) -> int:
        current = self._current.get(list_id)
        return current.version if current is not None else 0

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)
