"""
Changes pushed to subscribers as Security Event Tokens (RFC 8935): in order, at least once. Service.

For each subscriber one request at most is under way, for the change after the last that it took, so that nothing
overtakes anything, and a slow one delays nobody else. Its position is moved in the row only after it answered 202,
and past what it does not want. Where the row cannot be written, it is left alone for as long as if it had refused.
Who is killed between the two sends the change again, with the same `jti`. Two processes that push at once, as when
a lease changes hands, repeat changes, and skip none: a position moves only from where the process saw it.

The network and the key are the composition root's.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial

import msgspec

from operators.alarms.model import AlarmKind, OnState
from proofs import Signer, SignerAway
from registry.feed import store
from registry.feed.changes import Change
from registry.feed.store import Page, Subscriber
from registry.feed.tokens import make_set
from storage import Database, DatabaseUnavailable, Transaction
from wire import Reading, ResourceNotFound

LOG = logging.getLogger("touchstone.registry")

TOGETHER = 50  # changes that are read at a time
FIRST_RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 300.0
BEHIND_SECONDS = 300.0  # seconds that a subscriber may be behind until there is an alarm
MAX_ERROR_CHARS = 500  # characters of what a subscriber says that are kept


class NotTaken(Exception):
    """A subscriber did not take a change; the message is for operators, and has no secret."""


_Key = tuple[int, str]  # number and id of a subscriber
Post = Callable[[Subscriber, bytes], Awaitable[None]]  # sends a token; raises NotTaken


class _Turn(msgspec.Struct):
    """What one process knows of a subscriber; times are monotonic seconds."""

    task: asyncio.Task[None] | None = None
    not_before: float = 0.0
    unnoted: int = 0  # attempts in a row whose outcome the database did not take
    behind_since: float | None = None
    waiting: int = 0  # changes beyond its position
    is_told: bool = False  # whether this process told of an alarm

    @property
    def is_busy(self) -> bool:
        return self.task is not None and not self.task.done()


class Deliveries:
    """
    Used on one event loop, by whoever holds the lease.

    Args:
        post: sends a token to a subscriber.
        signer: returns what signs for the service now.
        clock: seconds since 1970.
        timer: monotonic seconds.
        jitter: a number between 0 and 1, another one each time.
        on_state: told when a subscriber has been behind for five minutes, and when it is not any more.

    `delivered` counts changes that were taken, `failures` attempts that failed.
    """

    def __init__(
        self,
        database: Database,
        *,
        post: Post,
        signer: Callable[[], Signer],
        clock: Callable[[], float],
        timer: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float],
        on_state: OnState,
    ) -> None:
        self._database = database
        self._post = post
        self._signer = signer
        self._clock = clock
        self._timer = timer
        self._jitter = jitter
        self._on_state = on_state
        self._turns: dict[_Key, _Turn] = {}
        self.delivered = 0
        self.failures = 0

    async def step(self) -> None:
        """
        Begin to push to each subscriber that is behind, unless it failed just now; wait for none of them.

        Raises:
            DatabaseUnavailable: the rows cannot be read.
        """
        found, last = await self._database.read(_look)
        for gone in self._turns.keys() - {_key(each) for each in found}:
            self._forget(gone)
        for subscriber in found:
            self._consider(subscriber, last)

    async def leave(self) -> None:
        """End what is under way; another process pushes, and tells, from now on."""
        tasks = self.under_way()
        for key in list(self._turns):
            self._forget(key)
        await asyncio.gather(*tasks, return_exceptions=True)

    def under_way(self) -> list[asyncio.Task[None]]:
        """Return the work for subscribers that are being pushed to."""
        return [turn.task for turn in self._turns.values() if turn.task is not None and turn.is_busy]

    def readings(self) -> list[Reading]:
        """Return what the metrics tell; a process that does not push has nothing that waits."""
        behind = [turn.waiting for turn in self._turns.values() if turn.waiting]
        return [
            Reading(
                "touchstone_registry_subscribers_behind", "Subscribers that changes wait for.", len(behind)
            ),
            Reading(
                "touchstone_registry_changes_waiting",
                "Changes beyond the position of the subscriber that is furthest behind.",
                max(behind, default=0),
            ),
            Reading(
                "touchstone_registry_deliveries", "Changes that subscribers took.", self.delivered, "sum"
            ),
            Reading(
                "touchstone_registry_delivery_failures",
                "Attempts to tell a subscriber of a change that failed.",
                self.failures,
                "sum",
            ),
        ]

    def _consider(self, subscriber: Subscriber, last: int) -> None:
        now, turn = self._timer(), self._turns.setdefault(_key(subscriber), _Turn())
        turn.waiting = max(0, last - subscriber.position)
        if not turn.waiting:
            turn.behind_since = None
            self._tell(subscriber.id, turn, None)
            return
        turn.behind_since = now if turn.behind_since is None else turn.behind_since
        if now - turn.behind_since >= BEHIND_SECONDS:
            why = f": {subscriber.last_error}" if subscriber.failures else ""
            why = ": the database takes no writes" if turn.unnoted else why
            self._tell(subscriber.id, turn, f"{turn.waiting} changes wait{why}")
        # Without a failure that either knows of, nobody has tried yet, or an operator moved it.
        has_failed = subscriber.failures or turn.unnoted
        if not turn.is_busy and (now >= turn.not_before or not has_failed):
            turn.task = asyncio.create_task(self._push(_key(subscriber), turn))

    async def _push(self, key: _Key, turn: _Turn) -> None:
        """Push until nothing waits or something fails; nobody waits for this task."""
        try:
            while await self._push_some(key, turn):
                pass
        except DatabaseUnavailable as error:
            LOG.warning("pushing to the subscriber %s waits for the database: %s", key[1], error)
            self._put_off(turn, turn.unnoted)  # What it just took is sent again.
            turn.unnoted += 1

    async def _push_some(self, key: _Key, turn: _Turn) -> bool:
        """Push some of what waits; tell whether more may."""
        subscriber, page = await self._database.read(partial(_due, key=key))
        if subscriber is None or page.next == subscriber.position:
            return False
        position = subscriber.position
        for told in page.found:
            try:
                await self._send(subscriber, told)
            except NotTaken as error:
                await self._note_failed(subscriber, position, told, turn, str(error))
                return False
            if not await self._advance(subscriber, position, told.position, self._now()):
                return False
            self.delivered += 1
            turn.unnoted, position = 0, told.position
        return position == page.next or await self._advance(subscriber, position, page.next, None)

    async def _send(self, subscriber: Subscriber, told: Change) -> None:
        """
        Raises:
            NotTaken: no key signs just now, the subscriber did not take it, or something else failed.
        """
        make = partial(make_set, told, subscriber_id=subscriber.id, audience=subscriber.audience)
        try:
            token = await asyncio.to_thread(make, signer=self._signer(), issued_at=int(self._clock()))
            await self._post(subscriber, token)
        except NotTaken:
            raise
        except (SignerAway, ResourceNotFound) as error:
            raise NotTaken(f"it cannot be signed: {error}") from None
        except Exception:
            LOG.exception("pushing to the subscriber %s failed", subscriber.id)
            raise NotTaken("a failure of this service, which its log tells") from None

    async def _advance(self, subscriber: Subscriber, before: int, position: int, at: int | None) -> bool:
        return await self._database.write(
            lambda tx: store.advance(tx, subscriber.number, before, position, at)
        )

    async def _note_failed(
        self, subscriber: Subscriber, position: int, told: Change, turn: _Turn, reason: str
    ) -> None:
        """Note that it did not take `told`, and wants nothing between `position` and that."""
        self.failures += 1
        failed = subscriber.failures if position == subscriber.position else 0  # in a row, until now
        wait, at = self._put_off(turn, failed + turn.unnoted), self._now()
        await self._database.write(
            lambda tx: store.note_failed(
                tx,
                subscriber.number,
                position,
                told.position - 1,
                f"change {told.position}: {reason}"[:MAX_ERROR_CHARS],
                at,
                at + int(wait * 1_000_000),
            )
        )
        turn.unnoted = 0

    def _put_off(self, turn: _Turn, failed: int) -> float:
        """Wait before the next attempt, ever longer; return how many seconds."""
        longest = min(MAX_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(failed, 20))
        wait: float = longest * (0.5 + self._jitter() / 2)  # Those that failed together do not come together.
        turn.not_before = max(turn.not_before, self._timer() + wait)
        return wait

    def _forget(self, key: _Key) -> None:
        turn = self._turns.pop(key)
        if turn.task is not None:
            turn.task.cancel()
        if turn.is_told:
            self._tell(key[1], turn, None)

    def _tell(self, subscriber_id: str, turn: _Turn, reason: str | None) -> None:
        self._on_state(AlarmKind.SUBSCRIBER_BEHIND, subscriber_id, reason)
        turn.is_told = reason is not None

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _key(subscriber: Subscriber) -> _Key:
    return subscriber.number, subscriber.id


def _look(tx: Transaction) -> tuple[list[Subscriber], int]:
    return store.subscribers(tx), store.last_position(tx)


def _due(tx: Transaction, *, key: _Key) -> tuple[Subscriber | None, Page]:
    """Return a subscriber and what comes next for it."""
    found = store.find_subscriber(tx, key[1])
    if found is None or _key(found) != key:
        return None, Page((), 0, 0)
    return found, store.read_page(tx, found.position, found.filters, TOGETHER)
