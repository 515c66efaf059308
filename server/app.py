"""
The composition root: builds every service once, and the two applications that show them.

Nothing else knows all rooms. What one wing needs of another, or of the server, is a callable handed in here.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import License
from litestar.types import ControllerRouterHandler

from observatory.alarm_store import acknowledge_all
from observatory.key_alarms import KeyAlarms
from observatory.log_heads import StoredHeads
from observatory.observation_store import last_seen
from observatory.observations import Observations
from observatory.operator_routes import build_operator_routes
from observatory.purges import Purges
from observatory.watching import Watch
from operators import AlarmKind, Alarms, Principals
from operators.alarm_routes import alarm_routes
from registry.registry import Registry
from registry.routes import build_routes as registry_routes
from resolver import Resolver
from resolver.binding.answering import touch
from resolver.binding.routes import build_routes as resolver_routes
from resolver.binding.universal_routes import batch_route, universal_routes
from resolver.outbound.fetch import Guard
from resolver.outbound.trust import trust_of
from server.auth import principal_of
from server.background import Background
from server.database import MIGRATIONS, open_of
from server.edge.answers import AnswerResponse
from server.edge.front import Front
from server.edge.hot_table import HotTable
from server.edge.identifiers import IDENTIFIERS_PATH, Identifiers
from server.edge.limits import ClientAccount, ClientAddresses, Cost, TokenBuckets
from server.edge.problems import problem_answer
from server.identity import DEFAULT_ISSUER, Identities, require_same_identity
from server.readings import alarm_readings, cache_readings, driver_readings, mirror_readings, readings
from server.registered import RegisteredDids
from server.routes.explain import explain_route
from server.routes.pages import (
    OPERATOR_ROOT,
    ROOT,
    health_routes,
    identity_routes,
    metrics_route,
    page_routes,
)
from server.settings import Settings
from server.settings.drivers import drivers_of, share_of
from server.settings.outbound import guard_of, readings_of
from server.settings.policy import freshness_of, log_limits_of, method_freshness_of, policy_of
from server.share import Share
from server.telemetry.counters import Telemetry
from server.telemetry.health import Check, Health
from server.vitals.clock import ClockWatch
from server.vitals.nodes import Nodes, node_name
from server.vitals.vitals import Vitals
from statuslist.checking.checker import Checker
from statuslist.entries.operator_routes import build_operator_routes as operator_status_routes
from statuslist.entries.sets import StatusLists
from statuslist.publishing.mirror import Mirror
from statuslist.publishing.publisher import Publisher
from statuslist.routes import build_routes as status_routes
from storage import RELEASE, Engine, ServedMark, migrate, sqlite_path
from storage.writer import CALL_SECONDS
from wire.body import MAX_BODY_BYTES


class Services(msgspec.Struct, kw_only=True):
    """Everything that a request may need, made once per process."""

    settings: Settings
    database: Engine
    principals: Principals
    identities: Identities
    resolver: Resolver
    registry: Registry
    lists: StatusLists
    publisher: Publisher
    checker: Checker
    hot: HotTable
    telemetry: Telemetry
    health: Health
    background: Background
    alarms: Alarms
    key_alarms: KeyAlarms
    purges: Purges


@asynccontextmanager
async def open_services(
    settings: Settings,
    share: Share | None = None,
    *,
    guard: Guard | None = None,
    clock: Callable[[], float] = time.time,
    timer: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Services]:
    """
    Open the database, load what is served from memory, and start the background work; close it all at the end.

    Args:
        share: this process's part of the node; None: all of it.
        guard: fetches from strangers; None: the real one, within the limits of the settings.
        clock: seconds since 1970; what is compared with others' times goes by it.
        timer: monotonic seconds; what is kept for a while goes by it.

    Raises:
        DatabaseUnavailable, SchemaMismatch: the database is not there, or of another version.
        IdentityChanged: the database was made for another DID.
    """
    share = share or Share()
    database = open_of(settings)
    try:
        await migrate(database, MIGRATIONS)
        database.call_seconds = CALL_SECONDS
        services = await _build(settings, share, database, guard or guard_of(settings), clock, timer)
        async with services.resolver:
            await services.background.start()
            try:
                yield services
            finally:
                await services.background.stop()
                await services.checker.aclose()
    finally:
        await asyncio.to_thread(database.close)


async def _build(
    settings: Settings,
    share: Share,
    database: Engine,
    guard: Guard,
    clock: Callable[[], float],
    timer: Callable[[], float],
) -> Services:
    """Make every service; the order is that of their needs."""
    principals = Principals(database, clock=clock, timer=timer)
    require_same_identity(settings, await principals.find_issuer(DEFAULT_ISSUER))
    telemetry = Telemetry(share.board, share.slot)
    alarms = Alarms(
        database,
        clock=clock,
        on_acknowledged={AlarmKind.KEY_CHANGE: acknowledge_all},
        elsewhere=telemetry.unwritten_elsewhere,
    )
    telemetry.unwritten = alarms.unwritten
    identities = Identities(settings, on_state=alarms.state)
    await identities.take_up(await principals.issuers())
    hot = HotTable(
        max_bytes=settings.hot_max_bytes,
        clock=clock,
        timer=timer,
        on_used=lambda raw_path: touch(resolver, raw_path),
    )
    board = share.board
    registry = Registry(
        database,
        clock=clock,
        timer=timer,
        mark=ServedMark(board.registry_marks, share.slot) if board is not None else None,
    )
    registered = RegisteredDids(registry)
    observations = Observations(database, registered=registered, clock=clock)
    heads = StoredHeads(database, clock)
    key_alarms = KeyAlarms(database, registered=registered, clock=clock)
    ca_file = settings.dangerously_trusted_ca_file
    resolver = Resolver(
        fetcher=guard.fetch_stranger,
        own_document=identities.own_document,
        own_hosts=frozenset({settings.did_host}),
        freshness=freshness_of(settings),
        method_freshness=method_freshness_of(settings),
        observer=observations,
        log_heads=heads,
        log_limits=log_limits_of(settings),
        drivers=share_of(drivers_of(settings), share.workers),
        driver_trust=trust_of(ca_file) if ca_file else None,
        max_cache_bytes=settings.cache_max_bytes,
        clock=clock,
        timer=timer,
    )
    mirror = Mirror(settings.mirror_path) if share.leads and settings.mirror_path is not None else None

    def on_published(list_id: str) -> None:
        hot.evict(f"/status-lists/{list_id}".encode())
        if mirror is not None and (published := publisher.current(list_id)) is not None:
            mirror.take(published)

    publisher = Publisher(
        database,
        signer_of=identities.signer_of,
        clock=clock,
        timer=timer,
        policy=policy_of(settings),
        on_published=on_published,
        on_state=alarms.state,
        mark=ServedMark(board.list_marks, share.slot) if board is not None else None,
    )

    lists = StatusLists(
        database,
        clock=clock,
        random_bytes=secrets.token_bytes,
        base_url=settings.public_url,
        on_changed=publisher.wake,
        max_entries_per_issuer=settings.max_entries_per_issuer,
    )
    checker = Checker(
        resolver=resolver,
        fetcher=guard.fetch_stranger,
        own_list=publisher.own_list,
        clock=clock,
        timer=timer,
    )
    purges = Purges(
        database,
        resolver=resolver,
        drop_lists=checker.purge_lists,
        drop_answers=lambda: hot.purge(IDENTIFIERS_PATH),
        clock=clock,
    )
    watch = Watch(
        resolver,
        registered=registered,
        last_seen=lambda: database.read(last_seen),
        interval=settings.observe_interval_seconds,
        clock=clock,
        timer=timer,
    )

    async def follow_issuers() -> None:
        if await identities.take_up(await principals.issuers()):
            publisher.retry()

    file = sqlite_path(settings.database_url)
    nodes = Nodes(database, node_name(settings), on_state=alarms.state, clock=clock, timer=timer)
    vitals = Vitals(database, share, nodes, folder=file and file.parent, on_state=alarms.state)
    background = Background(
        database,
        publisher,
        registry,
        guard,
        share_metrics=telemetry.share,
        follow_issuers=follow_issuers,
        purges=purges,
        observations=observations,
        alarms=alarms,
        key_alarms=key_alarms,
        heads=heads,
        watch=watch,
        vitals=vitals,
        nodes=nodes,
        clock_watch=ClockWatch(clock=clock, timer=timer, on_state=alarms.state, node=nodes.name),
        leads=share.leads,
        mirror=mirror,
    )
    telemetry.sources.append(lambda: readings(database, publisher, background, hot))
    telemetry.sources.append(lambda: mirror_readings(mirror))
    telemetry.sources += [observations.readings, key_alarms.readings, purges.readings]
    telemetry.sources.append(lambda: alarm_readings(alarms))
    telemetry.sources.append(lambda: [*cache_readings(resolver), *driver_readings(resolver)])
    telemetry.sources.append(lambda: readings_of(guard))
    telemetry.sources.append(vitals.readings)
    checks = [*_checks(database, registry, publisher, background, telemetry), vitals.check]
    health = Health(checks, writes_fail=lambda: vitals.writes_fail)
    return Services(
        settings=settings,
        database=database,
        principals=principals,
        identities=identities,
        resolver=resolver,
        registry=registry,
        lists=lists,
        publisher=publisher,
        checker=checker,
        hot=hot,
        telemetry=telemetry,
        health=health,
        background=background,
        alarms=alarms,
        key_alarms=key_alarms,
        purges=purges,
    )


def public_app(services: Services) -> Front:
    """Return the application of the public listener: reads, questions and checks; nothing that changes state."""
    settings = services.settings
    clock = time.time
    preferred = settings.default_representation
    renewals = TokenBuckets(settings.rate_no_cache_per_second, time.monotonic)
    buckets = {
        Cost.HOT: TokenBuckets(settings.rate_hot_per_second, time.monotonic),
        Cost.CPU: TokenBuckets(settings.rate_cpu_per_second, time.monotonic),
        Cost.OUTBOUND: TokenBuckets(settings.rate_outbound_per_second, time.monotonic),
    }

    def spend(client: str, may_fetch: bool) -> float:
        return buckets[Cost.OUTBOUND if may_fetch else Cost.CPU].take(client)

    app = _litestar(
        services,
        "Touchstone",
        [
            *resolver_routes(services.resolver, renewals.take, preferred=preferred),
            batch_route(services.resolver, spend, renewals.take),
            *universal_routes(services.resolver, [settings.did], clock),
            *registry_routes(services.registry),
            *status_routes(
                services.publisher,
                services.checker,
                clock=clock,
                account_of=lambda client: ClientAccount(buckets[Cost.OUTBOUND], buckets[Cost.CPU], client),
            ),
            *identity_routes(services.identities, clock),
            *health_routes(services.health, detailed=False),
            *page_routes(clock, root_page=ROOT),
        ],
    )
    return Front(
        app,
        base_url=settings.public_url,
        telemetry=services.telemetry,
        addresses=ClientAddresses(settings.trusted_proxies),
        clock=clock,
        hot=services.hot,
        buckets=buckets,
        identifiers=Identifiers(services.resolver, renewals.take, preferred=preferred),
        lists_are_behind=services.publisher.is_behind,
    )


def operator_app(services: Services) -> Front:
    """Return the application of the operator's listener: changes, metrics and detailed readiness."""
    app = _litestar(
        services,
        "Touchstone, operator API",
        [
            *operator_status_routes(services.lists),
            *build_operator_routes(services.key_alarms, services.purges),
            *alarm_routes(services.alarms),
            explain_route(services.resolver),
            *health_routes(services.health, detailed=True),
            metrics_route(services.telemetry),
            *page_routes(time.time, root_page=OPERATOR_ROOT),
        ],
        dependencies={"principal": Provide(principal_of(services.principals))},
    )
    return Front(
        app,
        base_url=services.settings.public_url,
        telemetry=services.telemetry,
        addresses=ClientAddresses(services.settings.trusted_proxies),
        clock=time.time,
        is_public=False,
    )


def _litestar(
    services: Services,
    title: str,
    handlers: Sequence[ControllerRouterHandler],
    dependencies: dict[str, Provide] | None = None,
) -> Litestar:
    base_url = services.settings.public_url

    def on_error(request: Request[Any, Any, Any], error: Exception) -> AnswerResponse:
        request_id = request.scope["state"].get("request_id", "")
        return AnswerResponse(problem_answer(error, base_url=base_url, request_id=request_id))

    config = OpenAPIConfig(
        title=title, version=RELEASE, license=License(name="Apache-2.0", identifier="Apache-2.0")
    )
    return Litestar(
        route_handlers=list(handlers),
        dependencies=dependencies or {},
        response_class=AnswerResponse,
        exception_handlers={Exception: on_error},
        openapi_config=config,
        state=State({"clock": time.time}),
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
    )


def _checks(
    database: Engine,
    registry: Registry,
    publisher: Publisher,
    background: Background,
    telemetry: Telemetry,
) -> list[Callable[[], Check]]:
    def database_check() -> Check:
        """It does not make us unready: reads go on, and writes say when to come back."""
        detail: dict[str, object] = {
            "age_s": round(background.age_seconds(), 3),
            "wal_bytes": database.stats.wal_bytes,
        }
        return Check("database", database.is_healthy, needed=False, detail=detail)

    def registry_check() -> Check:
        return Check("registry", True, detail={"version": registry.view.version})

    def lists_check() -> Check:
        remaining = publisher.remaining_seconds()
        detail: dict[str, object] = {
            "remaining_s": None if remaining is None else int(remaining),
            "never_published": publisher.never_published,
            "not_yet_valid": publisher.not_yet_valid,
            "waiting_s": round(publisher.waiting_seconds, 3),
        }
        return Check("status_lists", remaining is None or remaining > 0, detail=detail)

    def background_check() -> Check:
        return Check("background", background.is_running, detail={"failed_publications": publisher.failed})

    def alarms_check() -> Check:
        """An alarm needs a person; whether it makes us unready, the check of its own subject says."""
        counts = telemetry.values_of("touchstone_alarms")
        detail: dict[str, object] = {kind: int(count) for kind, count in counts.items() if count}
        return Check("alarms", not detail, needed=False, detail=detail)

    return [database_check, registry_check, lists_check, background_check, alarms_check]
