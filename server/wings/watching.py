"""
What nodes saw of DIDs, and what watches this machine and the other nodes.
"""

import msgspec

from observatory.observation_store import last_seen
from observatory.purges import Purges
from observatory.watching import Watch, looking_with
from registry.registry import Registry
from resolver import Resolver
from server.edge.hot_table import HotTable
from server.edge.identifiers import IDENTIFIERS_PATH
from server.registered import WatchedDids
from server.vitals.clock import ClockWatch
from server.vitals.nodes import Nodes, node_name
from server.vitals.vitals import Vitals
from server.wings.operators import Operators
from server.wings.resolving import DidHistory
from server.wings.resources import Resources
from server.wings.status import StatusWing
from storage import sqlite_path


class Observatory(msgspec.Struct, frozen=True):
    history: DidHistory
    purges: Purges
    watch: Watch


def open_observatory(
    resources: Resources,
    history: DidHistory,
    registry: Registry,
    resolver: Resolver,
    status: StatusWing,
    hot: HotTable,
) -> Observatory:
    """Return what nodes saw, what empties their caches, and what looks at registered DIDs now and then."""
    purges = Purges(
        resources.database,
        resolver=resolver,
        drop_lists=status.checker.purge_lists,
        drop_answers=lambda: hot.purge(IDENTIFIERS_PATH),
        clock=resources.clock,
    )
    interval, limit = resources.settings.observe_interval_seconds, resources.settings.observe_max_dids
    watch = Watch(
        looking_with(resolver),
        watched=WatchedDids(registry, limit=limit, interval=interval, timer=resources.timer),
        last_seen=lambda dids: resources.database.read(lambda tx: last_seen(tx, dids)),
        interval=interval,
        clock=resources.clock,
        timer=resources.timer,
    )
    return Observatory(history, purges, watch)


class Monitoring(msgspec.Struct, frozen=True):
    """What watches this process, its machine and the other nodes."""

    vitals: Vitals
    nodes: Nodes
    clock_watch: ClockWatch


def open_monitoring(resources: Resources, operators: Operators) -> Monitoring:
    """Return what raises the alarms of this machine, and of nodes that fell silent."""
    told = operators.alarms.state
    clock, timer = resources.clock, resources.timer
    nodes = Nodes(resources.database, node_name(resources.settings), on_state=told, clock=clock, timer=timer)
    file = sqlite_path(resources.settings.database_url)
    vitals = Vitals(resources.database, resources.share, nodes, folder=file and file.parent, on_state=told)
    return Monitoring(vitals, nodes, ClockWatch(clock=clock, timer=timer, on_state=told, node=nodes.name))
