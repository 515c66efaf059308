"""
Work that no request waits for: publishing, seeing changes of other processes, sealing, forgetting. Service.

Every process follows: it takes up what others published or imported, when it is woken and every 250 ms. What must
be done by one process at a time (publishing, sealing the audit log, forgetting old keys) is done by the holder of
the lease, and only processes that `leads` ask for it. A process that dies gives the lease back by dying.

Each task runs until `stop`; one that ends or fails is seen in `is_running`, hence in `/readyz`.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Coroutine
from functools import partial

from operators.sign_in.store import forget_sign_ins
from server.identity.custody import CUSTODIES
from server.telemetry.heartbeats import BEAT_SECONDS
from server.wings import Wings
from statuslist.publishing.artefacts import reduce_superseded
from storage import DatabaseUnavailable, Leadership, forget_before, seal

Work = Coroutine[None, None, None]

LOG = logging.getLogger("touchstone.background")

LEASE = "publisher"
POLL_SECONDS = 0.25  # how soon another process's registry import is seen at the latest; house decision 12
SEAL_EVERY_SECONDS = 0.5  # seconds from an audit row to its position
DELIVER_EVERY_SECONDS = 0.25  # seconds until subscribers are told of a change
AUDIT_EVERY_SECONDS = 0.5  # seconds until a head that was asked for is signed, and a sealed row is pushed
SEALS_EVERY_SECONDS = 5.0  # seconds between two looks at whether rows are sealed
REFUSALS_EVERY_SECONDS = 60.0  # seconds; refused attempts of that time are one audit row
SEAL_LIMIT = 500  # audit rows per transaction
LOOK_AT_KEYS_EVERY_SECONDS = 0.5  # seconds; how soon a key that was put back signs
SHARE_EVERY_SECONDS = 1.0  # seconds; how old the metrics of other processes may be
ISSUERS_EVERY_SECONDS = 0.5  # seconds; how soon a key that was given up leaves the document on every node
KEYS_EVERY_SECONDS = 0.5  # seconds between two looks at keys whose time has come
KEY_LOG_EVERY_SECONDS = 0.5  # seconds until a change of a key is written beside the mirror
REDUCE_EVERY_SECONDS = 600.0  # seconds between two looks for bytes that only releases before 0.3 keep
REDUCE_PAUSE_SECONDS = 0.02  # seconds; others write in between
REDUCE_LIMIT = 8  # forms per transaction; of 2 MiB at most
FORGET_EVERY_SECONDS = 600.0  # seconds between two sweeps of idempotency rows
IDEMPOTENCY_SECONDS = 86_400  # seconds that a key is remembered
WRITE_SEEN_EVERY_SECONDS = 1.0  # seconds until a document that was seen is written
LOOK_EVERY_SECONDS = 1.0  # seconds between two looks at a few DIDs: of the registry, and of foreign issuers
COUNT_ALARMS_EVERY_SECONDS = 5.0  # seconds; how old the number of open alarms may be
ALARMS_EVERY_SECONDS = 1.0  # seconds until an alarm is a row, and one of another process is known here
ADOPT_EVERY_SECONDS = 1.0  # seconds until what a node of an older release made is listed here
CHANGE_SETS_EVERY_SECONDS = 0.5  # seconds from the time of a scheduled change set to its effect
API_KEYS_EVERY_SECONDS = 60.0  # seconds between two looks at API keys that end soon
DUE_DATES_EVERY_SECONDS = 60.0  # seconds between two looks at what of the registry is due soon
KEEP_USES_EVERY_SECONDS = 60.0  # seconds between two looks at which API keys were used
NODES_EVERY_SECONDS = 5.0  # seconds between two looks at the disk and at other nodes
CLOCK_EVERY_SECONDS = 1.0  # seconds between two looks at whether somebody set the clock
UPLOAD_LAST_SECONDS = 3.0  # seconds that an end waits for an object store
OPEN_FIRST_SECONDS = 2.0  # seconds that a start waits for keys to be opened
PUBLISH_FIRST_SECONDS = 5.0  # seconds that a start waits for lists that are due
PURGES_APART_SECONDS = 0.05  # seconds between two looks, however often we are woken
SOURCES_EVERY_SECONDS = 2.0  # seconds; how soon a source that is due is looked at
READ_BACK_EVERY_SECONDS = 1.0  # seconds between two looks at a few lists as they are served and mirrored
MANIFESTS_EVERY_SECONDS = 5.0  # seconds from a change of an issuer's lists to its signed manifest
CLOSE_REGISTRY_EVERY_SECONDS = 3_600.0  # seconds; so much more than it lost does a restore refuse, at most
RETRY_SECONDS = 1.0  # seconds after a step that failed


class Background:
    """
    The background tasks of one process, over all wings.

    The lease is asked for where this process's share `leads`; of the processes of a node one does.
    """

    def __init__(self, wings: Wings) -> None:
        self._resources = wings.resources
        self._operators = wings.operators
        self._auditing = wings.auditing
        self._issuing = wings.issuing
        self._sources = wings.sources
        self._registry = wings.registry.registry
        self._due_dates = wings.registry.due_dates
        self._deliveries = wings.registry.deliveries
        self._change_sets = wings.editing.change_sets
        self._publisher = wings.status.publisher
        self._manifests = wings.status.manifests
        self._mirror = wings.status.mirror
        self._uploader = wings.status.uploader
        self._read_back = wings.status.read_back
        self._observatory = wings.observatory
        self._monitoring = wings.monitoring
        self._database = wings.resources.database
        self._leadership = Leadership(self._database.lease(LEASE)) if self._resources.share.leads else None
        self._woken = asyncio.Event()
        self._woken_for_purges = asyncio.Event()
        self._woken_for_keys = {custody: asyncio.Event() for custody in CUSTODIES}
        self._tasks: list[asyncio.Task[None]] = []
        self._registry_seen_at = time.monotonic()
        self._issuers_seen_at = 0.0

    @property
    def is_running(self) -> bool:
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    def age_seconds(self) -> float:
        """Return how old what is served from memory may be: since when the database was not read in full."""
        seen_at = min(self._publisher.rows.seen_at, self._registry_seen_at, self._issuers_seen_at)
        return time.monotonic() - seen_at

    async def start(self) -> None:
        """Load what is served from memory, publish what is due if that is ours to do, then start the tasks."""
        await self._load()
        self._database.watch(self._wake)
        work = self._work_of_each()
        if self._leadership is not None:
            work += self._work_of_one()
        if self._mirror is not None:
            work.append(self._mirror.run())
        if self._issuing.log is not None:
            work.append(_repeat(self._issuing.log.step, KEY_LOG_EVERY_SECONDS))
        self._tasks += [asyncio.create_task(coroutine) for coroutine in work]

    async def _load(self) -> None:
        await self._follow_issuers()
        await self._observatory.purges.start()
        await self._publisher.load()
        await self._open_keys()
        if await self._leads():
            # What takes longer, or cannot be written now, goes on behind the answers.
            with contextlib.suppress(TimeoutError, DatabaseUnavailable):
                async with asyncio.timeout(PUBLISH_FIRST_SECONDS):
                    await self._publisher.publish_dirty()
        # Without room for its index the registry is refused, and everything else is served.
        with contextlib.suppress(DatabaseUnavailable):
            await self._registry.load()
            self._registry_seen_at = time.monotonic()

    async def _open_keys(self) -> None:
        """Begin to look at keys, and wait for those that open quickly: there may be something to sign."""
        if self._leadership is None:
            return
        for custody in CUSTODIES:
            self._tasks.append(asyncio.create_task(_repeat(partial(self._look_at_keys, custody), 0.0)))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OPEN_FIRST_SECONDS):
                await self._operators.identities.looked()

    def _work_of_each(self) -> list[Work]:
        """Return what every process does."""
        return [
            _repeat(self._monitoring.vitals.beat, BEAT_SECONDS),
            _repeat(self._monitoring.vitals.probe, BEAT_SECONDS),
            self._publisher.run(self._leadership),
            _repeat(self._follow_registry, 0.0),
            _repeat(self._follow_purges, PURGES_APART_SECONDS),
            _repeat(self._observatory.history.observations.flush, WRITE_SEEN_EVERY_SECONDS),
            _repeat(self._operators.alarms.step, ALARMS_EVERY_SECONDS),
            _repeat(self._operators.principals.keep_uses, KEEP_USES_EVERY_SECONDS),
            _repeat(self._observatory.history.key_alarms.count, COUNT_ALARMS_EVERY_SECONDS),
            _repeat(self._share, SHARE_EVERY_SECONDS),
            _repeat(self._follow_issuers, ISSUERS_EVERY_SECONDS),
            _repeat(self._note_refusals, 0.0),
        ]

    def _work_of_one(self) -> list[Work]:
        """Return what one process of a node does, for most of it while it holds the lease."""
        return [
            _repeat(self._seal, SEAL_EVERY_SECONDS),
            _repeat(self._anchor, AUDIT_EVERY_SECONDS),
            _repeat(self._watch_seals, SEALS_EVERY_SECONDS),
            _repeat(self._push, AUDIT_EVERY_SECONDS),
            _repeat(self._deliver, DELIVER_EVERY_SECONDS),
            *([_repeat(self._upload, 0.0)] if self._uploader is not None else []),
            _repeat(self._keep_keys, KEYS_EVERY_SECONDS),
            _repeat(self._forget, FORGET_EVERY_SECONDS),
            _repeat(self._reduce, REDUCE_EVERY_SECONDS),
            _repeat(self._look, LOOK_EVERY_SECONDS),
            _repeat(self._look_at_listings, LOOK_EVERY_SECONDS),
            _repeat(self._look_at_api_keys, API_KEYS_EVERY_SECONDS),
            _repeat(self._look_at_due_dates, DUE_DATES_EVERY_SECONDS),
            _repeat(self._monitoring.vitals.look_at_disk, NODES_EVERY_SECONDS),
            # Whoever holds the lease: its holder may be the one that fell silent.
            _repeat(self._monitoring.nodes.look, NODES_EVERY_SECONDS),
            _repeat(self._look_at_clock, CLOCK_EVERY_SECONDS),
            _repeat(self._adopt, ADOPT_EVERY_SECONDS),
            _repeat(self._follow_sources, SOURCES_EVERY_SECONDS),
            _repeat(self._apply_change_sets, CHANGE_SETS_EVERY_SECONDS),
            _repeat(self._close_registry, CLOSE_REGISTRY_EVERY_SECONDS),
            _repeat(self._sign_manifests, MANIFESTS_EVERY_SECONDS),
            _repeat(self._read_back.step, READ_BACK_EVERY_SECONDS),  # What each node serves, and mirrors.
        ]

    async def stop(self) -> None:
        """Stop the tasks and wait for them, then close the outbound connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(DatabaseUnavailable):
            await self._observatory.history.observations.flush(0)
            await self._operators.alarms.step()
            await self._auditing.refusals.flush()
            if self._leadership is not None:
                await self._monitoring.nodes.end()
        if self._mirror is not None:
            await self._mirror.write_last()
        if self._issuing.log is not None:
            await self._issuing.log.step()
        await self._upload_last()
        if self._leadership is not None:
            await self._leadership.end()
        if self._deliveries is not None:
            await self._deliveries.leave()
        if self._auditing.collector is not None:
            await self._auditing.collector.aclose()
        await self._resources.guard.aclose()

    async def _upload_last(self) -> None:
        """Put there what is due, if that is quick: whoever holds the lease next does it anyway."""
        if self._uploader is not None and await self._leads():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(UPLOAD_LAST_SECONDS):
                    await self._uploader.step()

    def _wake(self) -> None:
        self._publisher.wake()
        self._woken.set()
        self._woken_for_purges.set()

    async def _follow_registry(self) -> None:
        self._woken.clear()
        await self._registry.follow()
        self._registry_seen_at = time.monotonic()
        await _wait(self._woken)

    async def _follow_purges(self) -> None:
        """Apart from the registry, whose loading may take longer than a purge may."""
        self._woken_for_purges.clear()
        await self._observatory.purges.follow()
        await _wait(self._woken_for_purges)

    async def _follow_issuers(self) -> None:
        """Apart from the looks at keys, which may take as long as a token does."""
        changed = await self._operators.identities.follow()
        self._issuers_seen_at = time.monotonic()
        if changed:
            for woken in self._woken_for_keys.values():
                woken.set()

    async def _look_at_keys(self, custody: str) -> None:
        woken = self._woken_for_keys[custody]
        woken.clear()
        if await self._operators.identities.look(custody):
            self._publisher.retry()
        await _wait(woken, LOOK_AT_KEYS_EVERY_SECONDS)

    async def _keep_keys(self) -> None:
        if await self._leads():
            await self._issuing.upkeep.step()
        else:
            self._issuing.upkeep.leave()

    async def _look(self) -> None:
        if await self._leads():
            await self._observatory.watch.look()

    async def _look_at_listings(self) -> None:
        if await self._leads():
            await self._issuing.listings.look()
        else:
            self._issuing.listings.leave()

    async def _adopt(self) -> None:
        if await self._leads():
            await self._operators.principals.adopt()

    async def _apply_change_sets(self) -> None:
        if await self._leads():
            await self._change_sets.apply_due()

    async def _sign_manifests(self) -> None:
        if await self._leads():
            await self._manifests.step()

    async def _close_registry(self) -> None:
        if await self._leads():
            await self._registry.close_up()

    async def _look_at_api_keys(self) -> None:
        if await self._leads():
            await self._operators.key_ends.look()
        else:
            self._operators.key_ends.leave()

    async def _look_at_due_dates(self) -> None:
        if await self._leads():
            await self._due_dates.look()
        else:
            self._due_dates.leave()

    async def _follow_sources(self) -> None:
        if await self._leads():
            await self._sources.step()
        else:
            self._sources.leave()

    async def _look_at_clock(self) -> None:
        self._monitoring.clock_watch.look()

    async def _share(self) -> None:
        self._resources.telemetry.share()

    async def _seal(self) -> None:
        if await self._leads():
            while await self._database.write(lambda tx: seal(tx, limit=SEAL_LIMIT)) == SEAL_LIMIT:
                pass

    async def _anchor(self) -> None:
        anchors = self._auditing.anchors
        if anchors is not None and await self._leads():
            await anchors.step()
        elif anchors is not None:
            anchors.leave()

    async def _watch_seals(self) -> None:
        seals = self._auditing.seals
        if seals is not None and await self._leads():
            await seals.step()
        elif seals is not None:
            seals.leave()

    async def _push(self) -> None:
        pusher = self._auditing.pusher
        if pusher is not None and await self._leads():
            await pusher.step()
        elif pusher is not None:
            pusher.leave()

    async def _deliver(self) -> None:
        if self._deliveries is not None and await self._leads():
            await self._deliveries.step()
        elif self._deliveries is not None:
            await self._deliveries.leave()

    async def _upload(self) -> None:
        uploader = self._uploader
        if uploader is not None and await self._leads():
            await uploader.step()
            await _wait(uploader.woken)
        elif uploader is not None:
            uploader.leave()
            await asyncio.sleep(POLL_SECONDS)

    async def _note_refusals(self) -> None:
        await asyncio.sleep(REFUSALS_EVERY_SECONDS)
        await self._auditing.refusals.flush()

    async def _reduce(self) -> None:
        """Let the bytes of superseded lists go in small steps, so that an upgrade need not wait for it."""
        after: str | None = ""
        while after is not None and await self._leads():
            step = partial(reduce_superseded, after=after, limit=REDUCE_LIMIT)
            after = await self._database.write(step)
            await asyncio.sleep(REDUCE_PAUSE_SECONDS)

    async def _forget(self) -> None:
        if await self._leads():
            now = self._monitoring.clock_watch.surely_past()
            before = int((now - IDEMPOTENCY_SECONDS) * 1_000_000)
            await self._database.write(lambda tx: forget_before(tx, before))
            await self._database.write(lambda tx: forget_sign_ins(tx, int(now * 1_000_000)))
            await self._observatory.purges.forget(now)
            await self._observatory.history.heads.forget()
            await self._operators.alarms.sweep(now)
            await self._operators.approvals.expire(now)
            await self._monitoring.nodes.forget(now)

    async def _leads(self) -> bool:
        return self._leadership is not None and await self._leadership.holds()


async def _wait(woken: asyncio.Event, seconds: float = POLL_SECONDS) -> None:
    """Wait until woken, or for so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await woken.wait()


async def _repeat(step: Callable[[], Coroutine[None, None, object]], seconds: float) -> None:
    """Run `step` for ever, `seconds` apart; a failure is logged, and the next turn comes."""
    while True:
        try:
            await step()
        except DatabaseUnavailable as error:
            LOG.warning("a background step waits for the database: %s", error)
            await asyncio.sleep(RETRY_SECONDS)
        except Exception:
            LOG.exception("a background step failed")
            await asyncio.sleep(RETRY_SECONDS)
        await asyncio.sleep(seconds)
