"""
Subscribers, registered, listed, moved and removed by operators. Service.

Who is told of changes learns nothing that is not public; but we send requests to where an operator says, so that
only administrators of everything say it.
"""

from collections.abc import Callable

from operators import Principal
from operators.acting import act_once
from operators.grants import EVERYTHING, Permission, require
from operators.model import check_id
from operators.noting import note
from registry.feed import store
from registry.feed.views import (
    CreateSubscriber,
    Replay,
    SubscriberPage,
    SubscriberView,
    subscriber_view,
)
from storage import Database, Transaction
from wire import BadRequest, Conflict, ResourceNotFound

MAX_SUBSCRIBERS = 32  # each may have a request under way, and the guard has 64


class Subscribers:
    """
    Args:
        check_url: raises where we would send nothing to a URL.
        clock: seconds since 1970.
    """

    def __init__(
        self, database: Database, *, check_url: Callable[[str], object], clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._check_url = check_url
        self._clock = clock

    async def page(self) -> SubscriberPage:
        """Return all subscribers, and how far each is."""

        def read(tx: Transaction) -> SubscriberPage:
            last = store.last_position(tx)
            return SubscriberPage(tuple(subscriber_view(each, last) for each in store.subscribers(tx)))

        return await self._database.read(read)

    async def add(
        self, principal: Principal, wanted: CreateSubscriber, *, idempotency_key: str | None = None
    ) -> SubscriberView:
        """
        Tell somebody of changes from now on, or after a position.

        Raises:
            BadRequest: the id is none, or `since` lies beyond the last change.
            UrlRefused: the URL is not https, or not on a host that could be public.
            Conflict: there is a subscriber of this id, or there are too many.
        """
        require(principal, Permission.ADMINISTER, EVERYTHING)
        check_id(wanted.id)
        self._check_url(wanted.url)

        def add(tx: Transaction) -> SubscriberView:
            known = [each.id for each in store.subscribers(tx)]
            if wanted.id in known:
                raise Conflict(f"there is a subscriber {wanted.id} already; remove it first")
            if len(known) >= MAX_SUBSCRIBERS:
                raise Conflict(f"there are {MAX_SUBSCRIBERS} subscribers; remove one first")
            last = store.last_position(tx)
            since = last if wanted.since is None else _existing_position(wanted.since, last, "/since")
            store.add_subscriber(
                tx, wanted.id, wanted.url, wanted.audience, wanted.filters, since, self._now()
            )
            view = _view(tx, wanted.id)
            note(tx, principal, "subscriber.add", wanted.id, at=self._now(), after=view, position=since)
            return view

        return await self._once(principal, idempotency_key, ("add-subscriber", wanted), add)

    async def remove(
        self, principal: Principal, subscriber_id: str, *, idempotency_key: str | None = None
    ) -> SubscriberView:
        """
        Tell somebody nothing any more; return what was known of it.

        Raises:
            ResourceNotFound: there is no such subscriber.
        """
        require(principal, Permission.ADMINISTER, EVERYTHING)

        def remove(tx: Transaction) -> SubscriberView:
            found = _existing(tx, subscriber_id)
            view = subscriber_view(found, store.last_position(tx))
            store.remove_subscriber(tx, found.number)
            note(tx, principal, "subscriber.remove", subscriber_id, at=self._now(), before=view)
            return view

        return await self._once(principal, idempotency_key, ("remove-subscriber", subscriber_id), remove)

    async def replay(
        self, principal: Principal, subscriber_id: str, wanted: Replay, *, idempotency_key: str | None = None
    ) -> SubscriberView:
        """
        Tell somebody everything after a position: again, or, where it is ahead, without what it cannot take.

        Raises:
            ResourceNotFound: there is no such subscriber.
            BadRequest: the position lies beyond the last change.
        """
        require(principal, Permission.ADMINISTER, EVERYTHING)

        def replay(tx: Transaction) -> SubscriberView:
            found = _existing(tx, subscriber_id)
            _existing_position(wanted.from_, store.last_position(tx), "/from")
            store.move_to(tx, found.number, wanted.from_)
            moved = {"position_before": found.position, "position": wanted.from_}
            note(tx, principal, "subscriber.replay", subscriber_id, at=self._now(), **moved)
            return _view(tx, subscriber_id)

        return await self._once(principal, idempotency_key, ("replay", subscriber_id, wanted), replay)

    async def _once(
        self,
        principal: Principal,
        key: str | None,
        request: tuple[object, ...],
        work: Callable[[Transaction], SubscriberView],
    ) -> SubscriberView:
        return await act_once(self._database, principal, key, request, work, SubscriberView, at=self._now())

    def _now(self) -> int:
        return int(self._clock() * 1_000_000)


def _existing(tx: Transaction, subscriber_id: str) -> store.Subscriber:
    found = store.find_subscriber(tx, subscriber_id)
    if found is None:
        raise ResourceNotFound(f"there is no subscriber {subscriber_id[:63]!r}")
    return found


def _existing_position(position: int, last: int, pointer: str) -> int:
    """What comes next would not be told, if it lay beyond."""
    if position > last:
        raise BadRequest(f"the last change has the position {last}", pointer=pointer)
    return position


def _view(tx: Transaction, subscriber_id: str) -> SubscriberView:
    return subscriber_view(_existing(tx, subscriber_id), store.last_position(tx))
