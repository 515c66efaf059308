"""
Subscribers on the wire, as operators register and see them. Pure.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from registry.feed.changes import MAX_POSITION, Filter
from registry.feed.store import Subscriber
from wire import format_utc

MAX_URL_CHARS = 2_048  # characters, as of any URL that we are told
Position = Annotated[int, Meta(ge=0, le=MAX_POSITION)]
_Audience = Annotated[str, Meta(min_length=1, max_length=512, pattern=r"^[\x21-\x7E]+$(?!\n)")]


class CreateSubscriber(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    Whom to tell of changes.

    `url`: https, on a public host; `audience`: the `aud` of the tokens; `since`: the position after which it is
    told everything; absent: from now on.
    """

    id: str
    url: Annotated[str, Meta(max_length=MAX_URL_CHARS)]
    audience: _Audience
    filters: Filter = Filter()
    since: Position | None = None


class Replay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`from`: everything after this position is told again, or what lies before it is not told any more."""

    from_: Position = msgspec.field(name="from")


class SubscriberView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    A subscriber, and how far it is: `position` is of what it took last, and `waiting` changes lie beyond it,
    whatever of them it wants. `failures` in a row since then; the last one is told by `last_error`, and tried again
    at `next_try_at`.
    """

    id: str
    url: str
    audience: str
    filters: Filter
    position: int
    waiting: int
    failures: int
    created_at: str
    delivered_at: str | None = None
    tried_at: str | None = None
    next_try_at: str | None = None
    last_error: str | None = None


class SubscriberPage(msgspec.Struct, frozen=True):
    """All subscribers, in the order of their ids."""

    subscribers: tuple[SubscriberView, ...]


def subscriber_view(subscriber: Subscriber, last: int) -> SubscriberView:
    """Return a subscriber as operators see it; `last` is the position of the last change."""
    return SubscriberView(
        id=subscriber.id,
        url=subscriber.url,
        audience=subscriber.audience,
        filters=subscriber.filters,
        position=subscriber.position,
        waiting=max(0, last - subscriber.position),
        failures=subscriber.failures,
        created_at=format_utc(subscriber.created_at),
        delivered_at=_time(subscriber.delivered_at),
        tried_at=_time(subscriber.tried_at),
        next_try_at=_time(subscriber.next_try_at),
        last_error=subscriber.last_error,
    )


def _time(at: int | None) -> str | None:
    return None if at is None else format_utc(at)
