"""
How the parts of a process are put together: a function for each, which is handed what it needs of others.

Most parts are a wing each. The observatory is opened in two steps: the history of DIDs before the resolver, which
asks it, and the rest after the resolver, which it asks. Two parts are no wings: the table of ready answers, and
what watches this machine and the other nodes.
"""

import secrets
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from observatory.alarm_store import acknowledge_all
from observatory.key_alarms import KeyAlarms
from observatory.log_heads import StoredHeads
from observatory.observation_store import last_seen
from observatory.observations import Observations
from observatory.purges import Purges
from observatory.watching import Watch, looking_with
from operators import AlarmKind, Alarms, Principals
from operators.access.api_key_changes import ApiKeys
from operators.access.key_ends import KeyEnds
from operators.access.principal_changes import PrincipalChanges
from operators.alarms.store import Told, tell
from operators.approvals.approvals import Approvals
from operators.approvals.rules import Policy as ApprovalPolicy
from operators.audit.anchor_files import AnchorFiles
from operators.audit.anchors import Anchors
from operators.audit.pushing import Pusher
from operators.audit.reading import AuditTrail
from operators.audit.refusals import Refusals
from operators.issuers.issuers import Issuers
from operators.issuers.key_changes import KeyChanges
from registry.reading import read_apart
from registry.registry import Registry
from resolver import Resolver
from resolver.binding.answering import touch
from resolver.outbound.fetch import Guard
from resolver.outbound.trust import trust_of
from server.collector import Collector
from server.edge.hot_table import HotTable
from server.edge.identifiers import IDENTIFIERS_PATH
from server.identity.custody import Custody
from server.identity.identities import Identities
from server.identity.key_log import KeyLog
from server.identity.listing import why_not_listed
from server.identity.listing_watch import ListingWatch
from server.identity.own import DEFAULT_ISSUER, require_same_identity
from server.identity.papers import IssuerPapers
from server.identity.surroundings import Surroundings
from server.identity.upkeep import KeyUpkeep
from server.registered import RegisteredDids
from server.routes.identity import ISSUER_DOCUMENTS, OWN_DOCUMENT
from server.settings import Settings
from server.settings.drivers import drivers_of, share_of
from server.settings.policy import freshness_of, log_limits_of, method_freshness_of, policy_of
from server.share import Share
from server.sign_in import SigningIn, open_sign_in
from server.telemetry.counters import Telemetry
from server.vitals.clock import ClockWatch
from server.vitals.nodes import Nodes, node_name
from server.vitals.vitals import Vitals
from statuslist.checking.checker import Checker
from statuslist.entries.sets import StatusSets
from statuslist.publishing.answers import own_list
from statuslist.publishing.artefacts import sign_anew
from statuslist.publishing.mirror import Mirror, has_lists
from statuslist.publishing.published import Published
from statuslist.publishing.publisher import Publisher
from storage import Engine, ServedMark, Transaction, sqlite_path


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """
    What every part is given.

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
    signing_in: SigningIn | None
    access: PrincipalChanges
    api_keys: ApiKeys
    key_ends: KeyEnds
    approvals: Approvals
    alarms: Alarms
    issuers: Issuers
    identities: Identities


async def open_operators(resources: Resources) -> Operators:
    """
    Return who acts, what is wrong, and the issuers that we host, whose keys are not looked at yet.

    Raises:
        IdentityChanged: the database was made for another DID.
    """
    signing_in = open_sign_in(
        resources.settings, resources.database, clock=resources.clock, timer=resources.timer
    )
    principals = Principals(
        resources.database,
        clock=resources.clock,
        timer=resources.timer,
        sign_in=None if signing_in is None else signing_in.sign_in.authenticate,
    )
    approvals = _open_approvals(resources)
    access = PrincipalChanges(resources.database, principals, approvals, clock=resources.clock)
    api_keys = ApiKeys(resources.database, principals, approvals, clock=resources.clock)
    approvals.doers |= access.doers() | api_keys.doers()
    custody = Custody(resources.settings)
    issuers = Issuers(
        resources.database, surroundings=Surroundings(resources.settings, custody), clock=resources.clock
    )
    require_same_identity(resources.settings, await issuers.find(DEFAULT_ISSUER))
    alarms = Alarms(
        resources.database,
        clock=resources.clock,
        on_acknowledged={AlarmKind.KEY_CHANGE: acknowledge_all},
        elsewhere=resources.telemetry.unwritten_elsewhere,
    )
    resources.telemetry.unwritten = alarms.unwritten
    identities = Identities(
        resources.settings,
        resources.database,
        custody=custody,
        holds_keys=resources.share.leads,
        clock=resources.clock,
        timer=resources.timer,
        on_state=alarms.state,
    )
    key_ends = KeyEnds(
        resources.database,
        clock=resources.clock,
        on_state=partial(alarms.state, AlarmKind.API_KEY_NEAR_END),
    )
    return Operators(
        principals, signing_in, access, api_keys, key_ends, approvals, alarms, issuers, identities
    )


class Auditing(msgspec.Struct, frozen=True):
    """What reads the audit trail, notes refused attempts, signs the head, and pushes the rows."""

    trail: AuditTrail
    refusals: Refusals
    anchors: Anchors | None
    pusher: Pusher | None
    collector: Collector | None


def open_auditing(resources: Resources, operators: Operators) -> Auditing:
    """Return what every process does of it, and what only one that may hold the lease does."""
    collector = _open_collector(resources)
    return Auditing(
        AuditTrail(resources.database, clock=resources.clock),
        Refusals(resources.database, clock=resources.clock),
        _open_anchors(resources, operators),
        _open_pusher(resources, operators, collector) if collector is not None else None,
        collector,
    )


def _open_anchors(resources: Resources, operators: Operators) -> Anchors | None:
    if not resources.share.leads:
        return None
    mirror = resources.settings.mirror_path
    return Anchors(
        resources.database,
        origin=resources.settings.audit_origin,
        signer=partial(operators.identities.active_signer, DEFAULT_ISSUER),
        files=AnchorFiles(resources.database, mirror, timer=resources.timer) if mirror is not None else None,
        clock=resources.clock,
        timer=resources.timer,
        on_state=operators.alarms.state,
    )


def _open_collector(resources: Resources) -> Collector | None:
    settings = resources.settings
    if not settings.audit_push_url or not resources.share.leads:
        return None
    token, ca_file = settings.audit_push_token_file, settings.dangerously_trusted_ca_file
    return Collector(
        settings.audit_push_url, Path(token) if token else None, trust_of(ca_file) if ca_file else None
    )


def _open_pusher(resources: Resources, operators: Operators, collector: Collector) -> Pusher:
    return Pusher(
        resources.database,
        collector=collector.url,
        post=collector.post,
        clock=resources.clock,
        timer=resources.timer,
        on_state=operators.alarms.state,
    )


def _open_approvals(resources: Resources) -> Approvals:
    settings = resources.settings
    policy = ApprovalPolicy(
        needed_for=frozenset(settings.approvals_for),
        alone=settings.approvals_alone,
        expires_seconds=settings.approval_expires_seconds,
    )

    def alarm(tx: Transaction, subject: str, reason: str, at: int) -> None:
        tell(tx, [Told(AlarmKind.BREAK_GLASS, subject, reason)], at)

    return Approvals(resources.database, clock=resources.clock, policy=policy, on_break_glass=alarm)


def open_registry(resources: Resources) -> Registry:
    """Return the trust registry; empty until it is loaded."""
    board = resources.share.board
    return Registry(
        resources.database,
        clock=resources.clock,
        timer=resources.timer,
        mark=ServedMark(board.registry_marks, resources.share.slot) if board is not None else None,
        read_file=read_apart,
    )


class DidHistory(msgspec.Struct, frozen=True):
    """What all nodes together saw of DIDs."""

    registered: RegisteredDids
    observations: Observations
    heads: StoredHeads
    key_alarms: KeyAlarms


def open_did_history(resources: Resources, registry: Registry) -> DidHistory:
    """Return what the resolver tells, and asks, of what was seen before."""
    registered = RegisteredDids(registry)
    return DidHistory(
        registered,
        Observations(resources.database, registered=registered, clock=resources.clock),
        StoredHeads(resources.database, resources.clock),
        KeyAlarms(resources.database, registered=registered, clock=resources.clock),
    )


def open_resolver(resources: Resources, operators: Operators, history: DidHistory) -> Resolver:
    """Return the resolver, which knows our own documents, our drivers and what was seen before."""
    settings = resources.settings
    ca_file = settings.dangerously_trusted_ca_file
    return Resolver(
        fetcher=resources.guard.fetch_stranger,
        own_document=operators.identities.own_document,
        own_hosts=frozenset({settings.did_host}),
        own_fresh_seconds=settings.did_document_ttl_seconds,
        freshness=freshness_of(settings),
        method_freshness=method_freshness_of(settings),
        observer=history.observations,
        log_heads=history.heads,
        log_limits=log_limits_of(settings),
        drivers=share_of(drivers_of(settings), resources.share.workers),
        driver_trust=trust_of(ca_file) if ca_file else None,
        max_cache_bytes=settings.cache_max_bytes,
        clock=resources.clock,
        timer=resources.timer,
    )


def open_hot_table(resources: Resources, resolver: Resolver) -> HotTable:
    """Return the table of ready-made answers; one that is used keeps its document in the resolver's cache."""
    return HotTable(
        max_bytes=resources.settings.hot_max_bytes,
        clock=resources.clock,
        timer=resources.timer,
        on_used=lambda raw_path: touch(resolver, raw_path),
    )


class Issuing(msgspec.Struct, frozen=True):
    """
    What changes the keys of issuers, and hands out what others need of them; what looks after them, and what writes
    them down beside the mirror.
    """

    changes: KeyChanges
    papers: IssuerPapers
    upkeep: KeyUpkeep
    listings: ListingWatch
    log: KeyLog | None


def open_issuing(
    resources: Resources, operators: Operators, resolver: Resolver, hot: HotTable, clock_watch: ClockWatch
) -> Issuing:
    """Return what operators, and time, do with keys; a document that changes leaves the ready answers."""

    def forget_documents() -> None:
        hot.purge(IDENTIFIERS_PATH)
        for path in (OWN_DOCUMENT, ISSUER_DOCUMENTS):
            hot.evict(path.encode())

    operators.identities.on_replaced = forget_documents
    changes = KeyChanges(
        resources.database,
        operators.issuers,
        document_ttl_seconds=resources.settings.did_document_ttl_seconds,
        why_not_listed=partial(why_not_listed, resolver, resources.clock),
        sign_anew=sign_anew,
        approvals=operators.approvals,
        clock=resources.clock,
    )
    operators.approvals.doers |= changes.doers()
    upkeep = KeyUpkeep(
        resources.database,
        operators.issuers,
        changes,
        clock=resources.clock,
        surely_past=clock_watch.surely_past,
        timer=resources.timer,
        on_state=operators.alarms.state,
    )
    listings = ListingWatch(
        resolver,
        operators.identities,
        interval=resources.settings.observe_interval_seconds,
        clock=resources.clock,
        timer=resources.timer,
        on_state=operators.alarms.state,
    )
    papers = IssuerPapers(
        resources.database,
        operators.issuers,
        changes,
        Custody(resources.settings),
        clock=resources.clock,
    )
    return Issuing(changes, papers, upkeep, listings, _open_key_log(resources, operators))


def _open_key_log(resources: Resources, operators: Operators) -> KeyLog | None:
    path = resources.settings.mirror_path
    if path is None or not resources.share.leads:
        return None
    return KeyLog(
        path,
        operators.identities,
        service=resources.settings.public_url,
        clock=resources.clock,
        timer=resources.timer,
    )


class StatusWing(msgspec.Struct, frozen=True):
    sets: StatusSets
    publisher: Publisher
    checker: Checker
    mirror: Mirror | None


def open_status_wing(
    resources: Resources, operators: Operators, resolver: Resolver, hot: HotTable
) -> StatusWing:
    """Return what allocates and changes, what publishes, and what checks."""
    mirror = _open_mirror(resources)
    publisher = _open_publisher(resources, operators, hot, mirror)
    place = resources.settings.mirror_path
    sets = StatusSets(
        resources.database,
        clock=resources.clock,
        random_bytes=secrets.token_bytes,
        base_url=resources.settings.public_url,
        on_changed=publisher.wake,
        max_entries_per_issuer=resources.settings.max_entries_per_issuer,
        was_published=partial(has_lists, place) if place is not None else lambda _: False,
    )
    checker = Checker(
        resolver=resolver,
        fetcher=resources.guard.fetch_stranger,
        own_list=partial(own_list, publisher.lists, publisher.demand),
        clock=resources.clock,
        timer=resources.timer,
    )
    return StatusWing(sets, publisher, checker, mirror)


def _open_mirror(resources: Resources) -> Mirror | None:
    path = resources.settings.mirror_path
    return Mirror(path) if resources.share.leads and path is not None else None


def _open_publisher(
    resources: Resources, operators: Operators, hot: HotTable, mirror: Mirror | None
) -> Publisher:
    def on_published(published: Published) -> None:
        hot.evict(f"/status-lists/{published.list_id}".encode())
        if mirror is not None:
            mirror.take(published)

    board = resources.share.board
    return Publisher(
        resources.database,
        signer_of=operators.identities.signer_of,
        clock=resources.clock,
        timer=resources.timer,
        policy=policy_of(resources.settings),
        on_published=on_published,
        on_state=operators.alarms.state,
        mark=ServedMark(board.list_marks, resources.share.slot) if board is not None else None,
    )


class Observatory(msgspec.Struct, frozen=True):
    history: DidHistory
    purges: Purges
    watch: Watch


def open_observatory(
    resources: Resources, history: DidHistory, resolver: Resolver, status: StatusWing, hot: HotTable
) -> Observatory:
    """Return what nodes saw, what empties their caches, and what looks at registered DIDs now and then."""
    purges = Purges(
        resources.database,
        resolver=resolver,
        drop_lists=status.checker.purge_lists,
        drop_answers=lambda: hot.purge(IDENTIFIERS_PATH),
        clock=resources.clock,
    )
    watch = Watch(
        looking_with(resolver),
        registered=history.registered,
        last_seen=lambda: resources.database.read(last_seen),
        interval=resources.settings.observe_interval_seconds,
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


class Wings(msgspec.Struct, frozen=True):
    """All wings of one process, and the parts beside them."""

    resources: Resources
    operators: Operators
    auditing: Auditing
    registry: Registry
    resolver: Resolver
    hot: HotTable
    issuing: Issuing
    status: StatusWing
    observatory: Observatory
    monitoring: Monitoring


async def open_wings(resources: Resources) -> Wings:
    """
    Put all parts together, in the order of their needs.

    Raises:
        IdentityChanged: the database was made for another DID.
    """
    operators = await open_operators(resources)
    auditing = open_auditing(resources, operators)
    registry = open_registry(resources)
    history = open_did_history(resources, registry)
    resolver = open_resolver(resources, operators, history)
    hot = open_hot_table(resources, resolver)
    monitoring = open_monitoring(resources, operators)
    issuing = open_issuing(resources, operators, resolver, hot, monitoring.clock_watch)
    status = open_status_wing(resources, operators, resolver, hot)
    observatory = open_observatory(resources, history, resolver, status, hot)
    return Wings(
        resources,
        operators,
        auditing,
        registry,
        resolver,
        hot,
        issuing,
        status,
        observatory,
        monitoring,
    )
