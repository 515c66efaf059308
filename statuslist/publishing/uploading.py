"""
Published lists in an object store, for a CDN in front of it: put there as they are published. Service.

    <prefix>/status-lists/<list id>/<form>

The key is the path of the form's permanent URL. An object says its media type, for how long caches may keep it,
and in its metadata the version and the tag that our server gives to the same bytes. It is replaced whole, and only
where it is still what we saw: a node that was held up never puts an old version in the place of a newer one.

An object cannot say how much of a list's life is left when it is read. So `max-age` is the list's `ttl` for as long
as that much of it is left, and a list that was not signed anew by then is put there again, for caches to ask for
every time: nobody keeps a list beyond its end.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterator
from itertools import islice

from operators.alarms.model import AlarmKind, OnState
from statuslist.formats.forms import DATA_INTEGRITY, FormName
from statuslist.publishing.artefacts import Artefact
from statuslist.publishing.bucket import Bucket, BucketFailed, Held, Overtaken
from statuslist.publishing.published import Published

DIRECTORY = "status-lists"
LABELLED: dict[FormName, str] = {DATA_INTEGRITY: "application/ld+json"}  # Most clients know it as JSON.
NO_CACHE = "no-cache"  # RFC 9111, section 5.2.2.4: a cache asks every time
AT_ONCE = 16  # lists
TRIES = 3  # for an object that others write, too
FIRST_RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 60.0
TOLD_AFTER_SECONDS = 10.0  # seconds of failing until there is an alarm: stores answer 503 for moments
LOOK_EVERY_SECONDS = 5.0  # seconds between two looks for lists that end soon; ttl is 60 at least
_LABEL = re.compile(r"([1-9][0-9]{0,18})\.\S+")  # Versions fit 63 bits, as in the database.

_log = logging.getLogger(__name__)


class NewerThere(Exception):
    """The store has a newer version: of a node that was faster, which we take up soon, or of another database."""


class Uploader:
    """
    Puts what it is given into a bucket, the newest version of each list only; for the holder of the lease.

    `failed` counts attempts that failed.

    Args:
        name: names the bucket in alarms and the log.
        open_bucket: called in a thread; raises BucketFailed.
        ttl_seconds: how long caches may keep a list.
        clock: seconds since 1970.
        timer: monotonic seconds.
        on_state: told when lists have not been taken for a while, and when they are again.
    """

    def __init__(
        self,
        name: str,
        open_bucket: Callable[[], Bucket],
        *,
        ttl_seconds: int,
        clock: Callable[[], float],
        timer: Callable[[], float] = time.monotonic,
        on_state: OnState,
    ) -> None:
        self.woken = asyncio.Event()
        self.failed = 0
        self._name = name
        self._open_bucket = open_bucket
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._timer = timer
        self._on_state = on_state
        self._leads = False
        self._newest: dict[str, Published] = {}  # Of every list. This and what follows is of the event loop.
        self._due: dict[str, Published] = {}  # What was published last is last.
        self._overtaken: dict[str, str] = {}  # Those of them that wait for the next look, and why.
        self._held: dict[str, Held] = {}  # By key: as we put it there, or saw it.
        self._look_at = self._retry_at = self._retry_seconds = 0.0
        self._failure: str | None = None  # Of the store.
        self._failing_since: float | None = None
        self._is_told = False

    @property
    def waiting(self) -> int:
        """How many lists are not there yet, as far as this process knows."""
        return len(self._due) if self._leads else 0

    def take(self, published: Published) -> None:
        """Have a version put there, in the place of an older one that still waits; on the event loop."""
        for waiting in (self._due, self._overtaken):
            waiting.pop(published.list_id, None)
        self._newest[published.list_id] = self._due[published.list_id] = published
        self.woken.set()

    async def step(self) -> None:
        """Put what is due there, unless the store failed just now. Neither fails nor blocks the event loop."""
        self._leads = True
        self.woken.clear()
        if self._timer() >= self._look_at:
            self._look()
        if self._timer() >= self._retry_at:
            await self._put_due()
        self._tell(self._failure or next(iter(self._overtaken.values()), None))

    def leave(self) -> None:
        """Another process uploads, and tells from now on. What we knew of the store it may change."""
        if self._leads:
            self._due = dict(self._newest)
            self._held.clear()
            self._overtaken.clear()
        self._leads = False
        self._note([])
        self._failing_since = None
        if self._is_told:
            self._tell(None)

    def _look(self) -> None:
        """Have those put there again that end soon, and those that something newer was in the place of."""
        self._look_at = self._timer() + LOOK_EVERY_SECONDS
        self._overtaken.clear()
        soon = self._now() + margin_of(self._ttl_seconds)
        for published in [found for found in self._newest.values() if found.valid_until <= soon]:
            held = [self._held.get(key_of(published.list_id, form)) for form in published.forms]
            if any(found is not None and found.cache_control != NO_CACHE for found in held):
                self._due.setdefault(published.list_id, published)

    async def _put_due(self) -> None:
        """Put what is due there, each once; stop where all that were tried at once failed."""
        waiting = iter(tuple(self._due))
        tried: set[tuple[str, int]] = set()
        failures: list[BucketFailed] = []
        while batch := self._next(waiting, tried):
            tried.update((published.list_id, published.version) for published in batch)
            failed = await self._put_at_once(batch)
            failures += failed
            if len(failed) == len(batch):
                break
        if tried:
            self._note(failures)

    def _next(self, waiting: Iterator[str], tried: set[tuple[str, int]]) -> list[Published]:
        """Return what to put there at once: what waits longest, and what was published last."""

        def is_left(published: Published) -> bool:
            list_id = published.list_id
            return list_id not in self._overtaken and (list_id, published.version) not in tried

        oldest = filter(is_left, (self._due[list_id] for list_id in waiting if list_id in self._due))
        newest = filter(is_left, reversed(self._due.values()))
        found = (*islice(oldest, AT_ONCE // 2), *islice(newest, AT_ONCE // 2))
        return list({published.list_id: published for published in found}.values())

    async def _put_at_once(self, lists: list[Published]) -> list[BucketFailed]:
        """Put lists there; return the failures of the store, one for each list that it did not take."""
        try:
            bucket = await asyncio.to_thread(self._open_bucket)
        except BucketFailed as error:
            return [error] * len(lists)
        async with asyncio.TaskGroup() as group:
            puts = [group.create_task(self._put_list(bucket, published)) for published in lists]
        return [failure for put in puts if (failure := put.result()) is not None]

    async def _put_list(self, bucket: Bucket, published: Published) -> BucketFailed | None:
        list_id, overtaken = published.list_id, None
        cache_control = cache_control_of(published, self._ttl_seconds, self._now())
        try:
            for form, artefact in published.forms.items():
                await self._put_form(bucket, key_of(list_id, form), artefact, cache_control)
        except NewerThere as error:
            overtaken = f"{list_id}: {error}"
        except BucketFailed as error:
            return error
        if self._due.get(list_id) is published:
            if overtaken is None:
                del self._due[list_id]
            else:
                self.failed += 1
                self._overtaken[list_id] = overtaken
        return None

    async def _put_form(self, bucket: Bucket, key: str, artefact: Artefact, cache_control: str) -> None:
        """
        Put one form there, unless it is there.

        Raises:
            NewerThere, BucketFailed: it is not there.
        """
        label = label_of(artefact)
        media_type = LABELLED.get(artefact.form, artefact.media_type)
        for _ in range(TRIES):
            there = self._held.pop(key, None) or await bucket.look(key)
            if there is not None and version_in(there.label) > artefact.version:
                newer = version_in(there.label)
                raise NewerThere(f"version {newer} is there, which is newer than ours, {artefact.version}")
            try:
                if there is None or (there.label, there.cache_control) != (label, cache_control):
                    there = await bucket.put(
                        key,
                        artefact.body,
                        media_type=media_type,
                        cache_control=cache_control,
                        label=label,
                        there=there,
                    )
            except Overtaken:
                continue
            self._held[key] = there
            return
        raise BucketFailed(f"{key}: it was replaced {TRIES} times while we looked")

    def _note(self, failures: list[BucketFailed]) -> None:
        self.failed += len(failures)
        self._failure = str(failures[0]) if failures else None
        if self._failure is None:
            self._retry_at = self._retry_seconds = 0.0
            return
        self._retry_seconds = min(MAX_RETRY_SECONDS, 2 * self._retry_seconds or FIRST_RETRY_SECONDS)
        self._retry_at = self._timer() + self._retry_seconds
        _log.error("%s: %d lists are not uploaded: %s", self._name, len(self._due), self._failure)

    def _tell(self, reason: str | None) -> None:
        """Raise the alarm where something has been wrong for a while; end it where nothing is."""
        if reason is None:
            self._failing_since, self._is_told = None, False
            self._on_state(AlarmKind.LISTS_NOT_UPLOADED, self._name, None)
            return
        now = self._timer()
        self._failing_since = now if self._failing_since is None else self._failing_since
        if now - self._failing_since >= TOLD_AFTER_SECONDS:
            self._is_told = True
            self._on_state(AlarmKind.LISTS_NOT_UPLOADED, self._name, f"{len(self._due)} lists wait: {reason}")

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def key_of(list_id: str, form: FormName) -> str:
    """Return the key of a form: the path of its permanent URL."""
    return f"{DIRECTORY}/{list_id}/{form}"


def label_of(artefact: Artefact) -> str:
    """Return what an object says of itself: its version, and a digest of its bytes, which our ETag is."""
    tag = artefact.etag.strip('"')
    return f"{artefact.version}.{tag}"


def version_in(label: str) -> int:
    """Return the version that an object says it has; 0 where it is not one of ours."""
    found = _LABEL.fullmatch(label)
    return int(found[1]) if found is not None else 0


def margin_of(ttl_seconds: int) -> int:
    """Return how much of a list's life may be left when caches may not keep it any more; microseconds."""
    return ttl_seconds * 1_100_000  # A tenth more, to find those lists and to put them there.


def cache_control_of(published: Published, ttl_seconds: int, now: int) -> str:
    """
    Return for how long caches may keep an object that is put there now, whenever they read it.

    Nobody may keep a list that is not valid yet, since the clock was set back: it is about to be signed anew.

    Args:
        now: microseconds since 1970.
    """
    is_kept = published.valid_from <= now < published.valid_until - margin_of(ttl_seconds)
    return f"public, max-age={ttl_seconds}" if is_kept else NO_CACHE
