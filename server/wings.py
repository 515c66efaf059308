"""
How each wing is put together: one function a wing, named after it, which is handed what it needs of others.
"""

import secrets
import time
from collections.abc import Callable
from functools import partial

import msgspec

from observatory.alarm_store import acknowledge_all
from observatory.key_alarms import KeyAlarms
from observatory.log_heads import StoredHeads
from observatory.observation_store import last_seen
from observatory.observations import Observations
from observatory.purges import Purges
from observatory.watching import Watch
from operators import AlarmKind, Alarms, Principals
from registry.registry import Registry
from resolver import Resolver
from resolver.binding.answering import touch
from resolver.outbound.fetch import Guard
from resolver.outbound.trust import trust_of
from server.edge.hot_table import HotTable
from server.edge.identifiers import IDENTIFIERS_PATH
from server.identity import DEFAULT_ISSUER, Identities, require_same_identity
from server.registered import RegisteredDids
from server.settings import Settings
from server.settings.drivers import drivers_of, share_of
from server.settings.policy import freshness_of, log_limits_of, method_freshness_of, policy_of
from server.share import Share
from server.telemetry.counters import Telemetry
from server.vitals.clock import ClockWatch
from server.vitals.nodes import Nodes, node_name
from server.vitals.vitals import Vitals
from statuslist.checking.checker import Checker
from statuslist.entries.sets import StatusSets
from statuslist.publishing.answers import own_list
from statuslist.publishing.mirror import Mirror
from statuslist.publishing.published import Published
from statuslist.publishing.publisher import Publisher
from storage import Engine, ServedMark, sqlite_path


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """
    What every wing stands on.

    Attributes:
        share: this process's part of the node.
        guard: fetches from strangers.
        clock: seconds since 1970; what is compared with others' times goes by it.
        timer: monotonic seconds; what is kept for a while goes by it.
    """

    settings: Settings
    share: Share
    database: Engine
    guard: Guard
    telemetry: Telemetry
    clock: Callable[[], float] = time.time
    timer: Callable[[], float] = time.monotonic


class Operators(msgspec.Struct, frozen=True):
    principals: Principals
    alarms: Alarms
    identities: Identities


async def open_operators(ground: Ground) -> Operators:
    """
    Return who acts, what is wrong, and the issuers that we host.

    Raises:
        IdentityChanged: the database was made for another DID.
    """
    principals = Principals(ground.database, clock=ground.clock, timer=ground.timer)
    require_same_identity(ground.settings, await principals.find_issuer(DEFAULT_ISSUER))
    alarms = Alarms(
        ground.database,
        clock=ground.clock,
        on_acknowledged={AlarmKind.KEY_CHANGE: acknowledge_all},
        elsewhere=ground.telemetry.unwritten_elsewhere,
    )
    ground.telemetry.unwritten = alarms.unwritten
    identities = Identities(ground.settings, on_state=alarms.state)
    await identities.take_up(await principals.issuers())
    return Operators(principals, alarms, identities)


def open_registry(ground: Ground) -> Registry:
    """Return the trust registry; empty until it is loaded."""
    board = ground.share.board
    return Registry(
        ground.database,
        clock=ground.clock,
        timer=ground.timer,
        mark=ServedMark(board.registry_marks, ground.share.slot) if board is not None else None,
    )


class Memory(msgspec.Struct, frozen=True):
    """What nodes remember of DIDs together."""

    registered: RegisteredDids
    observations: Observations
    heads: StoredHeads
    key_alarms: KeyAlarms


def open_memory(ground: Ground, registry: Registry) -> Memory:
    """Return what the resolver tells, and asks, of what was seen before."""
    registered = RegisteredDids(registry)
    return Memory(
        registered,
        Observations(ground.database, registered=registered, clock=ground.clock),
        StoredHeads(ground.database, ground.clock),
        KeyAlarms(ground.database, registered=registered, clock=ground.clock),
    )


def open_resolver(ground: Ground, operators: Operators, memory: Memory) -> Resolver:
    """Return the resolver, which knows our own documents, our drivers and what was seen before."""
    settings = ground.settings
    ca_file = settings.dangerously_trusted_ca_file
    return Resolver(
        fetcher=ground.guard.fetch_stranger,
        own_document=operators.identities.own_document,
        own_hosts=frozenset({settings.did_host}),
        freshness=freshness_of(settings),
        method_freshness=method_freshness_of(settings),
        observer=memory.observations,
        log_heads=memory.heads,
        log_limits=log_limits_of(settings),
        drivers=share_of(drivers_of(settings), ground.share.workers),
        driver_trust=trust_of(ca_file) if ca_file else None,
        max_cache_bytes=settings.cache_max_bytes,
        clock=ground.clock,
        timer=ground.timer,
    )


def open_hot_table(ground: Ground, resolver: Resolver) -> HotTable:
    """Return the table of ready-made answers; one that is used keeps its document in the resolver's cache."""
    return HotTable(
        max_bytes=ground.settings.hot_max_bytes,
        clock=ground.clock,
        timer=ground.timer,
        on_used=lambda raw_path: touch(resolver, raw_path),
    )


class StatusWing(msgspec.Struct, frozen=True):
    sets: StatusSets
    publisher: Publisher
    checker: Checker
    mirror: Mirror | None


def open_status_wing(ground: Ground, operators: Operators, resolver: Resolver, hot: HotTable) -> StatusWing:
    """Return what allocates and changes, what publishes, and what checks."""
    mirror = _open_mirror(ground)
    publisher = _open_publisher(ground, operators, hot, mirror)
    sets = StatusSets(
        ground.database,
        clock=ground.clock,
        random_bytes=secrets.token_bytes,
        base_url=ground.settings.public_url,
        on_changed=publisher.wake,
        max_entries_per_issuer=ground.settings.max_entries_per_issuer,
    )
    checker = Checker(
        resolver=resolver,
        fetcher=ground.guard.fetch_stranger,
        own_list=partial(own_list, publisher.lists, publisher.demand),
        clock=ground.clock,
        timer=ground.timer,
    )
    return StatusWing(sets, publisher, checker, mirror)


def _open_mirror(ground: Ground) -> Mirror | None:
    path = ground.settings.mirror_path
    return Mirror(path) if ground.share.leads and path is not None else None


def _open_publisher(ground: Ground, operators: Operators, hot: HotTable, mirror: Mirror | None) -> Publisher:
    def on_published(published: Published) -> None:
        hot.evict(f"/status-lists/{published.list_id}".encode())
        if mirror is not None:
            mirror.take(published)

    board = ground.share.board
    return Publisher(
        ground.database,
        signer_of=operators.identities.signer_of,
        clock=ground.clock,
        timer=ground.timer,
        policy=policy_of(ground.settings),
        on_published=on_published,
        on_state=operators.alarms.state,
        mark=ServedMark(board.list_marks, ground.share.slot) if board is not None else None,
    )


class Observatory(msgspec.Struct, frozen=True):
    memory: Memory
    purges: Purges
    watch: Watch


def open_observatory(
    ground: Ground, memory: Memory, resolver: Resolver, status: StatusWing, hot: HotTable
) -> Observatory:
    """Return what nodes remember, what empties their caches, and what looks at registered DIDs now and then."""
    purges = Purges(
        ground.database,
        resolver=resolver,
        drop_lists=status.checker.purge_lists,
        drop_answers=lambda: hot.purge(IDENTIFIERS_PATH),
        clock=ground.clock,
    )
    watch = Watch(
        resolver,
        registered=memory.registered,
        last_seen=lambda: ground.database.read(last_seen),
        interval=ground.settings.observe_interval_seconds,
        clock=ground.clock,
        timer=ground.timer,
    )
    return Observatory(memory, purges, watch)


class Standing(msgspec.Struct, frozen=True):
    """How this process and its machine do, and how the other nodes."""

    vitals: Vitals
    nodes: Nodes
    clock_watch: ClockWatch


def open_standing(ground: Ground, operators: Operators) -> Standing:
    """Return what raises the alarms of this machine, and of nodes that fell silent."""
    told = operators.alarms.state
    clock, timer = ground.clock, ground.timer
    nodes = Nodes(ground.database, node_name(ground.settings), on_state=told, clock=clock, timer=timer)
    file = sqlite_path(ground.settings.database_url)
    vitals = Vitals(ground.database, ground.share, nodes, folder=file and file.parent, on_state=told)
    return Standing(vitals, nodes, ClockWatch(clock=clock, timer=timer, on_state=told, node=nodes.name))


class Wings(msgspec.Struct, frozen=True):
    """Everything that a request may need, made once per process."""

    ground: Ground
    operators: Operators
    registry: Registry
    resolver: Resolver
    hot: HotTable
    status: StatusWing
    observatory: Observatory
    standing: Standing


async def open_wings(ground: Ground) -> Wings:
    """
    Put all wings together, in the order of their needs.

    Raises:
        IdentityChanged: the database was made for another DID.
    """
    operators = await open_operators(ground)
    registry = open_registry(ground)
    memory = open_memory(ground, registry)
    resolver = open_resolver(ground, operators, memory)
    hot = open_hot_table(ground, resolver)
    status = open_status_wing(ground, operators, resolver, hot)
    observatory = open_observatory(ground, memory, resolver, status, hot)
    standing = open_standing(ground, operators)
    return Wings(ground, operators, registry, resolver, hot, status, observatory, standing)
