"""The guard: each step refuses by itself, and leaves the side effects that it must leave, and no more."""

import asyncio
import ssl
import time

import pytest

from resolver.outbound.errors import (
    AddressRefused,
    NameNotFound,
    OriginMalformed,
    OriginTimedOut,
    OriginTooLarge,
    OriginUnreachable,
    OriginUntrusted,
    OutboundBudgetExceeded,
)
from resolver.outbound.fetch import GuardLimits
from resolver.outbound.trust import trust_of
from resolver.results import FetchPlan
from tests.simulator import Host, World, canned, drip_body, drip_head, endless_body, held, raw

pytestmark = pytest.mark.anyio

PATH = "/.well-known/did.json"


def plan(host: str = "issuer.example", *, port: int = 443, max_bytes: int = 1_000) -> FetchPlan:
    return FetchPlan(host=host, port=port, path=PATH, accept="application/did", max_bytes=max_bytes)


def issuer(world: World, script: object = None) -> Host:
    host = world.host("issuer.example")
    host.answer(PATH, script or canned(b"{}"))  # type: ignore[arg-type]
    return host


async def test_a_document_is_fetched_with_one_lookup_one_dial_and_one_request() -> None:
    async with World() as world, world.guard() as guard:
        host = issuer(world, canned(b'{"a":1}', etag='"v1"'))

        fetched = await guard.fetch_stranger(plan())

        assert (fetched.status, fetched.body, fetched.headers["etag"]) == (200, b'{"a":1}', '"v1"')
        assert world.resolutions == [("issuer.example", 443)]
        assert world.dials == [(host.address, 443)]
        assert [(request.method, request.target) for request in world.requests] == [("GET", PATH)]
        assert guard.outcomes == {"ok": 1}


async def test_the_request_carries_what_the_plan_asks_and_nothing_of_ours() -> None:
    async with World() as world, world.guard(contact="https://t.example/about") as guard:
        issuer(world)

        await guard.fetch_stranger(plan(port=8443), {"if-none-match": '"v1"'})

        assert dict(world.requests[0].headers) == {
            "host": "issuer.example:8443",
            "accept": "application/did",
            "accept-encoding": "identity",
            "user-agent": "touchstone-vc (+https://t.example/about)",
            "if-none-match": '"v1"',
        }


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"],
        ["93.184.0.1", "10.0.0.1"],
        ["2606:4700::1", "::1"],
        ["169.254.169.254"],
        ["64:ff9b::7f00:1"],
    ],
)
async def test_one_address_that_is_not_public_refuses_the_name_before_any_dial(answers: list[str]) -> None:
    async with World() as world, world.guard() as guard:
        issuer(world)
        world.name("issuer.example", answers)

        with pytest.raises(AddressRefused) as refused:
            await guard.fetch_stranger(plan())

        assert world.dials == []
        assert not any(answer in str(refused.value) for answer in answers)


async def test_more_addresses_than_are_checked_refuse_the_name() -> None:
    async with World() as world, world.guard() as guard:
        world.name("issuer.example", [f"93.184.0.{number}" for number in range(17)])

        with pytest.raises(AddressRefused):
            await guard.fetch_stranger(plan())

        assert world.dials == []


async def test_a_rebinding_name_is_dialled_at_the_address_that_was_checked() -> None:
    now = [0.0]
    async with World() as world, world.guard(clock=lambda: now[0]) as guard:
        host = issuer(world)
        world.name("issuer.example", [host.address], ["127.0.0.1"])

        await guard.fetch_stranger(plan())
        await guard.fetch_stranger(plan())
        now[0] = 60.0
        with pytest.raises(AddressRefused):
            await guard.fetch_stranger(plan())

        assert world.dials == [(host.address, 443)]
        assert len(world.resolutions) == 2


async def test_the_other_family_is_dialled_where_the_first_address_does_not_answer() -> None:
    async with World() as world, world.guard() as guard:
        host = issuer(world)
        world.name("issuer.example", ["2606:4700::1", "2606:4700::2", host.address])

        await guard.fetch_stranger(plan())

        assert world.dials == [("2606:4700::1", 443), (host.address, 443)]


@pytest.mark.parametrize(("answers", "error"), [([], NameNotFound), ([[]], OriginUnreachable)])
async def test_a_name_that_does_not_exist_is_told_from_one_without_addresses(
    answers: list[list[str]], error: type[Exception]
) -> None:
    async with World() as world, world.guard() as guard:
        world.name("nowhere.example", *answers)
        with pytest.raises(error):
            await guard.fetch_stranger(plan("nowhere.example"))

        assert world.dials == []


async def test_a_name_lookup_ends_within_its_own_deadline() -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    async with World() as world, world.guard(GuardLimits(name_seconds=0.05), resolve_name=never) as guard:
        with pytest.raises(OriginTimedOut, match="name"):
            await guard.fetch_stranger(plan())

        assert world.dials == []


async def test_a_dial_ends_within_its_own_deadline() -> None:
    async def never(address: str, port: int) -> object:
        await asyncio.sleep(60)
        return None

    async with World() as world, world.guard(GuardLimits(connect_seconds=0.05), dial=never) as guard:
        issuer(world)

        with pytest.raises(OriginTimedOut, match="connection"):
            await guard.fetch_stranger(plan())


async def test_proxies_in_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with World() as world, world.guard() as guard:
        host = issuer(world)

        await guard.fetch_stranger(plan())

        assert world.dials == [(host.address, 443)]


async def test_a_redirect_is_handed_back_and_not_followed() -> None:
    async with World() as world, world.guard() as guard:
        issuer(world, canned(b"", 302, location="https://169.254.169.254/latest"))

        fetched = await guard.fetch_stranger(plan())

        assert fetched.status == 302
        assert (len(world.resolutions), len(world.dials), len(world.requests)) == (1, 1, 1)


async def test_a_cookie_is_not_sent_back() -> None:
    async with World() as world, world.guard() as guard:
        issuer(world, canned(b"{}", set_cookie="id=1; Path=/"))

        await guard.fetch_stranger(plan())
        await guard.fetch_stranger(plan())

        assert "cookie" not in world.requests[1].headers


@pytest.mark.parametrize("script", [drip_head(0.05), drip_body(0.05)], ids=["head", "body"])
async def test_an_origin_that_drips_is_cut_off_at_the_total_deadline(script: object) -> None:
    async with World() as world, world.guard(GuardLimits(total_seconds=0.3)) as guard:
        issuer(world, script)
        began = time.monotonic()

        with pytest.raises(OriginTimedOut):
            await guard.fetch_stranger(plan(max_bytes=100_000))

        assert time.monotonic() - began < 1.0


async def test_a_body_of_exactly_the_cap_is_taken_and_one_byte_more_is_refused() -> None:
    async with World() as world, world.guard() as guard:
        issuer(world, canned(b"x" * 1_000))

        fetched = await guard.fetch_stranger(plan(max_bytes=1_000))
        with pytest.raises(OriginTooLarge):
            await guard.fetch_stranger(plan(max_bytes=999))

        assert len(fetched.body) == 1_000


async def test_a_body_without_a_length_may_have_no_more_than_the_cap() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    async with World() as world, world.guard() as guard:
        issuer(world, raw(head + b"3e8\r\n" + b"x" * 1_000 + b"\r\n0\r\n\r\n"))

        fetched = await guard.fetch_stranger(plan(max_bytes=1_000))
        with pytest.raises(OriginTooLarge):
            await guard.fetch_stranger(plan(max_bytes=999))

        assert len(fetched.body) == 1_000


async def test_an_endless_body_without_a_length_is_cut_off_at_the_cap() -> None:
    async with World() as world, world.guard() as guard:
        issuer(world, endless_body())

        with pytest.raises(OriginTooLarge):
            await guard.fetch_stranger(plan(max_bytes=50_000))


async def test_a_body_in_very_many_pieces_is_refused() -> None:
    chunks = b"1\r\nx\r\n" * 5_000
    async with World() as world, world.guard() as guard:
        issuer(world, raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks))

        with pytest.raises(OriginMalformed, match="pieces"):
            await guard.fetch_stranger(plan(max_bytes=100_000))


async def test_a_head_over_the_cap_is_refused() -> None:
    async with World() as world, world.guard() as guard:
        issuer(world, canned(b"{}", x_long="a" * 17_000))

        with pytest.raises(OriginMalformed, match="head"):
            await guard.fetch_stranger(plan())


async def test_endless_interim_answers_are_cut_off() -> None:
    async with World() as world, world.guard() as guard:
        issuer(world, raw(*([b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000] * 10)))

        with pytest.raises(OriginMalformed, match="interim"):
            await guard.fetch_stranger(plan())


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip"])
async def test_a_content_coding_is_refused_without_reading_the_body(coding: str) -> None:
    async with World() as world, world.guard() as guard:
        issuer(world, canned(b"\x1f\x8b", content_encoding=coding))

        with pytest.raises(OriginMalformed, match="coding"):
            await guard.fetch_stranger(plan())


@pytest.mark.parametrize(
    "parameters",
    [{"certificate_for": "other.example"}, {"trusted": False}],
    ids=["wrong name", "unknown authority"],
)
async def test_a_wrong_certificate_is_refused_before_any_request(parameters: dict[str, object]) -> None:
    async with World() as world, world.guard() as guard:
        world.host("issuer.example", **parameters)  # type: ignore[arg-type]

        with pytest.raises(OriginUntrusted):
            await guard.fetch_stranger(plan())

        assert world.requests == []


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{}"],
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n"],
        [b"not HTTP at all\r\n\r\n"],
        [b""],
    ],
    ids=["short of its length", "chunks cut off", "not HTTP", "nothing"],
)
async def test_an_answer_cut_short_is_malformed(pieces: list[bytes]) -> None:
    async with World() as world, world.guard() as guard:
        issuer(world, raw(*pieces))

        with pytest.raises(OriginMalformed):
            await guard.fetch_stranger(plan())


async def test_a_host_is_asked_at_its_pace_and_no_faster() -> None:
    now = [0.0]
    limits = GuardLimits(host_burst=2, host_rate_per_second=1.0, turn_seconds=0.1)
    async with World() as world, world.guard(limits, clock=lambda: now[0]) as guard:
        issuer(world)
        world.host("other.example").answer(PATH, canned(b"{}"))

        await guard.fetch_stranger(plan())
        await guard.fetch_stranger(plan())
        with pytest.raises(OutboundBudgetExceeded) as refused:
            await guard.fetch_stranger(plan())
        await guard.fetch_stranger(plan("other.example"))
        now[0] = 1.0
        await guard.fetch_stranger(plan())

        assert refused.value.headers == {"retry-after": "1"}
        assert len(world.requests) == 4


async def test_the_budget_of_all_hosts_is_not_spent_on_a_host_that_is_over_its_own() -> None:
    limits = GuardLimits(host_burst=1, burst=2, turn_seconds=0.01)
    async with World() as world, world.guard(limits, clock=lambda: 0.0) as guard:
        issuer(world)
        world.host("other.example").answer(PATH, canned(b"{}"))

        await guard.fetch_stranger(plan())
        for _ in range(5):
            with pytest.raises(OutboundBudgetExceeded):
                await guard.fetch_stranger(plan())
        await guard.fetch_stranger(plan("other.example"))
        with pytest.raises(OutboundBudgetExceeded):
            await guard.fetch_stranger(plan("third.example"))

        assert len(world.requests) == 2


async def test_the_connections_to_one_host_at_a_time_are_capped() -> None:
    async with World() as world, world.guard(GuardLimits(concurrent_per_host=2)) as guard:
        answer = asyncio.Event()
        issuer(world, held(answer, canned(b"{}")))

        fetches = [asyncio.create_task(guard.fetch_stranger(plan())) for _ in range(4)]
        while len(world.requests) < 2:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        dials_before = len(world.dials)
        answer.set()
        await asyncio.gather(*fetches)

        assert (dials_before, len(world.dials), len(world.requests)) == (2, 2, 4)


async def test_the_connections_to_all_hosts_together_are_capped() -> None:
    async with World() as world, world.guard(GuardLimits(concurrent=2)) as guard:
        answer = asyncio.Event()
        hosts = [f"host{number}.example" for number in range(5)]
        for name in hosts:
            world.host(name).answer(PATH, held(answer, canned(b"{}")))

        fetches = [asyncio.create_task(guard.fetch_stranger(plan(name))) for name in hosts]
        await asyncio.sleep(0.2)
        dials_before = len(world.dials)
        answer.set()
        await asyncio.gather(*fetches)

        assert (dials_before, len(world.dials)) == (2, 5)


async def test_waiting_for_a_slot_in_vain_is_a_limit_of_ours_and_not_of_the_origin() -> None:
    limits = GuardLimits(total_seconds=0.4, turn_seconds=0.1, concurrent_per_host=1)
    async with World() as world, world.guard(limits) as guard:
        issuer(world, drip_body(0.05))

        first = asyncio.create_task(guard.fetch_stranger(plan(max_bytes=100_000)))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(guard.fetch_stranger(plan(max_bytes=100_000)))
        errors = await asyncio.gather(first, second, return_exceptions=True)

        assert [type(error) for error in errors] == [OriginTimedOut, OutboundBudgetExceeded]


async def test_the_deadline_covers_the_wait_for_a_slot() -> None:
    limits = GuardLimits(total_seconds=1.0, turn_seconds=0.5, concurrent_per_host=1)
    async with World() as world, world.guard(limits) as guard:
        answer = asyncio.Event()
        issuer(world, held(answer, canned(b"{}")))
        loop = asyncio.get_running_loop()

        first = asyncio.create_task(guard.fetch_stranger(plan()))
        await asyncio.sleep(0)
        began = loop.time()
        second = asyncio.create_task(guard.fetch_stranger(plan()))
        await asyncio.sleep(0.45)
        answer.set()
        await first
        answer.clear()
        with pytest.raises(OriginTimedOut):
            await second

        assert loop.time() - began < 1.3


async def test_slow_hosts_of_one_site_leave_the_slots_of_others_alone() -> None:
    limits = GuardLimits(concurrent=8, concurrent_per_host=2, turn_seconds=0.1)
    async with World() as world, world.guard(limits) as guard:
        answer = asyncio.Event()
        names = [f"x{number}.slow.example" for number in range(9)]
        for name in names:
            world.host(name).answer(PATH, held(answer, canned(b"{}")))
        issuer(world)

        slow = [asyncio.create_task(guard.fetch_stranger(plan(name))) for name in names]
        await asyncio.sleep(0)
        await guard.fetch_stranger(plan())
        answer.set()
        outcomes = await asyncio.gather(*slow, return_exceptions=True)

        assert [type(outcome) for outcome in outcomes].count(OutboundBudgetExceeded) == 0
        assert guard.outcomes["ok"] == 10


async def test_by_default_the_checked_address_itself_is_dialled_over_tcp() -> None:
    async with World() as world, world.guard(dial=None) as guard:
        issuer(world)

        # The rule of these tests that only loopback may be reached is what stops it, and names the address.
        with pytest.raises(AssertionError, match=r"tried to reach 93\.184\.0\.1"):
            await guard.fetch_stranger(plan())


def test_by_default_certificates_and_names_are_verified_and_old_tls_is_refused() -> None:
    context = trust_of()

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
