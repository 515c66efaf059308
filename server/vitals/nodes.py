"""
This node among the others: each writes a row now and then, the holder of the lease looks who is silent. Service.

The row is also the probe that shows failing writes where nobody else writes.
"""

import os
import time
from collections.abc import Callable

from operators import AlarmKind
from operators.alarms.model import OnState
from server.settings import Settings, split_bind
from server.vitals import node_store
from server.vitals.node_store import Node
from storage import Database

SILENT_SECONDS = 60.0  # seconds without a sign of a node, until that is an alarm
KEPT_SECONDS = 86_400  # seconds; a node that was not seen for that long is forgotten


def node_name(settings: Settings) -> str:
    """Return what this node is called: its machine, and the port that no other node there can have."""
    return f"{os.uname().nodename}:{split_bind(settings.bind)[1]}"


class Nodes:
    """
    Args:
        name: of this node.
        clock: seconds since 1970.
        timer: monotonic seconds. The silence of others goes by it, since their clocks may differ from ours: what
            counts is whether their row still changes.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        on_state: OnState,
        clock: Callable[[], float],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self.name = name
        self._on_state = on_state
        self._clock = clock
        self._timer = timer
        self._changed: dict[str, tuple[int, float]] = {}  # name -> its last_seen, and when we first saw that
        self._silent: set[str] = set()
        self._heard: set[str] = set()  # Whose row changed while we looked.

    async def see(self) -> None:
        """
        Write that this node is alive.

        Raises:
            DatabaseUnavailable: writes fail.
        """
        await self._database.write(lambda tx: node_store.see(tx, self.name, self._now()))

    async def end(self) -> None:
        """Write that this node ends in order."""
        await self._database.write(lambda tx: node_store.end(tx, self.name, self._now()))

    async def look(self) -> None:
        """Tell of the other nodes which is silent and which is not (any more); one process of each node looks."""
        rows = await self._database.read(node_store.all_nodes)
        silent = {row.name for row in rows if row.name != self.name and self._is_silent(row)}
        reason = f"not heard of for {SILENT_SECONDS:.0f} seconds, and it did not end in order"
        for name in silent:
            self._on_state(AlarmKind.NODE_SILENT, name, reason)
        gone = self._silent - {row.name for row in rows}
        for name in gone | {row.name for row in rows if self._is_well(row)}:
            self._on_state(AlarmKind.NODE_SILENT, name, None)
        self._silent = silent
        self._changed = {row.name: self._changed[row.name] for row in rows if row.name in self._changed}

    async def forget(self, now: float) -> None:
        """Forget the nodes that were taken away at `now`, seconds since 1970; for the holder of the lease."""
        before = int((now - KEPT_SECONDS) * 1_000_000)
        await self._database.write(lambda tx: node_store.forget_before(tx, before))

    def _is_silent(self, node: Node) -> bool:
        last_seen, since = self._changed.get(node.name, (None, 0.0))
        if last_seen != node.last_seen:
            since = self._timer()
            self._changed[node.name] = (node.last_seen, since)
            if last_seen is not None:
                self._heard.add(node.name)
        return node.ended_at is None and self._timer() - since > SILENT_SECONDS

    def _is_well(self, node: Node) -> bool:
        """Tell whether we know: it ended in order, or its row changed since we began to look."""
        if node.name == self.name or node.ended_at is not None:
            return True
        return node.name in self._heard and not self._is_silent(node)

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)
