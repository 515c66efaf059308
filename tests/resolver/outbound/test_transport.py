"""Connections that are kept: who may use one again, for how long, and what a request on one costs."""

import asyncio

import pytest

from resolver.outbound.errors import (
    AddressRefused,
    FetchError,
    OriginMalformed,
    OriginTimedOut,
    OutboundBudgetExceeded,
)
from resolver.outbound.fetch import Guard, GuardLimits
from resolver.outbound.request import Place, request_of
from resolver.outbound.transport import IDLE_SECONDS, LIFETIME_SECONDS, MAX_IDLE
from resolver.results import FetchPlan
from tests.simulator import Request, World, canned, drip_body, raw

pytestmark = pytest.mark.anyio

PATH = "/.well-known/did.json"
OPEN = GuardLimits(
    host_burst=1_000, site_burst=1_000, burst=1_000, host_rate_per_second=1_000, site_rate_per_second=1_000
)
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Both event loops: the library runs on the one, the server on the other."""
    return ("asyncio", {"use_uvloop": request.param})


def plan(host: str = "issuer.example", port: int = 443) -> FetchPlan:
    return FetchPlan(host=host, port=port, path=PATH, accept="*/*", max_bytes=1_000)


async def statuses(guard: Guard, *plans: FetchPlan) -> list[int]:
    return [(await guard.fetch_stranger(each)).status for each in plans]


async def test_a_connection_serves_the_next_requests_of_its_host() -> None:
    async with World() as world, world.guard(OPEN) as guard:
        world.host("issuer.example").answer(PATH, canned(b"{}"))

        assert await statuses(guard, plan(), plan(), plan()) == [200, 200, 200]

        assert (len(world.resolutions), len(world.dials), len(world.requests)) == (1, 1, 3)


async def test_another_host_at_the_same_address_and_another_port_get_a_connection_of_their_own() -> None:
    async with World() as world, world.guard(OPEN) as guard:
        host = world.host("a.wild.example", certificate_for="*.wild.example")
        host.answer(PATH, canned(b"{}"))
        world.name("b.wild.example", [host.address])

        await statuses(guard, plan("a.wild.example"), plan("b.wild.example"), plan("a.wild.example", 8443))

        assert len(world.dials) == 3
        assert [request.headers["host"] for request in world.requests] == [
            "a.wild.example",
            "b.wild.example",
            "a.wild.example:8443",
        ]


@pytest.mark.parametrize(
    ("seconds", "dials"),
    [
        ([0.0, IDLE_SECONDS - 1], 1),
        ([0.0, IDLE_SECONDS], 2),
        ([0.0, 20.0, 40.0, LIFETIME_SECONDS - 1], 1),
        ([0.0, 20.0, 40.0, LIFETIME_SECONDS], 2),
    ],
    ids=["not idle long", "idle too long", "in use, not old", "old"],
)
async def test_a_connection_that_is_idle_or_old_is_dialled_anew_after_a_new_check(
    seconds: list[float], dials: int
) -> None:
    now = [0.0]
    async with World() as world, world.guard(OPEN, clock=lambda: now[0]) as guard:
        world.host("issuer.example").answer(PATH, canned(b"{}"))
        for second in seconds:
            now[0] = second
            await guard.fetch_stranger(plan())

        assert (len(world.resolutions), len(world.dials)) == (dials, dials)


async def test_a_name_that_turned_private_is_refused_as_soon_as_its_connection_is_old() -> None:
    now = [0.0]
    async with World() as world, world.guard(OPEN, clock=lambda: now[0]) as guard:
        host = world.host("issuer.example")
        host.answer(PATH, canned(b"{}"))
        world.name("issuer.example", [host.address], ["169.254.169.254"])

        await statuses(guard, plan(), plan())
        now[0] = LIFETIME_SECONDS
        with pytest.raises(AddressRefused):
            await guard.fetch_stranger(plan())

        assert {address for address, _ in world.dials} == {host.address}


async def test_a_kept_connection_that_the_origin_closed_costs_one_new_one_and_no_error() -> None:
    async def answer_once_then_close(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(ANSWER)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.close()

    async with World() as world, world.guard(OPEN) as guard:
        world.host("issuer.example").answer(PATH, answer_once_then_close)
        await guard.fetch_stranger(plan())
        await asyncio.sleep(0.15)

        assert await statuses(guard, plan()) == [200]

        assert (len(world.dials), len(world.requests)) == (2, 2)


async def test_a_request_that_meets_the_end_of_its_connection_is_sent_again_once() -> None:
    closes = [False, True, True]  # The first connection ends at its second request, the second at its first.

    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        if closes.pop(0):
            writer.transport.abort()
        else:
            await canned(b"{}")(request, writer)

    async with World() as world, world.guard(OPEN) as guard:
        world.host("issuer.example").answer(PATH, script)
        await guard.fetch_stranger(plan())

        with pytest.raises(FetchError):
            await guard.fetch_stranger(plan())

        assert (len(world.dials), len(world.requests)) == (2, 3)


async def test_a_request_is_not_sent_again_once_an_answer_has_begun() -> None:
    async with World() as world, world.guard(OPEN) as guard:
        host = world.host("issuer.example")
        host.answer(PATH, canned(b"{}"))
        await guard.fetch_stranger(plan())
        host.answer(PATH, raw(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{"))

        with pytest.raises(OriginMalformed):
            await guard.fetch_stranger(plan())

        assert (len(world.dials), len(world.requests)) == (1, 2)


@pytest.mark.parametrize(
    "answer", [ANSWER + ANSWER, ANSWER + b"H", ANSWER.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")]
)
async def test_a_connection_with_more_than_one_answer_on_it_is_not_used_again(answer: bytes) -> None:
    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    async with World() as world, world.guard(OPEN) as guard:
        world.host("issuer.example").answer(PATH, script)

        await statuses(guard, plan(), plan())

        assert len(world.dials) == 2


async def test_bytes_that_come_unasked_are_no_answer_to_the_next_request() -> None:
    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(ANSWER)
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(ANSWER.replace(b"{}", b"[]"))

    async with World() as world, world.guard(OPEN) as guard:
        world.host("issuer.example").answer(PATH, script)
        await guard.fetch_stranger(plan())
        await asyncio.sleep(0.15)

        fetched = await guard.fetch_stranger(plan())

        assert fetched.body == b"{}"
        assert len(world.dials) == 2


async def test_a_connection_whose_request_was_given_up_is_not_used_again() -> None:
    async with World() as world, world.guard(GuardLimits(total_seconds=0.2, host_burst=9)) as guard:
        host = world.host("issuer.example")
        host.answer(PATH, canned(b"{}"))
        await guard.fetch_stranger(plan())
        host.answer(PATH, drip_body(0.05))
        with pytest.raises(OriginTimedOut):
            await guard.fetch_stranger(plan())
        host.answer(PATH, canned(b"[]"))

        fetched = await guard.fetch_stranger(plan())

        assert fetched.body == b"[]"
        assert len(world.dials) == 2


async def test_no_more_connections_are_kept_than_the_bound() -> None:
    hosts = [f"h{number}.wild.example" for number in range(MAX_IDLE + 6)]
    async with World() as world, world.guard(OPEN) as guard:
        shared = world.host("issuer.example", certificate_for="*.wild.example")
        shared.answer(PATH, canned(b"{}"))
        for host in hosts:
            world.name(host, [shared.address])

        await statuses(guard, *map(plan, hosts), *map(plan, reversed(hosts)))

        assert len(world.dials) == len(hosts) + 6


async def test_a_request_on_a_kept_connection_takes_from_the_budget_of_its_network_too() -> None:
    async with World() as world, world.guard(GuardLimits(site_burst=2), clock=lambda: 0.0) as guard:
        world.host("issuer.example").answer(PATH, canned(b"{}"))

        await statuses(guard, plan(), plan())
        with pytest.raises(OutboundBudgetExceeded):
            await guard.fetch_stranger(plan())

        assert len(world.requests) == 2


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/a b", {}),
        ("/a\r\nHost: evil.example", {}),
        ("/ä", {}),
        ("a", {}),
        ("", {}),
        ("/a", {"if-none-match": '"1"\r\nx: y'}),
        ("/a", {"if-none-match": '"1"\n'}),
        ("/a", {"a b": "c"}),
        ("/a", {"a": "ä"}),
    ],
)
def test_what_would_be_another_request_on_the_wire_is_not_sent(target: str, headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="character"):
        request_of(Place(True, "issuer.example", 443), target, headers)


def test_a_body_follows_the_head_of_a_post() -> None:
    sent = request_of(Place(False, "collector.example", 80), "/a", {"x": "y"}, b"{}\n")

    assert sent == b"POST /a HTTP/1.1\r\nHost: collector.example\r\nx: y\r\nContent-Length: 3\r\n\r\n{}\n"
