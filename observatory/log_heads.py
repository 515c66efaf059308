"""
The highest version of each did:webvh log, over nodes and restarts: `resolver.sources.heads.LogHeads`. Store.

Losing the rows is losing the memory of forks, no more; a restored database remembers less of it.

Over the bound those go first that were used longest ago, by the day; of one day those that were used first stay, so
that a flood of new logs drives out none that is in use.
"""

import contextlib
import time
from collections.abc import Callable, Iterator

from resolver import InternalError
from resolver.sources.heads import number_of
from storage import Database, DatabaseUnavailable, Row, Transaction

MAX_LOGS = 1_000_000  # rows; some 200 bytes each
FORGET_AT_ONCE = 10_000  # rows per sweep
DAY = 86_400.0  # seconds; how exactly a use is remembered, so that it costs a write a day


class HeadsUnavailable(InternalError, status=503):
    """
    Whether a log forks cannot be told while the database is away; what is cached may go on being served.

    Unlike its class 503, with Retry-After, since waiting helps.
    """


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
        Return the highest version seen; the log counts as used today.

        Raises:
            HeadsUnavailable: nobody can tell; the log must not be taken for a new one.
        """
        day = self._today()
        with _told():
            row = await self._database.read(lambda tx: _row(tx, scid))
        if row is None:
            return None
        if row["last_used_day"] < day:
            with contextlib.suppress(DatabaseUnavailable):  # What was read counts all the same.
                await self._database.write(lambda tx: _use(tx, scid, day))
        return str(row["version_id"])

    async def advance(self, scid: str, version_id: str) -> str:
        """
        Remember a version; see `LogHeads.advance`. Durable when it returns.

        Raises:
            HeadsUnavailable: it may not be remembered.
        """
        known = await self.highest(scid)
        if known is not None and number_of(known) >= number_of(version_id):
            return known
        at, day = int(self._clock() * 1_000_000), self._today()
        with _told():
            return await self._database.write(lambda tx: _advance(tx, scid, version_id, at, day))

    async def forget(self, max_logs: int = MAX_LOGS) -> int:
        """Delete the rows over `max_logs`, those used longest ago first; return how many."""
        return await self._database.write(lambda tx: _forget(tx, max_logs))

    def _today(self) -> int:
        return int(self._clock() // DAY)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turn an outage of the database into an error of resolution."""
    try:
        yield
    except DatabaseUnavailable:
        raise HeadsUnavailable(
            "the history of this log cannot be checked now", headers={"retry-after": "5"}
        ) from None


def _row(tx: Transaction, scid: str) -> Row | None:
    return tx.one("SELECT version_id, last_used_day FROM log_heads WHERE scid = :scid", {"scid": scid})


def _use(tx: Transaction, scid: str, day: int) -> None:
    tx.execute(
        "UPDATE log_heads SET last_used_day = :day WHERE scid = :scid AND last_used_day < :day",
        {"scid": scid, "day": day},
    )


def _advance(tx: Transaction, scid: str, version_id: str, at: int, day: int) -> str:
    tx.execute(
        "INSERT INTO log_heads (scid, number, version_id, first_used_at, last_used_day)"
        " VALUES (:scid, :number, :version_id, :at, :day) ON CONFLICT (scid) DO UPDATE SET"
        " number = excluded.number, version_id = excluded.version_id, last_used_day = excluded.last_used_day"
        " WHERE log_heads.number < excluded.number",
        {"scid": scid, "number": number_of(version_id), "version_id": version_id, "at": at, "day": day},
    )
    row = _row(tx, scid)
    assert row is not None, "it was written just now, or before"
    return str(row["version_id"])


def _forget(tx: Transaction, max_logs: int) -> int:
    return tx.execute(
        "DELETE FROM log_heads WHERE scid IN"
        " (SELECT scid FROM log_heads ORDER BY last_used_day DESC, first_used_at, scid"
        " LIMIT :limit OFFSET :max_logs)",
        {"limit": FORGET_AT_ONCE, "max_logs": max_logs},
    )
