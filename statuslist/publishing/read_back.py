"""
What is served of each list, and stands in the mirror, read again and compared with what was published. Service.

The rows of what was ever published are only added to, and have the digest of bytes that passed the self-check:
whoever finds those bytes finds the signature, the bits and the end that were checked. So a bit that was cleared in
memory is seen, and an old version that was put in the place of a newer one in the mirror. Such a file is written
anew; not one that says it is newer than what was published, which a person must decide about.
"""

import asyncio
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

from operators.alarms.model import AlarmKind, OnState
from statuslist.publishing.artefacts import digest_of, served_digest
from statuslist.publishing.mirror import FoundForm, Mirror
from statuslist.publishing.published import Published, PublishedLists
from storage import Database, Transaction

MIRROR = "the mirror"
AT_ONCE = 10  # lists; a few milliseconds' worth
AGAIN_SECONDS = 1.0  # seconds; a node that shares the mirror may be writing


class Fault(NamedTuple):
    """What differs: a list as it is served, or the mirror, which is one subject of alarms; and how."""

    subject: str
    reason: str


class ReadBack:
    """
    Reads all lists of this process again, some at each step.

    Args:
        mirror: where this process writes lists; None: nowhere.
        on_state: told of each list that is not what was published.
    """

    def __init__(
        self, database: Database, lists: PublishedLists, mirror: Mirror | None, on_state: OnState
    ) -> None:
        self._database = database
        self._lists = lists
        self._mirror = mirror
        self._on_state = on_state
        self._round: Iterator[str] = iter(())

    async def step(self) -> None:
        """Look at the next lists; what is found wrong twice is told."""
        if not (suspects := [list_id for list_id in self._next() if await self._fault(list_id) is not None]):
            return
        await asyncio.sleep(AGAIN_SECONDS)
        for list_id in suspects:
            if (fault := await self._fault(list_id)) is not None:
                self._on_state(AlarmKind.LIST_DIFFERED, fault.subject, fault.reason)
                self._write_anew(list_id)

    def _next(self) -> list[str]:
        if not (some := list(islice(self._round, AT_ONCE))):
            self._round = iter([found.list_id for found in self._lists])
            some = list(islice(self._round, AT_ONCE))
        return some

    async def _fault(self, list_id: str) -> Fault | None:
        """Return what is wrong with a list; None: nothing, or it is being published or mirrored."""
        published = self._lists.current(list_id)
        if published is None or self._waits(list_id):
            return None
        try:
            files = await asyncio.to_thread(self._mirror.read, published) if self._mirror is not None else {}
        except OSError as error:
            return Fault(MIRROR, f"{list_id} cannot be read: {error}")
        fault = await self._database.read(partial(_fault, published=published, files=files))
        is_same = self._lists.current(list_id) is published and not self._waits(list_id)
        return fault if is_same else None

    def _waits(self, list_id: str) -> bool:
        return self._mirror is not None and self._mirror.is_due(list_id)

    def _write_anew(self, list_id: str) -> None:
        published = self._lists.current(list_id)
        if self._mirror is not None and published is not None:
            self._mirror.take(published)


def _fault(tx: Transaction, published: Published, files: dict[str, FoundForm | None]) -> Fault | None:
    """Compare a list, and its files by form, with the rows. What 0.1 published has no digest there."""
    list_id = published.list_id
    for form, artefact in published.forms.items():
        ours, version = digest_of(artefact.body), artefact.version
        if served_digest(tx, list_id, version, form) not in (None, ours):
            return Fault(list_id, f"what is served as {form} is not what was published as version {version}")
        file = files.get(form)
        if form in files and (
            file is None
            or file.version is None
            or file.version < version
            or digest_of(file.body) != (served_digest(tx, list_id, file.version, form) or ours)
        ):
            return Fault(
                MIRROR, f"{list_id}/{form} was not version {version} as it was published, nor a newer one"
            )
    return None
