"""
`POST /trqp/authorization` and `POST /trqp/recognition` (TRQP v2.0, HTTPS binding). Routes.
"""

from typing import Any

from litestar import Request, post
from litestar.handlers import HTTPRouteHandler

from registry.openapi import AUTHORIZATION_RESPONSES, RECOGNITION_RESPONSES, TrqpOperation
from registry.registry import Registry
from wire import Answer
from wire.body import MAX_BODY_BYTES

AUTHORIZATION_PATH = "/trqp/authorization"
RECOGNITION_PATH = "/trqp/recognition"


def build_routes(registry: Registry) -> list[HTTPRouteHandler]:
    """
    Return the route handlers of the registry, for a Litestar application.

    The application's response class must render an `Answer`, its exception handler a `wire.Refusal`.
    """

    @post(
        AUTHORIZATION_PATH,
        name="authorization",
        status_code=200,
        summary="May this entity do that, says this authority?",
        description="TRQP v2.0 authorization query. `context.time` asks for the answer as of that time.",
        tags=["registry"],
        responses=AUTHORIZATION_RESPONSES,
        operation_class=TrqpOperation,
        request_max_body_size=MAX_BODY_BYTES,
    )
    async def authorization(request: Request[Any, Any, Any]) -> Answer:
        return registry.authorization(await request.body(), request.headers.get("content-type"))

    @post(
        RECOGNITION_PATH,
        name="recognition",
        status_code=200,
        summary="Does this authority recognise that one for this?",
        description="TRQP v2.0 recognition query: `entity_id` is the other authority.",
        tags=["registry"],
        responses=RECOGNITION_RESPONSES,
        operation_class=TrqpOperation,
        request_max_body_size=MAX_BODY_BYTES,
    )
    async def recognition(request: Request[Any, Any, Any]) -> Answer:
        return registry.recognition(await request.body(), request.headers.get("content-type"))

    return [authorization, recognition]
