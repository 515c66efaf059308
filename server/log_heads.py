"""
The highest version of each did:webvh log, for all nodes and across restarts: `resolver.heads.LogHeads`. Store.

Losing the rows is losing the memory of forks, no more; a restored database remembers less of it.
"""

import contextlib
import time
from collections.abc import Callable, Iterator

from resolver import InternalError
from resolver.heads import number_of
from storage import Database, DatabaseUnavailable, Transaction

MAX_LOGS = 1_000_000  # rows; some 200 bytes each
FORGET_AT_ONCE = 10_000  # rows per sweep


class HeadsUnavailable(InternalError):
    """
    Whether a log forks cannot be told while the database is away; what is cached may go on being served.

    Unlike its class 503, with Retry-After, since waiting helps.
    """

    status = 503


class StoredHeads:
    """
    Args:
        clock: seconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def highest(self, scid: str) -> str | None:
        """
        Return the highest version seen.

        Raises:
            HeadsUnavailable: nobody can tell; the log must not be taken for a new one.
        """
        with _told():
            return await self._database.read(lambda tx: _highest(tx, scid))

    async def advance(self, scid: str, version_id: str) -> str:
        """
        Remember a version; see `LogHeads.advance`. Durable when it returns.

        Raises:
            HeadsUnavailable: it may not be remembered.
        """
        known = await self.highest(scid)
        if known is not None and number_of(known) >= number_of(version_id):
            return known
        at = int(self._clock() * 1_000_000)
        with _told():
            return await self._database.write(lambda tx: _advance(tx, scid, version_id, at))

    async def forget(self, max_logs: int = MAX_LOGS) -> int:
        """Delete the rows over `max_logs`, those that advanced longest ago first; return how many."""
        return await self._database.write(lambda tx: _forget(tx, max_logs))


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn an outage of the database into an error of resolution."""
    try:
        yield
    except DatabaseUnavailable:
        raise HeadsUnavailable(
            "the history of this log cannot be checked now", headers={"retry-after": "5"}
        ) from None


def _highest(tx: Transaction, scid: str) -> str | None:
    row = tx.one("SELECT version_id FROM log_heads WHERE scid = :scid", {"scid": scid})
    return None if row is None else str(row["version_id"])


def _advance(tx: Transaction, scid: str, version_id: str, at: int) -> str:
    tx.execute(
        "INSERT INTO log_heads (scid, number, version_id, advanced_at)"
        " VALUES (:scid, :number, :version_id, :at) ON CONFLICT (scid) DO UPDATE SET"
        " number = excluded.number, version_id = excluded.version_id, advanced_at = excluded.advanced_at"
        " WHERE log_heads.number < excluded.number",
        {"scid": scid, "number": number_of(version_id), "version_id": version_id, "at": at},
    )
    highest = _highest(tx, scid)
    assert highest is not None, "it was written just now, or before"
    return highest


def _forget(tx: Transaction, max_logs: int) -> int:
    return tx.execute(
        "DELETE FROM log_heads WHERE scid IN"
        " (SELECT scid FROM log_heads ORDER BY advanced_at DESC, scid LIMIT :limit OFFSET :max_logs)",
        {"limit": FORGET_AT_ONCE, "max_logs": max_logs},
    )
