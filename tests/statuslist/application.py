"""
The wing's routes as the server mounts them, called in process; whoever asks an operator route is `principal`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.response import Response
from litestar.response.base import ASGIResponse

from credentials.keys.issuer_metadata import IssuerMetadata
from operators import Principal
from resolver import Resolver
from server.edge.answers import is_not_modified, response_headers
from server.edge.parameters import require_query
from server.edge.problems import problem_answer, with_limit
from statuslist.checking.checker import Checker
from statuslist.entries.operator_routes import build_operator_routes
from statuslist.population_routes import build_population_routes
from statuslist.routes import build_routes
from tests.simulator import World
from tests.statuslist.wing import BASE_URL, ISSUERS, ROOT, Wing, did_document, signer_for
from wire.coding import coded


class RenderedAnswer(Response[Any]):
    """An `Answer` under the server's own rules for headers and 304."""

    def to_asgi_response(self, request: Any, **_: Any) -> ASGIResponse:  # type: ignore[override]
        answer = coded(self.content, request.headers.get("accept-encoding"))
        headers = dict(response_headers(answer, request.app.state.clock()))
        if is_not_modified(answer, request.headers.get("if-none-match")):
            return ASGIResponse(status_code=304, headers=headers, is_head_response=True)
        return ASGIResponse(body=answer.body, status_code=answer.status, headers=headers)


def on_error(request: Request[Any, Any, Any], error: Exception) -> RenderedAnswer:
    return RenderedAnswer(problem_answer(with_limit(error, request), base_url=BASE_URL, request_id=""))


@asynccontextmanager
async def checker_of(wing: Wing) -> AsyncIterator[Checker]:
    """Yield a checker of our own lists and those of an empty web."""
    documents = {did: did_document(signer_for(issuer_id)) for issuer_id, did in ISSUERS.items()}
    async with World() as world, world.guard() as guard:
        resolver = Resolver(
            fetcher=guard.fetch_stranger,
            own_document=documents.get,
            own_hosts=frozenset({"status.example.com"}),
        )
        yield Checker(
            resolver=resolver,
            fetcher=guard.fetch_stranger,
            own_list=wing.own_list,
            metadata=IssuerMetadata(fetcher=guard.fetch_stranger, clock=wing.clock, timer=wing.clock.timer),
            clock=wing.clock,
            timer=wing.clock.timer,
        )


@asynccontextmanager
async def transport_of(wing: Wing, principal: Principal = ROOT) -> AsyncIterator[httpx.ASGITransport]:
    """Yield an httpx transport to the application."""
    async with checker_of(wing) as checker:
        yield httpx.ASGITransport(application_of(wing, checker, principal))


def application_of(wing: Wing, checker: Checker, principal: Principal = ROOT) -> Litestar:
    """Return the wing's routes as an application."""
    routes = build_routes(wing.publisher, checker, clock=wing.clock)
    return Litestar(
        [
            routes,
            build_population_routes(wing.publisher, wing.database, clock=wing.clock),
            build_operator_routes(wing.sets),
        ],
        dependencies={"principal": Provide(lambda: principal, sync_to_thread=False)},
        response_class=RenderedAnswer,
        exception_handlers={Exception: on_error},
        before_request=require_query,
        state=State({"clock": wing.clock}),
        logging_config=None,
    )


@asynccontextmanager
async def http_of(wing: Wing, principal: Principal = ROOT) -> AsyncIterator[httpx.AsyncClient]:
    """Yield an httpx client of the application."""
    async with (
        transport_of(wing, principal) as transport,
        httpx.AsyncClient(transport=transport, base_url=BASE_URL) as http,
    ):
        yield http
