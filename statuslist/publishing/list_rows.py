"""
What the rows say of all lists, taken up by every process: versions to serve, and what waits for one. Service.
"""

import asyncio
from collections.abc import Callable, Sequence

from statuslist.publishing import artefacts
from statuslist.publishing.artefacts import Artefact, ListVersions
from statuslist.publishing.demand import Demand
from statuslist.publishing.published import PublishedLists
from storage import Database, Transaction

ADOPT_AT_ONCE = 100  # lists read at once: a read has a deadline, and 10,000 lists may have 2 MiB each
NOTE_AT_ONCE = 1_000  # rows, a millisecond's worth: all lists of an issuer change at once when its key does
NEVER = float("-inf")  # on a monotonic clock


class ListRows:
    """
    The rows of the lists as this process last saw them.

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
        changed = await self._database.read(lambda tx: artefacts.changed_lists(tx, self._seen))
        await self._adopt(changed)
        for first in range(0, len(changed), NOTE_AT_ONCE):
            for found in changed[first : first + NOTE_AT_ONCE]:
                self._demand.rows_say(found, asked_at)
            await asyncio.sleep(0)
        self._seen = max((found.changed for found in changed), default=self._seen)
        self.seen_at = asked_at

    async def _adopt(self, changed: list[ListVersions]) -> None:
        unknown = [
            found.list_id for found in changed if found.published > self._lists.version_of(found.list_id)
        ]
        for first in range(0, len(unknown), ADOPT_AT_ONCE):
            await self._adopt_some(unknown[first : first + ADOPT_AT_ONCE])

    async def _adopt_some(self, unknown: Sequence[str]) -> None:
        def read(tx: Transaction) -> tuple[list[list[Artefact]], int]:
            found = [artefacts.published_artefacts(tx, list_id) for list_id in unknown]
            return found, artefacts.last_change(tx)  # Afterwards: nothing that was found is beyond it.

        found, change = await self._database.read(read)
        for forms in found:
            self.adopted += self._lists.serve(forms, change=change)
