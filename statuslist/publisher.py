"""
From durable changes to published lists: one loop per process, and the lists that readers get. Service.

Every process follows; the one that holds the lease publishes.

    read rows -> render -> self-check -> artefact rows and version, by compare-and-set -> swap -> on_published

Each step leaves readers with the last good version if the process dies after it: before the compare-and-set
nothing was written, after it every process finds the new version in the rows within 250 ms. Several processes
may publish at once: one wins a version, all serve its bytes. Serving needs neither signer nor database.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from proofs import Signer
from statuslist import artefacts
from statuslist.artefacts import Artefact, ListContent, ListVersions
from statuslist.errors import ListNotPublished, NoListAtOwnUrl
from statuslist.forms import DATA_INTEGRITY, parse_list_url
from statuslist.rendering import Policy, check_rendered, render
from storage import Database, DatabaseUnavailable, Lease, Transaction

POLL_SECONDS = 0.25  # how soon a change by another process is seen; a change of our own wakes us at once
PACE_SECONDS = 0.1  # between two passes: changes that come thick make one version together
CONCURRENT = 8  # lists rendered at once; their writes share commits
MAX_BACKOFF_SECONDS = 60.0

_log = logging.getLogger(__name__)


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """The version of a list that readers get; times in microseconds since 1970."""

    list_id: str
    version: int
    valid_from: int
    valid_until: int
    policy: str
    forms: dict[str, Artefact]

    @property
    def sign_anew_at(self) -> int:
        """Half of its life: a signer that fails then has as long again to be mended."""
        return (self.valid_from + self.valid_until) // 2


class Publisher:
    """
    Publishes what is wanted, and holds what is published.

    Args:
        signer_of: the signer of an issuer, by the issuer's id; may raise, which fails that list only.
        clock: seconds since 1970.
        on_published: called on the event loop with a list's id after its new version is what `current` gives.

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
    ) -> None:
        self.published = 0
        self.adopted = 0
        self.failed = 0
        self.policy = policy
        self._database = database
        self._signer_of = signer_of
        self._clock = clock
        self._on_published = on_published
        self._current: dict[str, Published] = {}  # Replaced entry by entry, on the event loop only.
        self._versions: dict[str, ListVersions] = {}  # What the rows said when they were last looked at.
        self._seen = -1  # The last change number among them.
        self.followed_at = 0.0  # When that was, in seconds since 1970.
        self._backoff: dict[str, _Backoff] = {}
        self._wanted = asyncio.Event()
        self._pass = asyncio.Lock()

    def current(self, list_id: str) -> Published | None:
        """Return the published version of a list; None where there is no such list, or not yet."""
        return self._current.get(list_id)

    def own_list(self, url: str) -> tuple[bytes, str] | None:
        """
        Return body and media type of a list of ours by its permanent URL; None for a URL that is not ours.

        Raises:
            NoListAtOwnUrl: the URL lies below our base URL, and is not the permanent URL of a list.
            ListNotPublished: the list has not been signed yet.
        """
        if not url.startswith(f"{self.policy.base_url}/"):
            return None
        found = parse_list_url(self.policy.base_url, url)
        if found is None or found[0] not in self._versions:
            raise NoListAtOwnUrl(
                "there is no status list at that URL of ours; send statusListCredential as it was allocated:"
                " it ends in /credential.json or /credential.jwt, without a query or a fragment"
            )
        published = self._current.get(found[0])
        if published is None:
            raise ListNotPublished("the status list is not published yet", headers={"retry-after": "1"})
        artefact = published.forms[found[1]]
        return artefact.body, artefact.media_type

    def soonest_end(self) -> float | None:
        """Return when the first of the lists runs out (seconds since 1970), for the alarm; None: no lists."""
        return min((current.valid_until / 1_000_000 for current in self._current.values()), default=None)

    @property
    def never_published(self) -> int:
        """How many lists are wanted and have no version yet; for longer than a second, their signer is missing."""
        return sum(1 for found in self._versions.values() if found.published == 0)

    def retry(self) -> None:
        """Try at once what failed before: a signer has come; to be called on the event loop."""
        self._backoff.clear()
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
        outdated = [current for current in self._current.values() if current.policy != self.policy.digest]

        def mark(tx: Transaction) -> None:
            for current in outdated:
                artefacts.want_fresh_signature(tx, current.list_id, current.version)

        if outdated:
            await self._database.write(mark)

    async def run(self, lease: Lease | None) -> None:
        """
        Follow until cancelled, and publish while `lease` is ours.

        With None this process only follows. Should two processes publish at once, nothing is lost but work.
        """
        while True:
            self._wanted.clear()
            try:
                leads = lease is not None and await asyncio.to_thread(lease.hold)
                await (self.publish_dirty() if leads else self.follow())
            except DatabaseUnavailable as error:
                _log.warning("status lists: %s", error)
                await asyncio.sleep(POLL_SECONDS)
            except Exception:
                # A bug: whatever it is, the next pass must come.
                self.failed += 1
                _log.exception("status lists: a pass failed")
            await asyncio.sleep(PACE_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._wanted.wait()

    async def publish_dirty(self) -> int:
        """
        Publish every list whose rows say more than its published version, or whose signature is half through.

        Returns:
            How many versions were published here. A list that failed is counted, logged and tried again
            later; it holds up no other.
        """
        await self.follow()
        async with self._pass:
            slots = asyncio.Semaphore(CONCURRENT)
            due = [found for found in self._versions.values() if self._is_due(found)]
            outcomes = await asyncio.gather(*(self._attempt(found, slots) for found in due))
            return sum(outcomes)

    async def follow(self) -> None:
        """
        Serve what any process published since the last look.

        Raises:
            DatabaseUnavailable: the rows cannot be read; what was served before still is.
        """
        async with self._pass:
            asked_at = self._clock()
            changed = await self._database.read(lambda tx: artefacts.changed_lists(tx, self._seen))
            await self._adopt(changed)
            self._versions.update((found.list_id, found) for found in changed)
            self._seen = max((found.changed for found in changed), default=self._seen)
            self.followed_at = asked_at

    async def _adopt(self, versions: list[ListVersions]) -> None:
        unknown = [found.list_id for found in versions if found.published != self._version_of(found.list_id)]
        if not unknown:
            return
        found = await self._database.read(
            lambda tx: [artefacts.published_artefacts(tx, list_id) for list_id in unknown]
        )
        for forms in found:
            self.adopted += 1
            self._swap(forms)

    def _is_due(self, versions: ListVersions) -> bool:
        backoff = self._backoff.get(versions.list_id)
        if backoff is not None and self._clock() < backoff.until:
            return False
        return versions.wanted > versions.published or self._needs_signature(versions.list_id)

    def _needs_signature(self, list_id: str) -> bool:
        current = self._current.get(list_id)
        return current is not None and current.sign_anew_at <= self._now()

    async def _attempt(self, versions: ListVersions, slots: asyncio.Semaphore) -> bool:
        list_id = versions.list_id
        try:
            async with slots:
                done = await self._publish(list_id)
        except DatabaseUnavailable as error:
            # Not this list's fault: no backoff, so that it is published at once when the database is back.
            _log.warning("status list %s: not published, %s", list_id, error)
            return False
        except Exception:
            # One list's failure (no signer, self-check, database) must not hold up the others.
            self.failed += 1
            failures = self._backoff[list_id].failures + 1 if list_id in self._backoff else 1
            until = self._clock() + min(2.0 ** (failures - 1), MAX_BACKOFF_SECONDS)
            self._backoff[list_id] = _Backoff(failures, until)
            _log.exception("status list %s: version %d not published", list_id, versions.wanted)
            return False
        self._backoff.pop(list_id, None)
        return done

    async def _publish(self, list_id: str) -> bool:
        """
        Publish one list; False where another process was faster.

        1. Read what its rows say, in one snapshot.
        2. Render and sign every form. 3. Read them back, and compare with the version before.
        4. Write them and the version, unless the version before is not the published one any more.
        5. Swap, then tell.
        """
        version = self._version_of(list_id)
        if self._needs_signature(list_id):
            await self._database.write(lambda tx: artefacts.want_fresh_signature(tx, list_id, version))
        content = await self._database.read(lambda tx: artefacts.read_content(tx, list_id))
        if content.published_version != version or content.version == version:
            return False  # Published elsewhere since this pass began; the next one takes it up.
        made = await asyncio.to_thread(self._render_and_check, content)
        if not await self._database.write(lambda tx: artefacts.publish(tx, content, made)):
            return False
        self._versions[list_id] = ListVersions(list_id, content.version, content.version, self._seen)
        self.published += 1
        self._swap(made)
        return True

    def _render_and_check(self, content: ListContent) -> tuple[Artefact, ...]:
        signer = self._signer_of(content.issuer_id)
        rendered = render(content, signer, self.policy, now=self._now())
        current = self._current.get(content.list_id)
        previous = current.forms[DATA_INTEGRITY].body if current is not None else None
        check_rendered(rendered, previous, signer, self.policy, now=self._now())
        return rendered.artefacts

    def _swap(self, forms: Sequence[Artefact]) -> None:
        first = forms[0]
        self._current[first.list_id] = Published(
            list_id=first.list_id,
            version=first.version,
            valid_from=first.valid_from,
            valid_until=first.valid_until,
            policy=first.policy,
            forms={artefact.form: artefact for artefact in forms},
        )
        self._on_published(first.list_id)

    def _version_of(self, list_id: str) -> int:
        current = self._current.get(list_id)
        return current.version if current is not None else 0

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


class _Backoff(msgspec.Struct, frozen=True):
    """How often in a row a list has failed, and before when (seconds since 1970) it is not tried again."""

    failures: int
    until: float
