"""
The two applications that show the services: the public one, and the operator's.
"""

import time
from collections.abc import Sequence
from typing import Any

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import License, OpenAPI
from litestar.types import ControllerRouterHandler

from observatory.operator_routes import build_operator_routes
from operators.access.routes import access_routes
from operators.alarms.routes import alarm_routes
from operators.approvals.routes import approval_routes
from operators.audit.routes import audit_routes
from operators.grants import Scope, issuer_scope
from operators.issuers.issuers import absent_issuer
from operators.issuers.key_routes import issuer_routes
from operators.model import is_id
from registry.editing.challenge_routes import challenge_routes
from registry.editing.drafts import ABSENT as ABSENT_CHANGE_SET
from registry.editing.routes import change_set_routes
from registry.feed.operator_routes import feed_operator_routes
from registry.feed.routes import feed_routes
from registry.operator_routes import build_operator_routes as registry_operator_routes
from registry.reports.routes import report_routes
from registry.routes import AUTHORIZATION_PATH, RECOGNITION_PATH
from registry.routes import build_routes as registry_routes
from registry.sources.operator_routes import source_routes
from registry.telling_routes import build_telling_routes as telling_routes
from registry.trust_routes import build_trust_routes as trust_routes
from resolver.binding.routes import build_routes as resolver_routes
from resolver.binding.universal_routes import batch_route, universal_routes
from server.auth import Named, OnRefused, Paths, noting, principal_of
from server.declarations import Declared, declared_by
from server.edge.answers import AnswerResponse
from server.edge.callers import ClientAddresses
from server.edge.front import Front
from server.edge.identifiers import Identifiers
from server.edge.limits import ClientAccount, Cost, TokenBuckets, too_many
from server.edge.parameters import require_query
from server.edge.problems import problem_answer, with_limit
from server.edge.queries import Queries
from server.edge.service_keys import ServiceKeys
from server.routes.explain import explain_route
from server.routes.health import health_routes, metrics_route
from server.routes.identity import identity_routes
from server.routes.issuer_papers import issuer_paper_routes
from server.routes.pages import DESCRIBE_KEY, OPERATOR_ROOT, ROOT, page_routes
from server.services import Services
from statuslist.entries.changes import ABSENT_SET
from statuslist.entries.operator_routes import build_operator_routes as operator_status_routes
from statuslist.population_routes import build_population_routes as population_routes
from statuslist.routes import build_routes as status_routes
from storage import RELEASE
from verification.routes import build_verify_routes as verify_routes
from wire.body import MAX_BODY_BYTES


def public_app(services: Services) -> Front:
    """Return the application of the public listener: reads, questions and checks; nothing that changes state."""
    settings = services.settings
    clock = time.time
    preferred = settings.default_representation
    renewals = _tokens(settings.rate_no_cache_per_second, settings.trusted_rate_no_cache_per_second)
    buckets = {
        Cost.HOT: _tokens(settings.rate_hot_per_second, settings.trusted_rate_hot_per_second),
        Cost.CPU: _tokens(settings.rate_cpu_per_second, settings.trusted_rate_cpu_per_second),
        Cost.OUTBOUND: _tokens(settings.rate_outbound_per_second, settings.trusted_rate_outbound_per_second),
    }
    service_keys = ServiceKeys(
        services.operators.principals.authenticate,
        buckets[Cost.CPU].take,
        scopes_of=services.operators.principals.scopes_ever,
        telemetry=services.telemetry,
    )

    def spend(account: str, may_fetch: bool) -> float:
        return buckets[Cost.OUTBOUND if may_fetch else Cost.CPU].take(account)

    def charge(account: str, tokens: float) -> None:
        if wait := buckets[Cost.CPU].take(account, tokens):
            raise too_many(wait)

    def account_of(account: str) -> ClientAccount:
        return ClientAccount(buckets[Cost.OUTBOUND], buckets[Cost.CPU], account)

    app = _litestar(
        services,
        "Touchstone",
        [
            *resolver_routes(services.resolver, renewals.take, preferred=preferred),
            batch_route(services.resolver, spend, renewals.take),
            *universal_routes(services.resolver, [settings.did], clock),
            registry_routes(services.registry.answering, charge),
            telling_routes(services.registry.telling, charge),
            feed_routes(services.registry.feed),
            trust_routes(services.registry.trust, buckets[Cost.CPU].owe),
            status_routes(
                services.status.publisher,
                services.status.checker,
                clock=clock,
                account_of=account_of,
            ),
            verify_routes(services.verifier, account_of, charge),
            population_routes(services.status.publisher, services.database, clock=clock),
            *identity_routes(services.operators.identities, clock),
            *health_routes(services.health, detailed=False),
            *page_routes(clock, root_page=ROOT),
        ],
    )
    return Front(
        app,
        base_url=settings.public_url,
        telemetry=services.telemetry,
        addresses=ClientAddresses(settings.trusted_proxies, settings.trusted_clients),
        clock=clock,
        hot=services.hot,
        buckets=buckets,
        service_keys=service_keys,
        identifiers=Identifiers(services.resolver, renewals.take, preferred=preferred),
        queries=Queries(
            {
                AUTHORIZATION_PATH.encode(): services.registry.answering.authorization_now,
                RECOGNITION_PATH.encode(): services.registry.answering.recognition_now,
            }
        ),
        lists_are_behind=services.status.publisher.following.is_behind,
    )


def _tokens(rate: float, trusted_rate: float | None) -> TokenBuckets:
    return TokenBuckets(rate, time.monotonic, trusted_rate=trusted_rate)


def operator_app(services: Services) -> Front:
    """
    Return the application of the operator's listener: changes, metrics and detailed readiness.

    Raises:
        NotDeclared: a route does not say whom it lets in.
    """
    app = _operator_litestar(services)
    declared_by(app, paths_of(services))
    return Front(
        app,
        base_url=services.settings.public_url,
        telemetry=services.telemetry,
        addresses=ClientAddresses(services.settings.trusted_proxies),
        clock=time.time,
        is_public=False,
    )


def declared_of(services: Services) -> list[Declared]:
    """Return what every route of the operator's listener declares; raises as `operator_app`."""
    return declared_by(_operator_litestar(services), paths_of(services))


def _operator_litestar(services: Services) -> Litestar:
    return _litestar(
        services,
        "Touchstone, operator API",
        [
            operator_status_routes(services.status.sets),
            build_operator_routes(services.observatory.history.key_alarms, services.observatory.purges),
            alarm_routes(services.operators.alarms),
            approval_routes(services.operators.approvals),
            access_routes(services.operators.access, services.operators.grants, services.operators.api_keys),
            audit_routes(services.auditing.trail),
            issuer_routes(services.operators.issuers, services.issuing.changes),
            issuer_paper_routes(services.issuing.papers),
            report_routes(services.registry.reports, services.registry.registry.now),
            source_routes(services.sources),
            feed_operator_routes(services.registry.feed, services.registry.subscribers),
            registry_operator_routes(services.registry.files, services.editing.imports),
            change_set_routes(services.editing.drafts, services.editing.change_sets),
            challenge_routes(services.editing.drafts, services.editing.challenges),
            explain_route(services.resolver),
            *health_routes(services.health, detailed=True),
            metrics_route(services.telemetry),
            *page_routes(time.time, root_page=OPERATOR_ROOT),
        ],
        dependencies={"principal": Provide(principal_of(services.operators.principals, paths_of(services)))},
        on_refused=noting(services.auditing.refusals),
    )


def paths_of(services: Services) -> Paths:
    """Return what each parameter of an operator's path names."""
    operators = services.operators

    async def of_issuer(issuer_id: str) -> Scope | None:
        is_there = is_id(issuer_id) and await operators.issuers.find(issuer_id) is not None
        return issuer_scope(issuer_id) if is_there else None

    return Paths(
        resources={
            "issuer_id": Named(of_issuer, absent_issuer),
            "number": operators.approvals.let_in,
            "change_set": Named(services.editing.drafts.scope_of, lambda _: ABSENT_CHANGE_SET),
            "set_id": Named(services.status.sets.scope_of, lambda _: ABSENT_SET),
        },
        principals={
            "principal_id": operators.access.let_in,
            "public_id": operators.api_keys.let_in,
        },
    )


def _litestar(
    services: Services,
    title: str,
    handlers: Sequence[ControllerRouterHandler],
    dependencies: dict[str, Provide] | None = None,
    on_refused: OnRefused | None = None,
) -> Litestar:
    base_url = services.settings.public_url

    def on_error(request: Request[Any, Any, Any], error: Exception) -> AnswerResponse:
        if on_refused is not None:
            on_refused(request, error)
        request_id = request.scope["state"].get("request_id", "")
        told = with_limit(error, request)
        return AnswerResponse(problem_answer(told, base_url=base_url, request_id=request_id))

    def build(openapi: OpenAPIConfig | None, state: State) -> Litestar:
        return Litestar(
            route_handlers=list(handlers),
            dependencies=dependencies or {},
            response_class=AnswerResponse,
            exception_handlers={Exception: on_error},
            before_request=require_query,
            openapi_config=openapi,
            state=state,
            request_max_body_size=MAX_BODY_BYTES,
            logging_config=None,
        )

    def describe() -> OpenAPI:
        """Another application, never served, is described: Litestar serves pages of its own with a description."""
        licence = License(name="Apache-2.0", identifier="Apache-2.0")
        return build(OpenAPIConfig(title=title, version=RELEASE, license=licence), State()).openapi_schema

    return build(None, State({"clock": time.time, DESCRIBE_KEY: describe}))
