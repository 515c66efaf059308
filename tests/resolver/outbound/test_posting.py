"""The guard posts to a stranger by the same steps as it fetches: nothing is sent where one of them refuses."""

import pytest

from resolver.outbound.errors import AddressRefused, OriginTimedOut, OriginTooLarge, OriginUntrusted
from resolver.outbound.fetch import GuardLimits, plan_for_url
from resolver.results import FetchPlan
from tests.simulator import World, canned, drip_head, endless_body, raw

pytestmark = pytest.mark.anyio

URL = "https://receiver.example/events?of=ours"
HEADERS = {"content-type": "application/secevent+jwt"}


def plan(max_bytes: int = 1_000) -> FetchPlan:
    return plan_for_url(URL, accept="application/json", max_bytes=max_bytes)


async def test_a_body_is_posted_with_its_length_and_headers() -> None:
    async with World() as world, world.guard(contact="https://t.example") as guard:
        world.host("receiver.example").answer("/events?of=ours", canned(b"taken", 202))

        fetched = await guard.post_stranger(plan(), b"a.b.c", HEADERS)
        await guard.post_stranger(plan(), b"d.e.f", HEADERS)

        assert (fetched.status, fetched.body) == (202, b"taken")
        assert [(each.method, each.body) for each in world.requests] == [
            ("POST", b"a.b.c"),
            ("POST", b"d.e.f"),
        ]
        assert dict(world.requests[0].headers) == {
            "host": "receiver.example",
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": "touchstone-vc (+https://t.example)",
            "content-type": "application/secevent+jwt",
            "content-length": "5",
        }
        assert len(world.dials) == 1
        assert guard.outcomes == {"ok": 2}


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1"])
async def test_nothing_is_posted_to_an_address_that_is_not_public(address: str) -> None:
    async with World() as world, world.guard() as guard:
        world.host("receiver.example").answer("/events?of=ours", canned(b"", 202))
        world.name("receiver.example", [address])

        with pytest.raises(AddressRefused):
            await guard.post_stranger(plan(), b"a.b.c", HEADERS)

        assert world.dials == []
        assert guard.outcomes == {"address_refused": 1}


async def test_nothing_is_posted_to_a_host_that_is_not_the_one_named() -> None:
    async with World() as world, world.guard() as guard:
        world.host("receiver.example", certificate_for="other.example")

        with pytest.raises(OriginUntrusted):
            await guard.post_stranger(plan(), b"a.b.c", HEADERS)

        assert world.requests == []


async def test_a_redirect_of_a_post_is_handed_back_and_not_followed() -> None:
    async with World() as world, world.guard() as guard:
        world.host("receiver.example").answer(
            "/events?of=ours", canned(b"", 307, location="https://other.example/")
        )
        world.host("other.example")

        fetched = await guard.post_stranger(plan(), b"a.b.c", HEADERS)

        assert fetched.status == 307
        assert [each.host for each in world.requests] == ["receiver.example"]


async def test_an_answer_has_the_limits_of_any_other() -> None:
    async with World() as world, world.guard(GuardLimits(total_seconds=0.3)) as guard:
        host = world.host("receiver.example")
        host.answer("/events?of=ours", endless_body())
        with pytest.raises(OriginTooLarge):
            await guard.post_stranger(plan(), b"a.b.c", HEADERS)
        host.answer("/events?of=ours", drip_head(0.05))
        with pytest.raises(OriginTimedOut):
            await guard.post_stranger(plan(), b"a.b.c", HEADERS)

        assert dict(guard.outcomes) == {"origin_too_large": 1, "origin_timed_out": 1}


async def test_a_post_on_a_kept_connection_that_ends_without_an_answer_is_sent_again() -> None:
    async with World() as world, world.guard() as guard:
        host = world.host("receiver.example")
        host.answer("/events?of=ours", canned(b"", 202))
        await guard.post_stranger(plan(), b"first", HEADERS)
        host.answer("/events?of=ours", raw())
        with pytest.raises(Exception, match="without an answer"):
            await guard.post_stranger(plan(), b"second", HEADERS)

        assert [each.body for each in world.requests] == [b"first", b"second", b"second"]


async def test_a_header_that_would_be_another_request_is_refused() -> None:
    async with World() as world, world.guard() as guard:
        world.host("receiver.example")

        with pytest.raises(ValueError, match="header"):
            await guard.post_stranger(plan(), b"", {"x": "a\r\nb: c"})

        assert world.requests == []
