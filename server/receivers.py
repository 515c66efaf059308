"""
Security Event Tokens on their way to subscribers (RFC 8935), through the guard as to any stranger.

A subscriber's URL is input of an operator: https to a public host, no redirect, no credential of ours.
"""

from typing import Annotated

import msgspec

from registry.feed.deliveries import NotTaken
from registry.feed.store import Subscriber
from registry.feed.tokens import MEDIA_TYPE
from resolver.outbound.asker import asking_for
from resolver.outbound.errors import FetchError
from resolver.outbound.fetch import Guard, plan_for_url
from resolver.results import Fetched, FetchPlan
from wire import JsonError, decode

MAX_ANSWER_BYTES = 65_536  # 64 KiB; an error has two short members
MAX_SAID_CHARS = 300  # characters of what a subscriber says
TAKEN = 202  # RFC 8935, section 2.2: no other status says that it was taken


class _Error(msgspec.Struct, frozen=True):
    """RFC 8935, section 2.3."""

    err: Annotated[str, msgspec.Meta(max_length=100)]
    description: str = ""


class Receivers:
    """Where tokens are sent; each subscriber takes turns as a client of its own."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def post(self, subscriber: Subscriber, token: bytes) -> None:
        """
        Send a token; it was taken when this returns.

        Raises:
            NotTaken: it was not, or nobody knows.
        """
        try:
            with asking_for(f"subscriber:{subscriber.number}"):
                answer = await self._guard.post_stranger(
                    receiver_of(subscriber.url), token, {"content-type": MEDIA_TYPE}
                )
        except FetchError as error:
            raise NotTaken(str(error)) from None
        if answer.status != TAKEN:
            raise NotTaken(f"it answered {answer.status}{_said(answer)}")


def receiver_of(url: str) -> FetchPlan:
    """
    Return where tokens for a URL are sent.

    Raises:
        UrlRefused: it is not https, or not on a host that could be public.
    """
    return plan_for_url(url, accept="application/json", max_bytes=MAX_ANSWER_BYTES)


def _said(answer: Fetched) -> str:
    """Return what a subscriber says is wrong, as far as it can be shown."""
    try:
        error = decode(answer.body, _Error, max_bytes=MAX_ANSWER_BYTES)
    except JsonError:
        return ""
    said = f": {error.err}: {error.description}" if error.description else f": {error.err}"
    return "".join(char if char.isprintable() else "?" for char in said[:MAX_SAID_CHARS])
