"""
`/livez`, `/readyz` and `/metrics`. Routes.
"""

from litestar import get
from litestar.handlers import HTTPRouteHandler

from server.telemetry.counters import CONTENT_TYPE, Telemetry
from server.telemetry.health import Health, live
from wire import Answer


def health_routes(health: Health, *, detailed: bool) -> list[HTTPRouteHandler]:
    """Return `/livez` and `/readyz`; the checks behind the latter are for the operator's listener only."""

    @get("/livez", tags=["Health"], summary="The process answers")
    async def livez() -> Answer:
        return live()

    @get("/readyz", tags=["Health"], summary="The process may be sent requests")
    async def readyz() -> Answer:
        return health.ready(detailed=detailed)

    return [livez, readyz]


def metrics_route(telemetry: Telemetry) -> HTTPRouteHandler:
    """Return `/metrics`, for the operator's listener."""

    @get("/metrics", tags=["Health"], summary="Metrics in the Prometheus text format")
    async def metrics() -> Answer:
        return Answer(body=telemetry.render(), media_type=CONTENT_TYPE)

    return metrics
