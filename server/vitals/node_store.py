"""
The nodes of a deployment, a row each: when it started, when it was last seen, when it ended in order. Store.
"""

import msgspec

from storage import Row, Transaction


class Node(msgspec.Struct, frozen=True):
    """A row of `nodes`; times in microseconds UTC, by the clock of the node itself."""

    name: str
    started_at: int
    last_seen: int
    ended_at: int | None


def see(tx: Transaction, name: str, at: int) -> None:
    """Note that a node is alive. It started now, unless it is known and has not ended."""
    tx.execute(
        "INSERT INTO nodes (name, started_at, last_seen) VALUES (:name, :at, :at)"
        " ON CONFLICT (name) DO UPDATE SET last_seen = excluded.last_seen, ended_at = NULL, started_at ="
        " CASE WHEN nodes.ended_at IS NULL THEN nodes.started_at ELSE excluded.started_at END",
        {"name": name, "at": at},
    )


def end(tx: Transaction, name: str, at: int) -> None:
    """Note that a node ends in order."""
    tx.execute("UPDATE nodes SET ended_at = :at WHERE name = :name", {"name": name, "at": at})


def all_nodes(tx: Transaction) -> list[Node]:
    """Return all nodes that are not forgotten, by name."""
    return [_node(row) for row in tx.all("SELECT * FROM nodes ORDER BY name")]


def forget_before(tx: Transaction, before: int) -> None:
    """Forget the nodes that were not seen since."""
    tx.execute("DELETE FROM nodes WHERE last_seen < :before", {"before": before})


def _node(row: Row) -> Node:
    return Node(row["name"], row["started_at"], row["last_seen"], row["ended_at"])
