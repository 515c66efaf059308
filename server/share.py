"""
What one process of a node has of it.
"""

import math

import msgspec

from server.settings import Settings
from server.telemetry.board import Board
from server.telemetry.heartbeats import Heartbeats


class Share(msgspec.Struct, kw_only=True):
    """
    One process's part. The defaults are those of a process that is alone and does everything.

    Attributes:
        workers: how many processes answer; outbound budgets are divided by it.
        leads: whether this process asks for the lease, hence publishes.
        serves: whether it answers requests.
        slot, board: where its metrics go; None: it is the only process.
        beats: the heartbeats of the node's processes, of which this one writes that of its slot.
        replaces: why this process was started in the place of another; None: it was not.
    """

    workers: int = 1
    leads: bool = True
    serves: bool = True
    slot: int = 0
    board: Board | None = None
    beats: Heartbeats = msgspec.field(default_factory=Heartbeats)
    replaces: str | None = None

    def of(self, settings: Settings) -> Settings:
        """Return `settings` with the node's outbound budget, and its memory, divided by the workers."""
        return msgspec.structs.replace(
            settings,
            outbound_rate_per_host=settings.outbound_rate_per_host / self.workers,
            outbound_burst_per_host=math.ceil(settings.outbound_burst_per_host / self.workers),
            outbound_rate_per_site=settings.outbound_rate_per_site / self.workers,
            outbound_burst_per_site=math.ceil(settings.outbound_burst_per_site / self.workers),
            outbound_rate=settings.outbound_rate / self.workers,
            outbound_burst=math.ceil(settings.outbound_burst / self.workers),
            outbound_connections_per_host=math.ceil(settings.outbound_connections_per_host / self.workers),
            outbound_connections=math.ceil(settings.outbound_connections / self.workers),
            cache_max_bytes=settings.cache_max_bytes // self.workers,
            hot_max_bytes=settings.hot_max_bytes // self.workers,
        )
