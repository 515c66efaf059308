"""
`/operator/registry/changes` and `/operator/registry/subscribers`: who changed what, and who is told of it. Routes.
"""

from typing import Any

from litestar import Controller, Request, delete, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery

from operators.asking import Acting, answer_of, body_of, key_of, require_no_body
from operators.grants import Permission
from operators.needs import everything
from registry.feed.reading import Feed
from registry.feed.routes import DEFAULT_PAGE, DESCRIPTION, PAGE, wanted_of
from registry.feed.subscribers import MAX_SUBSCRIBERS, Subscribers
from registry.feed.views import CreateSubscriber, Replay, SubscriberPage, SubscriberView
from wire import Answer
from wire.body import MAX_BODY_BYTES
from wire.openapi import reads
from wire.routing import over

OPERATORS_CHANGES = "/operator/registry/changes"
SUBSCRIBERS = "/operator/registry/subscribers"
_SUBSCRIBER = f"{SUBSCRIBERS}/{{subscriber_id:str}}"
ADMINISTERS = everything(Permission.ADMINISTER)


def _described(shape: type, description: str) -> ResponseSpec:
    return ResponseSpec(shape, description=description, generate_examples=False)


def feed_operator_routes(feed: Feed, subscribers: Subscribers) -> type[Controller]:
    """Return the routes; the application's dependencies must have `principal`."""
    return over(_Routes, feed=feed, subscribers=subscribers)


class _Routes(Controller):
    tags = ("operators: registry",)
    request_max_body_size = MAX_BODY_BYTES
    feed: Feed
    subscribers: Subscribers

    @get(
        OPERATORS_CHANGES,
        name="list_registry_changes",
        needs=everything(Permission.READ),
        summary="What changed in the registry, and who changed it",
        description=DESCRIPTION,
        responses={200: PAGE},
    )
    async def changes(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read everything
        request: Request[Any, Any, Any],
        since: FromQuery[int] = 0,
        limit: FromQuery[int] = DEFAULT_PAGE,
        kind: FromQuery[str] = "",
        authority: FromQuery[str] = "",
        entity: FromQuery[str] = "",
    ) -> Answer:
        wanted = wanted_of(request, since, limit, kind, authority, entity)
        return answer_of(await self.feed.page(wanted, for_operators=True))

    @get(
        SUBSCRIBERS,
        name="list_registry_subscribers",
        needs=everything(Permission.READ),
        summary="Who is told of changes, and how far each is",
        responses={200: _described(SubscriberPage, "All subscribers.")},
    )
    async def list_subscribers(
        self,
        principal: Acting,  # noqa: ARG002 - whoever may read everything
    ) -> Answer:
        return answer_of(await self.subscribers.page())

    @post(
        SUBSCRIBERS,
        name="add_registry_subscriber",
        needs=ADMINISTERS,
        summary="Tell somebody of changes",
        description="Each change is a Security Event Token (RFC 8417), posted to `url` (RFC 8935) until it answers"
        " 202: in order, at least once. `url` is https on a public host, `audience` the `aud` of the tokens,"
        " `since` the position after which changes are told; without it from now on."
        f" Up to {MAX_SUBSCRIBERS} subscribers.",
        responses={201: _described(SubscriberView, "The subscriber.")},
        operation_class=reads(
            {
                "id": "wallets",
                "url": "https://receiver.example/events",
                "audience": "https://receiver.example",
                "filters": {"authority": "education"},
                "since": 0,
            }
        ),
    )
    async def add_subscriber(self, principal: Acting, request: Request[Any, Any, Any]) -> Answer:
        wanted = await body_of(request, CreateSubscriber)
        view = await self.subscribers.add(principal, wanted, idempotency_key=key_of(request))
        return answer_of(view, 201)

    @delete(
        _SUBSCRIBER,
        name="remove_registry_subscriber",
        status_code=200,
        needs=ADMINISTERS,
        summary="Tell somebody nothing any more",
        responses={200: _described(SubscriberView, "The subscriber, as it was.")},
    )
    async def remove_subscriber(
        self, principal: Acting, subscriber_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        await require_no_body(request)
        key = key_of(request)
        return answer_of(await self.subscribers.remove(principal, subscriber_id, idempotency_key=key))

    @post(
        f"{_SUBSCRIBER}/replay",
        name="replay_registry_changes",
        status_code=200,
        needs=ADMINISTERS,
        summary="Tell somebody everything after a position again",
        description="Repeats have the `jti` that they had. A position ahead leaves out what lies before it.",
        responses={200: _described(SubscriberView, "The subscriber.")},
        operation_class=reads({"from": 0}),
    )
    async def replay(
        self, principal: Acting, subscriber_id: FromPath[str], request: Request[Any, Any, Any]
    ) -> Answer:
        wanted, key = await body_of(request, Replay), key_of(request)
        return answer_of(await self.subscribers.replay(principal, subscriber_id, wanted, idempotency_key=key))
