"""Hostile origins behind the real guard: each ends within its deadline, with its error, for one request."""

import asyncio
import gzip
import time
import zlib
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from resolver import Resolver
from resolver.errors import InternalError, InvalidDidDocument, OriginFailed
from resolver.outbound.errors import (
    FetchError,
    OriginMalformed,
    OriginTimedOut,
    OriginTooLarge,
    OriginUnreachable,
    OriginUntrusted,
    OutboundBudgetExceeded,
)
from resolver.outbound.fetch import GuardLimits
from resolver.results import FetchPlan
from tests.simulator import Request, Script, World, canned, drip_body, drip_head, endless_body, held, raw

pytestmark = pytest.mark.anyio

DID = "did:web:issuer.example"
PATH = "/.well-known/did.json"
PLAN = FetchPlan(host="issuer.example", port=443, path=PATH, accept="*/*", max_bytes=262_144)
SECONDS = 0.5  # the total deadline here
SHORT = GuardLimits(total_seconds=SECONDS)
IMPATIENT = GuardLimits(turn_seconds=0.0)  # what has no token now is refused
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"transfer-encoding: chunked\r\n\r\n"
ZEROS = b"\0" * 10_000_000


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """Both event loops: the library runs on the one, the server on the other."""
    return ("asyncio", {"use_uvloop": request.param})


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def silent(*_: object) -> None:
    """Say nothing, and keep the connection open."""
    await asyncio.sleep(60)


def endless(first: bytes, more: bytes) -> Script:
    async def script(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while not writer.is_closing():
            writer.write(more)
            await writer.drain()
            await asyncio.sleep(0)  # Draining a connection that is gone does not let others run.

    return script


def never_closed(answer: bytes) -> Script:
    async def script(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await silent()

    return script


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (silent, OriginTimedOut),
        (drip_head(0.05), OriginTimedOut),
        (drip_body(0.05), OriginTimedOut),
        (never_closed(OK + b"content-length: 3\r\n\r\n{}"), OriginTimedOut),
        (never_closed(OK + b"\r\n{}"), OriginTimedOut),
        (raw(CHUNKED, *[b"1\r\n \r\n"] * 50, seconds_between=0.05), OriginTimedOut),
        (raw(*[b"HTTP/1.1 103 Early Hints\r\n\r\n"] * 8, seconds_between=0.2), OriginTimedOut),
        (raw(OK + b"content-length: 999999999\r\n\r\n"), OriginTooLarge),
        (endless_body(), OriginTooLarge),
        (endless(OK + b"\r\n", b" " * 16_384), OriginTooLarge),
        (endless(OK, b"x: y\r\n" * 1_000), OriginMalformed),
        (endless(OK + b"x: ", b"y" * 16_384), OriginMalformed),
        (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), OriginMalformed),
        (endless(CHUNKED + b"1", b";x=" + b"y" * 16_384), OriginTooLarge),
        (endless(CHUNKED + b"0\r\n", b"x: y\r\n" * 1_000), OriginMalformed),
        (endless(CHUNKED, b"1\r\n \r\n" * 1_000), OriginMalformed),
        (canned(gzip.compress(ZEROS), content_encoding="gzip"), OriginMalformed),
        (canned(zlib.compress(ZEROS), content_encoding="deflate"), OriginMalformed),
        (canned(b"\x21\x00\x00\x04", content_encoding="br"), OriginMalformed),
        (canned(b"(\xb5/\xfd", content_encoding="zstd"), OriginMalformed),
        (canned(b"{}", 200, content_encoding="x-unknown"), OriginMalformed),
        (raw(OK + b"transfer-encoding: gzip, chunked\r\n\r\n"), OriginMalformed),
        (raw(OK + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"), OriginMalformed),
        (raw(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"), OriginMalformed),
        (raw(b"\x00" * 100), OriginMalformed),
        (raw(OK + b"content-length: 10\r\n\r\n{}"), OriginMalformed),
        (raw(b""), OriginMalformed),
    ],
    ids=[
        "never answers", "drips its head", "drips its body", "is a byte short and stays", "never ends a body",
        "drips chunks", "drips interim answers", "says that it is huge", "endless chunks", "endless body",
        "endless headers", "endless header", "endless interim answers", "endless chunk extension",
        "endless trailer", "endless small chunks", "gzip bomb", "deflate bomb", "brotli", "zstd",
        "unknown coding", "coded in transfer", "two framings", "changes protocol", "not HTTP", "cut short",
        "closes",
    ],
)  # fmt: skip
async def test_an_origin_that_misbehaves_ends_within_the_deadline(
    script: Script, error: type[FetchError]
) -> None:
    async with World() as world, world.guard(SHORT) as guard:
        world.host("issuer.example").answer(PATH, script)
        began = time.monotonic()

        with pytest.raises(error):
            await guard.fetch_stranger(PLAN)

        assert time.monotonic() - began < SECONDS + 1.0
        assert (len(world.dials), len(world.requests)) == (1, 1)


async def _tls_garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x16\x03\x03\x00\x04" + b"\xff" * 4)
    await silent()


async def _plain_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK + b"content-length: 2\r\n\r\n{}")
    await silent()


async def _closes(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _drips_a_handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    for byte in b"\x16\x03\x03\x40\x00" + b"\x02" * 100:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("serve", "error"),
    [
        (silent, OriginTimedOut),
        (_drips_a_handshake, OriginTimedOut),
        (_tls_garbage, OriginUntrusted),
        (_plain_http, OriginUntrusted),
        (_closes, OriginUnreachable),
    ],
    ids=["silent", "drips", "garbage", "plain HTTP", "closes"],
)
async def test_an_origin_without_tls_ends_within_the_deadline(serve: Serve, error: type[FetchError]) -> None:
    async with World() as world:
        world.host("issuer.example")
        server = await world.started(serve, None)
        port = server.sockets[0].getsockname()[1]
        async with world.guard(SHORT, dial=lambda *_: world.loopback(port)) as guard:
            began = time.monotonic()

            with pytest.raises(error):
                await guard.fetch_stranger(PLAN)

            assert time.monotonic() - began < SECONDS + 1.0
            assert world.requests == []


async def test_an_origin_that_never_closes_is_left_with_its_answer() -> None:
    async with World() as world, world.guard(SHORT) as guard:
        world.host("issuer.example").answer(
            PATH, never_closed(OK + b"content-length: 2\r\nconnection: close\r\n\r\n{}")
        )
        began = time.monotonic()

        fetched = await guard.fetch_stranger(PLAN)

        assert fetched.body == b"{}"
        assert time.monotonic() - began < SECONDS


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
async def test_a_redirect_is_an_error_that_names_its_status_and_leads_nowhere(status: int) -> None:
    async with World() as world, world.guard() as guard, Resolver(fetcher=guard.fetch_stranger) as resolver:
        world.host("other.example").answer(PATH, canned(b"{}"))
        world.host("issuer.example").answer(
            PATH, canned(b"", status, location="https://other.example" + PATH)
        )

        with pytest.raises(InternalError) as failed:
            await resolver.resolve(DID)

        assert failed.value.members["originStatus"] == status
        assert [host for host, _ in world.resolutions] == ["issuer.example"]


async def test_a_document_that_hides_a_bomb_of_nesting_is_refused() -> None:
    async with World() as world, world.guard() as guard, Resolver(fetcher=guard.fetch_stranger) as resolver:
        world.host("issuer.example").answer(
            PATH, canned(b'{"id":' + b"[" * 100_000, content_type="application/json")
        )

        with pytest.raises(InvalidDidDocument):
            await resolver.resolve(DID)


@pytest.mark.parametrize("clients", [2_000, 10_000])
async def test_clients_that_ask_at_once_for_one_did_cost_its_origin_one_request(clients: int) -> None:
    answer = asyncio.Event()
    patient = GuardLimits(total_seconds=60, name_seconds=60, connect_seconds=60)
    async with (
        World() as world,
        world.guard(patient) as guard,
        Resolver(fetcher=guard.fetch_stranger) as resolver,
    ):
        issuer = world.host("issuer.example")
        issuer.answer(
            PATH, held(answer, canned(b'{"id":"did:web:issuer.example"}', content_type="application/json"))
        )
        waiting = [asyncio.create_task(resolver.resolve(DID)) for _ in range(clients)]
        while not world.requests:
            await asyncio.sleep(0.01)
        answer.set()

        resolved = await asyncio.gather(*waiting)

        assert len(resolved) == clients
        assert all(each.document == {"id": DID} for each in resolved)
        assert (len(world.resolutions), len(world.dials), len(world.requests)) == (1, 1, 1)


async def test_two_thousand_clients_that_wait_for_a_dripping_origin_cost_one_request() -> None:
    async with (
        World() as world,
        world.guard(GuardLimits(total_seconds=2.0)) as guard,
        Resolver(fetcher=guard.fetch_stranger) as resolver,
    ):
        world.host("issuer.example").answer(PATH, drip_body(0.1))
        began = time.monotonic()

        failed = await asyncio.gather(*(resolver.resolve(DID) for _ in range(2_000)), return_exceptions=True)

        assert {type(error) for error in failed} == {OriginFailed}
        assert {error.members["cause"] for error in failed if isinstance(error, OriginFailed)} == {
            "origin_timed_out"
        }
        assert (len(world.dials), len(world.requests)) == (1, 1)
        assert time.monotonic() - began < 5.0


async def test_ten_thousand_subdomains_of_one_victim_are_not_ten_thousand_requests() -> None:
    async with World() as world, world.guard(IMPATIENT, clock=lambda: 0.0) as guard:
        victim = world.host("victim.example", certificate_for="*.victim.example")
        victim.answer(PATH, canned(b"{}"))
        hosts = [f"x{number}.victim.example" for number in range(10_000)]
        for host in hosts:
            world.name(host, [victim.address])

        await _ask(world, guard.fetch_stranger, hosts)

        assert (len(world.resolutions), len(world.requests)) == (80, 80)


async def test_domains_of_an_attacker_that_lead_to_one_victim_share_the_budget_of_its_network() -> None:
    async with World() as world, world.guard(IMPATIENT, clock=lambda: 0.0) as guard:
        hosts = [f"a{number}.example" for number in range(100)]
        for number, host in enumerate(hosts):
            world.host(host, f"93.184.7.{number + 1}").answer(PATH, canned(b"{}"))

        await _ask(world, guard.fetch_stranger, hosts)

        assert (len(world.resolutions), len(world.dials), len(world.requests)) == (100, 80, 80)


async def test_a_victim_under_attack_takes_nothing_from_other_sites() -> None:
    async with World() as world, world.guard(IMPATIENT, clock=lambda: 0.0) as guard:
        world.name("x.victim.example", ["93.184.7.1"])
        world.host("issuer.example").answer(PATH, canned(b"{}"))
        await _ask(world, guard.fetch_stranger, ["x.victim.example"] * 1_000)

        fetched = await guard.fetch_stranger(PLAN)

        assert fetched.status == 200


async def _ask(world: World, fetch: Callable[..., Awaitable[object]], hosts: list[str]) -> None:
    for host in hosts:
        with suppress(OutboundBudgetExceeded, OriginUnreachable):
            await fetch(FetchPlan(host=host, port=443, path=PATH, accept="*/*", max_bytes=1_000))
