"""
The registry as one file: replaced and exported whole; and what operators look up in it. Service.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any

import msgspec

from operators import Principal
from operators.acting import act_once, done_before
from operators.noting import note
from registry import listing
from registry.errors import TooManyToList
from registry.events import Cause
from registry.exports.registry_file import export_registry
from registry.imports.faults import refusal
from registry.imports.planning import Contradiction, plan
from registry.known import FactChange, Known
from registry.model import FACT_KINDS, Fact
from registry.reading import ReadFile, read_here
from registry.registry import Edit, Registry, Work
from storage import Database, Transaction


class ImportReport(msgspec.Struct, frozen=True):
    """What an import did: how many facts it added, changed, corrected and ended, and the version after it."""

    version: int
    added: int
    changed: int
    corrected: int
    ended: int

    def __str__(self) -> str:
        return (
            f"{self.added} facts added, {self.changed} changed, {self.corrected} corrected, {self.ended} ended;"
            f" the registry is at version {self.version}"
        )


MAX_FACTS = (
    100_000  # of a file, which is made in memory; one of 16 MiB, the most that is read, has about as many
)


class Files:
    """
    Registry files, in and out.

    Args:
        read_file: reads a registry file; where requests are answered meanwhile, `reading.read_apart`.
    """

    def __init__(self, registry: Registry, database: Database, *, read_file: ReadFile = read_here) -> None:
        self._registry = registry
        self._database = database
        self._read_file = read_file

    async def import_file(
        self, principal: Principal, data: bytes, *, corrects: bool = False, idempotency_key: str | None = None
    ) -> ImportReport:
        """
        Make a registry file what the registry says from now on, in one transaction; idempotent.

        1. Read and check it; nothing is written unless all of it is right.
        2. Record what differs, and one audit row; nothing where nothing differs.

        Raises:
            RegistryFileError: the file has faults; each is told with its JSON pointer and line.
            ChangesThePast: it says something else of the past, and `corrects` is false.
            DatabaseUnavailable: the outcome is unknown; importing again is safe.
        """
        digest = digest_of_file(data)
        request = ("import-registry", digest, corrects)
        done = await done_before(self._database, principal, idempotency_key, request, ImportReport)
        if done is not None:
            return done
        wanted = await asyncio.to_thread(self._read_file, data)  # 1.

        def once(work: Work[ImportReport]) -> Any:
            now = self._registry.now()
            return act_once(self._database, principal, idempotency_key, request, work, ImportReport, at=now)

        return await self._registry.edit(  # 2.
            partial(_planned, data, wanted, corrects=corrects),
            partial(_note, principal, digest),
            Cause(principal.id, "import"),
            write=once,
        )

    async def changes_of(
        self, data: bytes, *, corrects: bool = False, as_said: bool = False
    ) -> tuple[int, tuple[FactChange, ...]]:
        """
        Return what the import of a file would change, and the version that this was found with.

        Args:
            as_said: as of `plan`: for changes that are made later.

        Raises:
            RegistryFileError, ChangesThePast: as `import_file`.
        """
        wanted = await asyncio.to_thread(self._read_file, data)
        await self._registry.follow()
        now = self._registry.now()

        def look(known: Known) -> tuple[int, tuple[FactChange, ...]]:
            changes = _planned(data, wanted, known, now, corrects=corrects, as_said=as_said)
            return self._registry.version, changes

        version, changes = await asyncio.to_thread(self._read, look)
        return version, changes

    async def export(self) -> bytes:
        """
        Return what is known as a registry file; importing it changes nothing.

        Raises:
            TooManyToList: there is more than a file that is read again may have.
        """
        await self._registry.follow()
        return await asyncio.to_thread(self._read, lambda known: export_registry(_all(known)))

    async def page(self, *, after: str = "", limit: int = listing.MAX_PAGE) -> listing.GrantPage:
        """Return at most `limit` grants with their standing now, beyond the cursor `after`."""
        now = self._registry.now()
        return await asyncio.to_thread(self._read, lambda known: listing.page_of(known, after, limit, now))

    async def profile(self, identifier: str) -> listing.Profile:
        """
        Return all that is said of an entity, by its id or one of its identifiers.

        Raises:
            IdentifierNotFound: there is no such entity.
        """
        now = self._registry.now()
        return await asyncio.to_thread(self._read, lambda known: listing.show(known, identifier, now))

    def _read(self, look: Callable[[Known], Any]) -> Any:
        with self._registry.reading() as known:
            return look(known)


def digest_of_file(data: bytes) -> str:
    """Return SHA-256 of a file, in hex."""
    return hashlib.sha256(data).hexdigest()


def report_of(version: int, changes: Sequence[FactChange]) -> ImportReport:
    """Return what changes are, in numbers, with the version after them."""
    verbs = [change.what for change in changes]
    return ImportReport(
        version=version,
        added=verbs.count("add"),
        changed=verbs.count("change"),
        corrected=verbs.count("correct"),
        ended=verbs.count("end"),
    )


def _planned(
    data: bytes, wanted: Sequence[Fact], known: Known, now: int, *, corrects: bool, as_said: bool = False
) -> tuple[FactChange, ...]:
    try:
        return plan(known, wanted, now, corrects=corrects, as_said=as_said)
    except Contradiction as error:
        raise refusal(data, error.findings) from None


def _all(known: Known) -> list[Fact]:
    every = (found.fact for kind in FACT_KINDS for found in known.all(kind))
    facts = list(islice(every, MAX_FACTS + 1))
    if len(facts) > MAX_FACTS:
        raise TooManyToList(
            f"the registry has more than {MAX_FACTS} facts, and no file may have so many: follow its changes"
            " instead (GET /trust/changes), which are all that it was ever told"
        )
    return facts


def _note(principal: Principal, digest: str, tx: Transaction, edit: Edit) -> ImportReport:
    report = report_of(edit.version, edit.changes)
    if edit.changes:
        detail = msgspec.structs.asdict(report) | {"file_sha256": digest, "events_sha256": edit.digest}
        note(tx, principal, "registry.import", "registry", at=edit.recorded_at, **detail)
    return report
