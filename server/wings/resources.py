"""
What every part of a process is given.
"""

import time
from collections.abc import Callable

import msgspec

from proofs import Canonicalize
from resolver.outbound.fetch import Guard
from server.settings import Settings
from server.share import Share
from server.telemetry.counters import Telemetry
from storage import Engine


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """
    What every part is given.

    Attributes:
        share: this process's part of the node.
        guard: fetches from strangers.
        canonicalize_rdf: for Data Integrity proofs over RDF; None: they are not verified here.
        clock: seconds since 1970; what is compared with others' times goes by it.
        timer: monotonic seconds; what is kept for a while goes by it.
    """

    settings: Settings
    share: Share
    database: Engine
    guard: Guard
    telemetry: Telemetry
    canonicalize_rdf: Canonicalize | None = None
    clock: Callable[[], float] = time.time
    timer: Callable[[], float] = time.monotonic
