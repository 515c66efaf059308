"""
One list, from what its rows say to the version that readers get. Service.

    read rows -> render -> self-check -> artefact rows and version, by compare-and-set -> serve -> on_published

Each step leaves readers with the last good version if the process dies after it: before the compare-and-set
nothing was written, after it every process finds the new version in the rows within 250 ms, and before it answers
where another process of its node serves it already (`storage.mark`). Several processes may publish at once: one
wins a version, all serve its bytes.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from operators.issuers.key_store import signing_key
from proofs import Signer
from statuslist.errors import NoSigningKey
from statuslist.formats.forms import DATA_INTEGRITY
from statuslist.publishing import artefacts
from statuslist.publishing.artefacts import Artefact, ListContent
from statuslist.publishing.demand import Demand
from statuslist.publishing.published import PublishedLists
from statuslist.publishing.rendering import render
from statuslist.publishing.self_check import check_rendered
from storage import Database, Transaction

# The signer of a key, by the ids of its issuer and of the key. That is the key of the rows: a process that does not
# know of a change yet asks for the new one, and cannot sign with the old.
SignerOf = Callable[[str, str], Signer]


class Publication:
    """
    Publishes one list at a time of many that may be under way.

    Args:
        lists: serves what was published.
        demand: is told what was published.
        signer_of: the signer of an issuer, by the issuer's id and the key's; may raise.
        clock: seconds since 1970.
        timer: monotonic seconds.
        threads: where lists are rendered and checked.
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
    ) -> None:
        self._database = database
        self._lists = lists
        self._demand = demand
        self._signer_of = signer_of
        self._clock = clock
        self._timer = timer
        self._threads = threads

    async def publish(self, list_id: str) -> bool:
        """
        Publish one list; False where another process was faster, or nothing new is wanted.

        1. Read what its rows say, in one snapshot.
        2. Render and sign every form. 3. Read them back, and compare with the version before.
        4. Write them and the version, unless the version before is not the published one any more, or the issuer
           signs with another key by now.
        5. Serve it.

        Raises:
            DatabaseUnavailable: the rows cannot be read or written.
            NoSigningKey: the issuer has no key that signs.
            Exception: the signer is missing or fails, or the self-check does; nothing was written.
        """
        began, version = self._timer(), self._lists.version_of(list_id)
        content = await self._read(list_id, version)  # 1
        if content.published_version != version or content.version == version:
            return False  # Published elsewhere meanwhile; the next look takes it up.
        loop = asyncio.get_running_loop()
        try:
            made = await loop.run_in_executor(self._threads, self._render_and_check, content)  # 2, 3
        except Exception:
            if await self._has_another_key(content):
                return False  # Ours is not held any more; the next look takes up the new one.
            raise
        change = await self._write(content, made)  # 4
        if change is None:
            return False
        self._demand.is_published(list_id, content.version, began)
        self._lists.serve(made, change=change)  # 5
        return True

    async def _read(self, list_id: str, version: int) -> ListContent:
        """Return what the list is to say; one whose signature is half through wants a version of its own."""
        current = self._lists.current(list_id)
        if current is not None and current.needs_signature(self._now()):
            await self._database.write(lambda tx: artefacts.want_fresh_signature(tx, list_id, version))
        return await self._database.read(lambda tx: artefacts.read_content(tx, list_id))

    def _render_and_check(self, content: ListContent) -> tuple[Artefact, ...]:
        if content.key_id is None:
            raise NoSigningKey(f"the issuer {content.issuer_id} has no active key")
        signer, policy = self._signer_of(content.issuer_id, content.key_id), self._lists.policy
        rendered = render(content, signer, policy, now=self._now())
        current = self._lists.current(content.list_id)
        previous = current.forms[DATA_INTEGRITY].body if current is not None else None
        check_rendered(rendered, previous, signer, policy, now=self._now())
        return rendered.artefacts

    async def _has_another_key(self, content: ListContent) -> bool:
        key_id = await self._database.read(lambda tx: signing_key(tx, content.issuer_id))
        return key_id != content.key_id

    async def _write(self, content: ListContent, made: tuple[Artefact, ...]) -> int | None:
        """Return the number of the last change once the version is durable; None: another process was faster."""

        def write(tx: Transaction) -> int | None:
            return artefacts.last_change(tx) if artefacts.publish(tx, content, made) else None

        return await self._database.write(write)

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)
