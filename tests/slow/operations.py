"""
One process that allocates and revokes through the production services, and tells what was acknowledged.

    python -m tests.slow.operations DATABASE_URL OPERATIONS

Half of the operations allocate an entry in one of the lists, half revoke an entry allocated before. Prints JSON:
the allocated and the revoked (set, index) pairs, the errors, and the longest wait of a write in seconds.
"""

import asyncio
import collections
import json
import secrets
import sys
import time

from operators import Role
from statuslist.entries.requests import Allocate, ChangeStatuses, StatusChange
from statuslist.entries.sets import StatusSets
from storage import open_database
from tests.actors import acting

SETS = ("ops-a", "ops-b", "ops-c", "ops-d")
TASKS = 16  # at once
WORKER = acting("ops", Role.ADMINISTRATOR)


class Operations:
    """The tasks of this process, and what came of them."""

    def __init__(self, sets: StatusSets, count: int) -> None:
        self._sets = sets
        self._numbers = iter(range(count))
        self._to_revoke: collections.deque[tuple[str, str]] = collections.deque()
        self.allocated: list[tuple[str, str]] = []
        self.revoked: list[tuple[str, str]] = []
        self.errors: list[str] = []
        self.longest_wait = 0.0

    async def work(self) -> None:
        for number in self._numbers:
            began = time.perf_counter()
            try:
                await (self._revoke() if number % 2 and self._to_revoke else self._allocate(number))
            except Exception as error:
                self.errors.append(repr(error))
            self.longest_wait = max(self.longest_wait, time.perf_counter() - began)

    async def _allocate(self, number: int) -> None:
        set_id = SETS[number // 2 % len(SETS)]
        allocated = await self._sets.allocate(WORKER, set_id, Allocate())
        entry = (set_id, allocated.entries[0].credential_status[0].status_list_index)
        self.allocated.append(entry)
        self._to_revoke.append(entry)

    async def _revoke(self) -> None:
        set_id, index = self._to_revoke.popleft()
        change = StatusChange(status_list_index=index, status_purpose="revocation", status=1)
        await self._sets.set_statuses(WORKER, set_id, ChangeStatuses(changes=(change,)))
        self.revoked.append((set_id, index))


async def main(url: str, count: int) -> None:
    database = open_database(url)
    sets = StatusSets(
        database,
        clock=time.time,
        random_bytes=secrets.token_bytes,
        base_url="https://ops.example",
        on_changed=lambda: None,
    )
    operations = Operations(sets, count)
    await asyncio.gather(*(operations.work() for _ in range(TASKS)))
    database.close()
    print(
        json.dumps(
            {
                "allocated": operations.allocated,
                "revoked": operations.revoked,
                "errors": operations.errors[:10],
                "longest_wait": operations.longest_wait,
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
