"""
The registry over its database: the view that answers questions, import and export. Service.

Questions are answered from memory: no SQL, no await. The rows are the truth; every process polls their
version with `refresh` (the server does so every 250 ms) and swaps its view whole; where another process of its node
has a newer view already, `following.catch_up` does so before an answer (`storage.mark`).
"""

import asyncio
import hashlib
import time
from collections.abc import Callable

import msgspec

from operators import Principal
from operators.acting import act_once
from operators.noting import note
from registry import listing, query
from registry.exports.registry_file import export_registry
from registry.model import Facts, Grant
from registry.reading import ReadFile, ReadRegistry, read_here
from registry.store import FactChanges, read_facts, read_version, replace_facts
from registry.trqp import read_request
from registry.view import EMPTY_VIEW, View, build_view
from storage import Database, Following, ServedMark, Transaction
from wire import Answer, encode


class ImportReport(msgspec.Struct, frozen=True):
    """What an import did: how many statements it added, changed, removed and left, and the version after it."""

    version: int
    added: int
    changed: int
    removed: int
    unchanged: int

    def __str__(self) -> str:
        return (
            f"{self.added} statements added, {self.changed} changed, {self.removed} removed,"
            f" {self.unchanged} unchanged; the registry is at version {self.version}"
        )


class Registry:
    """
    One process's registry.

    Args:
        database: migrated; the composition root owns it.
        clock: seconds since 1970.
        mark: the versions that the processes of this node serve; None: this one is alone.
        timer: monotonic seconds.
        read_file: reads a registry file; where requests are answered meanwhile, `reading.read_apart`.

    Attributes:
        view: what questions are answered from; empty (every authority unknown) until `load`. Replaced whole,
            on the event loop only, and never by an older one.
        following: `catch_up` before an answer: another process of the node may answer from a newer view already.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        *,
        mark: ServedMark | None = None,
        timer: Callable[[], float] = time.monotonic,
        read_file: ReadFile = read_here,
    ) -> None:
        self.view: View = EMPTY_VIEW
        self._database = database
        self._clock = clock
        self._read_file = read_file
        self._mark = mark or ServedMark()
        self._ordered: tuple[View, tuple[Grant, ...]] = (EMPTY_VIEW, ())  # of a view that was listed
        self.following = Following(self._look, "registry", mark=self._mark, timer=timer)

    async def load(self) -> None:
        """
        Build the view from the rows; to be called once before questions.

        Raises:
            DatabaseUnavailable: the rows cannot be read.
        """
        version, facts = await self._database.read(_read_all)
        view = await asyncio.to_thread(build_view, facts, version)
        if view.version >= self.view.version:
            self._mark.will_serve(view.version)
            self.view = view

    async def refresh(self) -> bool:
        """
        Load the rows again if they are newer than the view; tell whether they were.

        Raises:
            DatabaseUnavailable: the rows cannot be read; the view stays.
        """
        before = self.view.version
        await self.following.look()
        return self.view.version > before

    async def _look(self) -> None:
        if await self._database.read(read_version) > self.view.version:
            await self.load()

    def authorization(self, body: bytes, content_type: str | None) -> Answer:
        """
        Answer `POST /trqp/authorization` from memory.

        Raises:
            MalformedBody, UnsupportedMediaType, PayloadTooLarge: see `trqp.read_request`.
            NotDefined: see `query.authorization`.
        """
        request = read_request(body, content_type)
        return Answer(body=encode(query.authorization(self.view, request, self._now())))

    def recognition(self, body: bytes, content_type: str | None) -> Answer:
        """Answer `POST /trqp/recognition` from memory; raises as `authorization`."""
        request = read_request(body, content_type)
        return Answer(body=encode(query.recognition(self.view, request, self._now())))

    async def import_file(
        self, principal: Principal, data: bytes, *, idempotency_key: str | None = None
    ) -> ImportReport:
        """
        Make the registry file `data` all that the registry says, in one transaction; idempotent.

        1. Read and check it; nothing is written unless all of it is right.
        2. Write what differs, and one audit row; nothing where nothing differs.
        3. Answer from it. Other processes follow when they next poll.

        Raises:
            RegistryFileError: the file has faults; each is told with its JSON pointer and line.
            DatabaseUnavailable: the outcome is unknown; importing again is safe.
        """
        read = await asyncio.to_thread(self._read_file, data)  # 1.
        digest, now = hashlib.sha256(data).hexdigest(), self._now()
        report = await act_once(  # 2.
            self._database,
            principal,
            idempotency_key,
            ("import-registry", digest),
            lambda tx: _replace(tx, principal, read, digest, now),
            ImportReport,
            at=now,
        )
        await self.refresh()  # 3.
        return report

    async def export(self) -> bytes:
        """Return what the rows say now as a registry file; importing it changes nothing."""
        return await asyncio.to_thread(export_registry, await self._database.read(read_facts))

    async def page(self, *, after: int = 0, limit: int = listing.MAX_PAGE) -> listing.GrantPage:
        """Return at most `limit` grants with their standing now, beyond the first `after` of all."""
        await self.following.catch_up()
        view = self.view
        if self._ordered[0] is not view:
            self._ordered = (view, await asyncio.to_thread(listing.in_order, view.facts.grants))
        return listing.page_of(view.version, self._ordered[1], after, limit, self._now())

    async def profile(self, identifier: str) -> listing.Profile:
        """
        Return all that is said of an authority or entity.

        Raises:
            IdentifierNotFound: it is neither.
        """
        await self.following.catch_up()
        return await asyncio.to_thread(listing.show, self.view, identifier, self._now())

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _read_all(tx: Transaction) -> tuple[int, Facts]:
    return read_version(tx), read_facts(tx)


def _replace(
    tx: Transaction, principal: Principal, read: ReadRegistry, digest: str, now: int
) -> ImportReport:
    version, changes = replace_facts(tx, read.bodies, now)
    report = _report(version, changes)
    if not changes.is_empty:
        digests = {"file_sha256": digest, "export_sha256": read.export_sha256}
        detail = digests | msgspec.structs.asdict(report)
        note(tx, principal, "registry.import", "registry", at=now, **detail)
    return report


def _report(version: int, changes: FactChanges) -> ImportReport:
    return ImportReport(
        version, len(changes.added), len(changes.changed), len(changes.removed), changes.unchanged
    )
