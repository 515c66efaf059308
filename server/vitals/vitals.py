"""
How this process and its node do: heartbeats, whether writes work, room on the disk, other nodes. Service.

Each process beats for itself. The one that leads tells alarms for the node, of which it knows by the beats of all.
"""

import asyncio
import os
from pathlib import Path

from operators import AlarmKind
from operators.alarms.model import OnState
from server.share import Share
from server.telemetry.health import Check
from server.vitals.nodes import Nodes
from server.vitals.watchdog import SILENT_SECONDS
from storage import Engine
from wire import Reading

PROBE_EVERY_BEATS = 10  # between two probing writes of a process that leads; while writes fail, each has one
FULL_SHARE, FULL_BYTES = (
    0.05,
    536_870_912,
)  # the disk is nearly full below the smaller one; the second is 512 MiB
FAIL_REASON = "writes to the database fail, or take too long; reads go on"


class Vitals:
    """
    Args:
        nodes: this node among the others; its row is what is written to see whether writes work.
        folder: where the database's files are; None: they are not on this machine.
    """

    def __init__(
        self, database: Engine, share: Share, nodes: Nodes, *, folder: Path | None, on_state: OnState
    ) -> None:
        self._database = database
        self._share = share
        self._nodes = nodes
        self._folder = folder
        self._on_state = on_state
        self._free_bytes: int | None = None
        self._beats_without_probe = PROBE_EVERY_BEATS
        if share.replaces is not None:
            subject = f"{nodes.name} process {share.slot}"
            on_state(AlarmKind.PROCESS_REPLACED, subject, f"another took its place: {share.replaces}")

    @property
    def writes_fail(self) -> bool:
        """Whether writes of any process of this node fail."""
        return self._own_writes_fail or self._share.beats.writes_fail

    async def beat(self) -> None:
        """Say that this process answers, and how its database does; the leading one tells the node's alarm."""
        database = self._database
        has_failed = not (database.is_healthy or database.recovers)
        self._share.beats.beat(self._share.slot, has_failed=has_failed, writes_fail=self._own_writes_fail)
        if self._share.leads:
            reason = FAIL_REASON if self.writes_fail else None
            self._on_state(AlarmKind.WRITES_FAILING, self._nodes.name, reason)

    async def probe(self) -> None:
        """
        Write, where it is time to: without traffic nobody else would see that writes fail, or work again.

        Raises:
            DatabaseUnavailable: they fail.
        """
        self._beats_without_probe += 1
        is_due = self._share.leads and self._beats_without_probe > PROBE_EVERY_BEATS
        if is_due or self._own_writes_fail:
            self._beats_without_probe = 0
            await self._nodes.see()

    async def look_at_disk(self) -> None:
        """Tell whether the file system of the database is nearly full."""
        if self._folder is None:
            return
        found = await asyncio.to_thread(os.statvfs, self._folder)
        self._free_bytes = found.f_bavail * found.f_frsize
        bound = min(int(found.f_blocks * found.f_frsize * FULL_SHARE), FULL_BYTES)
        reason = f"less than {bound // 2**20} MiB are free where the database is"
        self._on_state(AlarmKind.DISK, self._nodes.name, reason if self._free_bytes < bound else None)

    def readings(self) -> list[Reading]:
        """Return what the metrics tell of it."""
        beats = self._share.beats
        found = [
            Reading("touchstone_processes_replaced", "Processes started in place of others.", beats.replaced),
            Reading("touchstone_heartbeat_age_seconds", "Of the most silent process.", beats.oldest_age),
            Reading(
                "touchstone_writes_failing", "1 while writes of this node fail.", float(self.writes_fail)
            ),
        ]
        if self._free_bytes is not None:
            free = Reading("touchstone_disk_free_bytes", "Free where the database is.", self._free_bytes)
            found.append(free)
        return found

    def check(self) -> Check:
        """Whether all processes answer; one that does not is replaced, and the others serve meanwhile."""
        age, replaced = self._share.beats.oldest_age, self._share.beats.replaced
        detail: dict[str, object] = {"heartbeat_age_s": round(age, 3), "replaced": replaced}
        return Check("processes", age < SILENT_SECONDS, needed=False, detail=detail)

    @property
    def _own_writes_fail(self) -> bool:
        return self._database.stats.failing_since is not None or not self._database.is_healthy
