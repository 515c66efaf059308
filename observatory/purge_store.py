"""
Purges of caches, as rows with an increasing number. Store.

Writes are serial over all processes and nodes, so whoever sees a number has seen, or sees now, all below it.
"""

import msgspec

from storage import Transaction


class Purge(msgspec.Struct, frozen=True, kw_only=True):
    """A purge of one DID, of one host, or (neither) of everything."""

    number: int
    did: str | None
    host: str | None


def add(tx: Transaction, *, did: str | None, host: str | None, at: int) -> int:
    """Write a purge; return its number."""
    row = tx.one(
        "INSERT INTO cache_purges (asked_at, did, host) VALUES (:at, :did, :host) RETURNING number",
        {"at": at, "did": did, "host": host},
    )
    assert row is not None, "RETURNING gives the row"
    return int(row["number"])


def newest_number(tx: Transaction) -> int:
    """Return the number of the newest purge; 0: there is none."""
    row = tx.one("SELECT coalesce(max(number), 0) AS number FROM cache_purges")
    return 0 if row is None else int(row["number"])


def purges_after(tx: Transaction, number: int) -> list[Purge]:
    """Return the purges beyond `number`, the oldest first."""
    rows = tx.all(
        "SELECT number, did, host FROM cache_purges WHERE number > :number ORDER BY number",
        {"number": number},
    )
    return [Purge(number=row["number"], did=row["did"], host=row["host"]) for row in rows]


def forget_before(tx: Transaction, at: int) -> int:
    """Delete the purges asked for before `at` (microseconds since 1970); return how many."""
    return tx.execute("DELETE FROM cache_purges WHERE asked_at < :at", {"at": at})
