"""Administrators of everything say who is told of changes, and where; each such act is audited, and done once."""

from typing import Any

import pytest

from operators import Role
from registry.feed.changes import Filter
from registry.feed.subscribers import MAX_SUBSCRIBERS
from registry.feed.views import CreateSubscriber, Replay
from resolver.outbound.errors import UrlRefused
from tests.actors import ADA, ROOT, acting
from tests.databases import Place
from tests.registry.feed.feeding import Feeding
from wire import BadRequest, Conflict, Forbidden, ResourceNotFound

pytestmark = pytest.mark.anyio

OF_ACME = acting("acme", Role.ADMINISTRATOR, issuer_id="acme")


def wanted(name: str = "wallets", **changes: Any) -> CreateSubscriber:
    values = {"id": name, "url": "https://wallets.example/events", "audience": "https://wallets.example"}
    return CreateSubscriber(**(values | changes))


async def test_a_subscriber_is_added_listed_moved_and_removed_and_each_is_audited(
    place: Place, feeding: Feeding
) -> None:
    await feeding.entities(1, 2)
    added = await feeding.subscribers.add(ROOT, wanted(filters=Filter(authority="edu"), since=1))
    listed = await feeding.subscribers.page()
    moved = await feeding.subscribers.replay(ROOT, "wallets", Replay(from_=0))
    removed = await feeding.subscribers.remove(ROOT, "wallets")
    rows = place.query(
        "SELECT actor, action, subject FROM audit WHERE action LIKE 'subscriber.%' ORDER BY id"
    )

    assert listed.subscribers == (added,)
    assert (added.position, added.waiting, added.filters) == (1, 1, Filter(authority="edu"))
    assert moved.position == 0
    assert removed == moved
    assert (await feeding.subscribers.page()).subscribers == ()
    assert [tuple(row) for row in rows] == [
        ("root", "subscriber.add", "wallets"),
        ("root", "subscriber.replay", "wallets"),
        ("root", "subscriber.remove", "wallets"),
    ]


async def test_what_is_asked_twice_with_one_key_is_done_once(place: Place, feeding: Feeding) -> None:
    await feeding.entities(1)
    first = await feeding.subscribers.add(ROOT, wanted(), idempotency_key="a")
    again = await feeding.subscribers.add(ROOT, wanted(), idempotency_key="a")
    await feeding.subscribers.remove(ROOT, "wallets", idempotency_key="b")
    await feeding.subscribers.remove(ROOT, "wallets", idempotency_key="b")

    assert first == again
    assert place.query("SELECT COUNT(*) FROM registry_subscribers") == [(0,)]


@pytest.mark.parametrize(
    "url",
    [
        "http://wallets.example/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://wallets.example:22/",
        "https://user@wallets.example/",
        "https://wallets.example/#a",
        "https://wallets.example/a/../b",
        "https://wallets.internal\r\nx/",
        "ftp://wallets.example/",
    ],
)
async def test_a_url_that_nothing_is_sent_to_is_refused(feeding: Feeding, url: str) -> None:
    with pytest.raises(UrlRefused):
        await feeding.subscribers.add(ROOT, wanted(url=url))

    assert (await feeding.subscribers.page()).subscribers == ()


async def test_an_id_is_taken_once_and_there_are_so_many_at_most(feeding: Feeding) -> None:
    for number in range(MAX_SUBSCRIBERS):
        await feeding.subscribers.add(ROOT, wanted(f"s{number}"))
    for name, told in (("s0", "already"), ("more", "remove one first")):
        with pytest.raises(Conflict, match=told):
            await feeding.subscribers.add(ROOT, wanted(name))
    with pytest.raises(BadRequest):
        await feeding.subscribers.add(ROOT, wanted("Not an id"))


async def test_a_position_that_is_not_there_yet_is_refused(feeding: Feeding) -> None:
    await feeding.entities(1)
    with pytest.raises(BadRequest, match="position 1"):
        await feeding.subscribers.add(ROOT, wanted(since=2))
    await feeding.subscribers.add(ROOT, wanted())
    with pytest.raises(BadRequest, match="position 1"):
        await feeding.subscribers.replay(ROOT, "wallets", Replay(from_=2))


async def test_who_is_not_there_can_neither_be_moved_nor_removed(feeding: Feeding) -> None:
    with pytest.raises(ResourceNotFound):
        await feeding.subscribers.replay(ROOT, "nobody", Replay(from_=0))
    with pytest.raises(ResourceNotFound):
        await feeding.subscribers.remove(ROOT, "x" * 10_000)


@pytest.mark.parametrize("who", [ADA, OF_ACME], ids=["an editor", "an administrator of one issuer"])
async def test_others_change_nothing(feeding: Feeding, who: Any) -> None:
    with pytest.raises((Forbidden, ResourceNotFound)):
        await feeding.subscribers.add(who, wanted())
    await feeding.subscribers.add(ROOT, wanted())
    with pytest.raises((Forbidden, ResourceNotFound)):
        await feeding.subscribers.replay(who, "wallets", Replay(from_=0))
    with pytest.raises((Forbidden, ResourceNotFound)):
        await feeding.subscribers.remove(who, "wallets")

    assert len((await feeding.subscribers.page()).subscribers) == 1


async def test_who_is_added_again_under_its_id_is_told_what_it_wants_now(feeding: Feeding) -> None:
    await feeding.entities(1)
    await feeding.subscribe("wallets")
    await feeding.push()
    await feeding.subscribers.remove(ROOT, "wallets")
    await feeding.subscribers.add(ROOT, wanted(since=0))
    await feeding.push()
    first, again = feeding.received["wallets"]

    assert first.id == again.id
