"""
References on their way into a transaction, and the key under which they are kept. Service.
"""

import asyncio
import logging
from collections.abc import Iterable

from operators import Principal
from operators.noting import note
from statuslist.entries import entry_store as store
from statuslist.entries.references import ReferenceKey
from statuslist.entries.requests import NamedEntry
from statuslist.errors import ReferencesUnavailable
from storage import Database, DatabaseUnavailable, Transaction
from wire import Conflict

LOG = logging.getLogger("touchstone.statuslist")


class Referring:
    """
    What makes of references that which the rows have of them.

    Args:
        key: of this database, or so it should be.
    """

    def __init__(self, database: Database, key: ReferenceKey) -> None:
        self._database = database
        self._key = key

    async def digests_of(self, issuer_id: str, references: Iterable[str]) -> dict[str, bytes]:
        """
        Return the digest of each of some references of an issuer.

        Raises:
            ReferencesUnavailable: as `ReferenceKey`.
        """
        wanted = tuple(references)
        if not wanted:
            return {}
        if not self._key.is_known:
            self._key.check(await self._database.read(store.fingerprint))
        return {reference: self._key.digest_of(issuer_id, reference) for reference in wanted}

    async def digests_in(self, issuer_id: str, named: Iterable[NamedEntry]) -> dict[str, bytes]:
        """As `digests_of`, of the references by which entries are named."""
        return await self.digests_of(
            issuer_id, [one.reference for one in named if isinstance(one.reference, str)]
        )

    @property
    def fingerprint(self) -> bytes:
        return self._key.fingerprint

    def check(self, fingerprint: bytes) -> None:
        """As `ReferenceKey.check`."""
        self._key.check(fingerprint)


async def provide_key(database: Database, key: ReferenceKey, *, anew: bool = False) -> bool:
    """
    Make the key of the references where there is none, and nothing needs the one that was; tell whether this did.

    The database keeps the fingerprint of the first key that it is told of, so that of several nodes that start at
    once one has it: the others need its file.

    Args:
        anew: also where a key was lost under which nothing is kept.

    Raises:
        OSError: the file cannot be written.
        ReferencesUnavailable: there is a file, and it is no key.
    """
    known = await database.read(store.fingerprint)
    if known is not None and anew and not key.is_there:
        await database.write(store.forget_fingerprint)
        known = await database.read(store.fingerprint)
    if known is not None:
        return False
    is_made = await asyncio.to_thread(key.make)
    fingerprint = key.fingerprint
    kept = await database.write(lambda tx: store.keep_fingerprint(tx, fingerprint))
    if is_made and kept != fingerprint:
        await asyncio.to_thread(key.take_back)
        return False
    return is_made


async def begin_anew(database: Database, key: ReferenceKey, operator: Principal, *, at: int) -> int:
    """
    Forget all references, whose key is lost for good, and make another key; return how many those were.

    The rows come first: if this ends before the file is made, the next start makes it.

    Args:
        at: now, in microseconds since 1970.

    Raises:
        Conflict: there is a file; whatever it is, nothing is made in its place.
        OSError: the file cannot be written.
    """
    if key.is_there:
        raise Conflict("there is a key of references; if it is not the right one, move it away first")

    def forget(tx: Transaction) -> int:
        forgotten = store.forget_references(tx, actor=operator.id, at=at)
        note(tx, operator, "database.forget-references", "database", at=at, references=forgotten)
        return forgotten

    forgotten = await database.write(forget)
    await provide_key(database, key)
    return forgotten


async def key_faults(database: Database, key: ReferenceKey) -> tuple[str, ...]:
    """Return what is wrong with the key of the references that a database has; nothing where it has none."""
    if not await database.read(store.has_references):
        return ()
    try:
        key.check(await database.read(store.fingerprint))
    except ReferencesUnavailable as error:
        return (str(error),)
    return ()


async def provide_key_if_possible(database: Database, key: ReferenceKey) -> None:
    """As `provide_key`, for a server: what it cannot make, it says, and serves everything but references."""
    try:
        await provide_key(database, key)
    except (OSError, ReferencesUnavailable, DatabaseUnavailable) as error:
        LOG.warning("no key for the references of entries: %s", error)
