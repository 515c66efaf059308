"""
One set, from what its rows say to the version that readers get. Service.

    begin a version -> read rows -> which lists need new bytes -> render -> self-check
        -> rows and version, by compare-and-set -> serve

Each step leaves readers with the last good version if the process dies after it: before the compare-and-set nothing
was published, after it every process finds the new version in the rows within 250 ms, and before it answers
where another process of its node serves it already (`storage.mark`). Several processes may publish at once: one
wins a version, all serve its bytes.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from operators.alarms.model import AlarmKind, OnState
from operators.issuers.key_store import signing_key
from proofs import Signer
from statuslist.errors import NoSigningKey
from statuslist.publishing import set_versions
from statuslist.publishing.artefacts import Artefact
from statuslist.publishing.demand import Demand
from statuslist.publishing.projections import Projection, Projections
from statuslist.publishing.published import Published, PublishedLists
from statuslist.publishing.rendering import ListContent, lists_of, render, with_gzip
from statuslist.publishing.self_check import check_rendered
from statuslist.publishing.set_versions import Begun, SetContent
from storage import Database, Transaction

# The signer of a key, by the ids of its issuer and of the key. That is the key of the rows: a process that does not
# know of a change yet asks for the new one, and cannot sign with the old.
SignerOf = Callable[[str, str], Signer]


class Publication:
    """
    Publishes one set at a time of many that may be under way.

    Args:
        lists: serves what was published.
        demand: is told what was published.
        signer_of: the signer of an issuer, by the issuer's id and the key's; may raise.
        clock: seconds since 1970.
        timer: monotonic seconds.
        threads: where lists are rendered and checked.
        on_state: told of bits that were not those of the rows.
    """

    def __init__(
        self,
        database: Database,
        lists: PublishedLists,
        demand: Demand,
        *,
        signer_of: SignerOf,
        clock: Callable[[], float],
        timer: Callable[[], float],
        threads: Executor,
        on_state: OnState,
    ) -> None:
        self._database = database
        self._lists = lists
        self._demand = demand
        self._signer_of = signer_of
        self._clock = clock
        self._timer = timer
        self._threads = threads
        self._on_state = on_state
        self._projections = Projections()

    async def publish(self, set_id: str) -> bool:
        """
        Publish one set; False where another process was faster, or nothing new is wanted.

        1. Begin the version: what changes from now on is for a later one.
        2. Read what it says.
        3. Render and sign every form of each list that needs new bytes. 4. Read them back, and compare with the
           version before.
        5. Write them and the version, unless the version before is not the published one any more, or the issuer
           signs with another key by now.
        6. Serve it.

        Raises:
            DatabaseUnavailable: the rows cannot be read or written.
            NoSigningKey: the issuer has no key that signs.
            Exception: the signer is missing or fails, or the self-check does; nothing was written.
        """
        began, version = self._timer(), self._lists.version_of_set(set_id)
        is_due = any(published.needs_signature(self._now()) for published in self._lists.of_set(set_id))
        begun = await self._begin(set_id, version, is_due=is_due)  # 1
        if begun is None:
            return False  # Published elsewhere meanwhile; the next look takes it up.
        kept = self._projections.take(set_id)
        content = await self._read(set_id, begun, kept, in_full=is_due)  # 2
        loop = asyncio.get_running_loop()
        before, projection = await loop.run_in_executor(self._threads, _advanced, content, kept)
        if kept is not None and projection is not kept and not projection.is_like(kept):
            self._on_state(AlarmKind.LIST_DIFFERED, set_id, "bits that were kept were not those of the rows")
        try:
            made = await loop.run_in_executor(
                self._threads, self._render_and_check, content, before, projection
            )  # 3, 4
        except Exception:
            if await self._has_another_key(content):
                return False  # Ours is not held any more; the next look takes up the new one.
            raise
        self._projections.keep(set_id, projection)
        written = await self._write(content, made)  # 5
        if written is None:
            return False
        change, position = written
        self._demand.is_published(set_id, content.version, began)
        self._lists.serve(set_id, content.version, made, change=change, position=position)  # 6
        return True

    async def _begin(self, set_id: str, version: int, *, is_due: bool) -> Begun | None:
        """Begin the version that is wanted; where a list is due to be signed anew, that wants one of its own."""

        def begin(tx: Transaction) -> Begun | None:
            if is_due:
                set_versions.want_fresh_signature(tx, set_id, version)
            return set_versions.begin(tx, set_id, version)

        return await self._database.write(begin)

    async def _read(self, set_id: str, begun: Begun, kept: Projection | None, *, in_full: bool) -> SetContent:
        """Return what the version says; in full, so that what is kept of the bits is compared with all statuses."""
        known = None if kept is None else kept.last_event
        return await self._database.read(
            lambda tx: set_versions.read_content(tx, set_id, begun, known=known, in_full=in_full)
        )

    def _render_and_check(
        self, content: SetContent, before: dict[str, ListContent], projection: Projection
    ) -> tuple[Artefact, ...]:
        if content.key_id is None:
            raise NoSigningKey(f"the issuer {content.issuer_id} has no active key")
        signer, policy = self._signer_of(content.issuer_id, content.key_id), self._lists.policy
        made: list[Artefact] = []
        for wanted in lists_of(content, projection):
            published = self._lists.current(wanted.list_id)
            if published is not None and not self._needs_new_bytes(wanted, published, content):
                continue
            rendered = render(wanted, signer, policy, now=self._now())
            previous = published.first if published is not None else None
            check_rendered(
                rendered,
                previous,
                signer,
                content.key_id,
                policy,
                now=self._now(),
                before=before.get(wanted.list_id),
            )
            made += map(with_gzip, rendered.artefacts)
        return tuple(made)

    def _needs_new_bytes(self, wanted: ListContent, published: Published, content: SetContent) -> bool:
        """Tell whether a list says something new, or must be signed anew."""
        return (
            published.first.content != wanted.digest
            or published.version < content.floor_version
            or published.policy != self._lists.policy.digest
            or published.needs_signature(self._now())
        )

    async def _has_another_key(self, content: SetContent) -> bool:
        key_id = await self._database.read(lambda tx: signing_key(tx, content.issuer_id))
        return key_id != content.key_id

    async def _write(self, content: SetContent, made: tuple[Artefact, ...]) -> tuple[int, int] | None:
        """
        Return the number of the last change, and the set's position, once the version is durable; None: another
        process was faster.
        """

        def publish(tx: Transaction) -> tuple[int, int] | None:
            if not set_versions.publish(tx, content, made):
                return None
            return set_versions.last_change(tx), set_versions.published_version(tx, content.set_id)[1]

        return await self._database.write(publish)

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _advanced(content: SetContent, kept: Projection | None) -> tuple[dict[str, ListContent], Projection]:
    """
    Return what the bits that are kept say, list by list, and the bits of the set now.

    Those are the kept ones, advanced; where all rows were read, those of the rows.
    """
    before: dict[str, ListContent] = {}
    if kept is not None:
        before = {of.list_id: of for of in lists_of(content, kept)}
        kept.advance(content)
    if content.statuses is not None:
        return before, Projection(content, content.statuses)
    assert kept is not None, "all rows are read where nothing is kept"
    return before, kept
