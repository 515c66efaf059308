"""
What the rows say of all sets, taken up by every process: versions to serve, and what waits for one. Service.
"""

import asyncio
from collections.abc import Callable, Sequence

from statuslist.publishing.artefacts import Artefact, artefacts_of_set
from statuslist.publishing.demand import Demand
from statuslist.publishing.published import PublishedLists
from statuslist.publishing.set_versions import SetVersions, changed_sets, last_change, published_version
from storage import Database, Transaction

ADOPT_AT_ONCE = 100  # sets read at once: a read has a deadline, and their lists may have 2 MiB each
NOTE_AT_ONCE = 1_000  # rows, a millisecond's worth: all sets of an issuer change at once when its key does
NEVER = float("-inf")  # on a monotonic clock


class SetRows:
    """
    The rows of the sets as this process last saw them.

    Args:
        lists: serves what any process published.
        demand: is told what waits.
        timer: monotonic seconds.

    Attributes:
        adopted: versions made by other processes and served here, for metrics.
        seen_at: when the rows were last looked at, in monotonic seconds.
    """

    def __init__(
        self, database: Database, lists: PublishedLists, demand: Demand, *, timer: Callable[[], float]
    ) -> None:
        self.adopted = 0
        self.seen_at = NEVER
        self._database = database
        self._lists = lists
        self._demand = demand
        self._timer = timer
        self._seen = -1  # The last change number among the rows that were looked at.

    async def take_up(self) -> None:
        """
        Serve what was published since the last look, and note what is wanted; one look at a time (`Following`).

        Raises:
            DatabaseUnavailable: the rows cannot be read; what was served before still is.
        """
        asked_at = self._timer()
        changed = await self._database.read(lambda tx: changed_sets(tx, self._seen))
        await self._adopt(changed)
        for first in range(0, len(changed), NOTE_AT_ONCE):
            for found in changed[first : first + NOTE_AT_ONCE]:
                self._demand.rows_say(found, asked_at)
            await asyncio.sleep(0)
        self._seen = max((found.changed for found in changed), default=self._seen)
        self.seen_at = asked_at

    async def _adopt(self, changed: list[SetVersions]) -> None:
        unknown = [
            found.set_id for found in changed if found.published > self._lists.version_of_set(found.set_id)
        ]
        for first in range(0, len(unknown), ADOPT_AT_ONCE):
            await self._adopt_some(unknown[first : first + ADOPT_AT_ONCE])

    async def _adopt_some(self, unknown: Sequence[str]) -> None:
        known = {set_id: self._lists.version_of_set(set_id) for set_id in unknown}

        def read(tx: Transaction) -> tuple[list[tuple[str, tuple[int, int], list[Artefact]]], int]:
            found = [
                (set_id, published_version(tx, set_id), artefacts_of_set(tx, set_id, after=after))
                for set_id, after in known.items()
            ]
            return found, last_change(tx)  # Afterwards: nothing that was found is beyond it.

        found, change = await self._database.read(read)
        for set_id, (version, position), forms in found:
            self.adopted += self._lists.serve(set_id, version, forms, change=change, position=position)
