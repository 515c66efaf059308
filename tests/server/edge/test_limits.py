"""Who asks and how much they may: token buckets, proxies, forged headers."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from resolver import Resolver
from server.edge.callers import Caller, ClientAddresses
from server.edge.front import cost_of
from server.edge.identifiers import Identifiers
from server.edge.limits import Cost, TokenBuckets
from server.edge.request_head import RequestHead
from tests.clock import Clock
from tests.server.running import running_in

PROXIES = ClientAddresses(("10.0.0.0/8", "2001:db8:ffff::/48"))
PROXY = "10.0.0.1"


def test_a_bucket_holds_two_seconds_and_refills() -> None:
    clock = Clock(0.0)
    buckets = TokenBuckets(2.0, clock)
    taken = [buckets.take("a") for _ in range(5)]
    clock.now = 0.5

    assert taken == [0.0, 0.0, 0.0, 0.0, 0.5]
    assert (buckets.take("a"), buckets.take("b")) == (0.0, 0.0)
    assert buckets.take("a") == 0.5


def test_a_rate_below_one_allows_the_first_request() -> None:
    clock = Clock(0.0)
    buckets = TokenBuckets(0.1, clock)

    assert buckets.take("a") == 0.0
    assert buckets.take("a") == pytest.approx(10.0)


def test_a_client_that_rests_for_long_gains_no_more_than_a_burst() -> None:
    clock = Clock(0.0)
    buckets = TokenBuckets(1.0, clock)
    buckets.take("a")
    clock.now = 1e9

    assert [bool(buckets.take("a")) for _ in range(3)] == [False, False, True]


def test_tokens_are_taken_all_or_none() -> None:
    clock = Clock(0.0)
    buckets = TokenBuckets(2.0, clock)

    assert (buckets.take("a", 3), buckets.take("a", 2), buckets.take("a", 1)) == (0.0, 0.5, 0.0)
    assert buckets.take("new", 4) == 0.0
    assert buckets.take("new", 1) == 0.5


def test_what_costs_more_than_a_full_bucket_is_had_for_a_full_one_and_leaves_a_debt() -> None:
    clock = Clock(0.0)
    buckets = TokenBuckets(2.0, clock)
    buckets.take("a")
    early = buckets.take("a", 8)
    clock.now = 0.5

    assert (early, buckets.take("a", 8)) == (0.5, 0.0)
    assert buckets.take("a") == 2.5


def test_a_debt_is_waited_off() -> None:
    clock = Clock(0.0)
    buckets = TokenBuckets(1.0, clock)
    buckets.owe("a")
    buckets.owe("a", 5)
    clock.now = 4.0

    assert buckets.take("a") == 1.0
    clock.now = 5.0
    assert buckets.take("a") == 0.0


def test_the_clients_remembered_are_bounded() -> None:
    buckets = TokenBuckets(1.0, Clock(0.0), max_clients=2)
    for client in ("a", "a", "b", "c"):
        buckets.take(client)

    assert buckets.take("a") == 0.0


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ([b"203.0.113.7"], "203.0.113.7"),
        ([b"198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        ([b"198.51.100.1", b"203.0.113.7"], "203.0.113.7"),
        ([b"203.0.113.7, 10.0.0.9, 10.1.1.1"], "203.0.113.7"),
        ([b"10.0.0.9"], "10.0.0.9"),
        ([b"203.0.113.7, junk"], PROXY),
        ([b"203.0.113.7, junk, 10.0.0.9"], "10.0.0.9"),
        ([b"203.0.113.7,"], PROXY),
        ([b""], PROXY),
        ([b"\xff\xfe, 203.0.113.7\x00"], PROXY),
        ([b"203.0.113.7:8080"], "203.0.113.7"),
        ([b"[2001:db8::1]:8080, 10.0.0.9:1"], "2001:db8::/64"),
        ([b"[2001:db8::1]"], "2001:db8::/64"),
        ([b"203.0.113.7:123456"], PROXY),
        ([b"203.0.113.007"], PROXY),
        ([b"2001:db8::1"], "2001:db8::/64"),
        ([b"2001:db8::1, 2001:db8:ffff::1"], "2001:db8::/64"),
        ([b"fe80::1%eth0"], "fe80::/64"),
        ([b"::ffff:203.0.113.7"], "203.0.113.7"),
        ([b"::ffff:10.0.0.9"], "10.0.0.9"),
        ([b"198.51.100.1," * 1_000 + b"203.0.113.7"], "203.0.113.7"),
        ([b"203.0.113.7," + b"10.0.0.1," * 1_000 + b"10.0.0.2"], "203.0.113.7"),
        ([], PROXY),
    ],
)
def test_behind_a_proxy_the_client_is_the_right_most_stranger(forwarded: list[bytes], client: str) -> None:
    assert PROXIES.caller(PROXY, forwarded).account == client
    assert PROXIES.caller(f"::ffff:{PROXY}", forwarded).account == client


@pytest.mark.parametrize("peer", ["203.0.113.9", "2001:db8:1:2::9", "", "unix"])
def test_a_stranger_cannot_name_another_client(peer: str) -> None:
    alone = PROXIES.caller(peer, [])

    assert PROXIES.caller(peer, [b"198.51.100.1"]) == alone
    assert ClientAddresses(()).caller(peer, [b"198.51.100.1"]) == alone


def test_an_ipv6_client_is_its_64() -> None:
    neighbours = {PROXIES.caller(peer, []) for peer in ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9")}

    assert neighbours == {Caller("2001:db8:1:2::/64", "2001:db8:1:2::/64")}
    assert PROXIES.caller("2001:db8:1:3::1", []) not in neighbours


@pytest.mark.parametrize(
    ("method", "path", "cost"),
    [
        ("GET", b"/1.0/identifiers/did:web:a.example", Cost.OUTBOUND),
        ("HEAD", b"/1.0/identifiers/did%3Aweb%3Aa.example", Cost.OUTBOUND),
        ("POST", b"/1.0/identifiers/did:web:a.example", Cost.OUTBOUND),
        ("DELETE", b"/1.0/identifiers/did:web:a.example", Cost.CPU),
        ("GET", b"/1.0/identifiers/did:web:localhost%3A8000", Cost.CPU),
        ("GET", b"/1.0/identifiers/did:key:z6Mk", Cost.CPU),
        ("GET", b"/1.0/identifiers/did%3Ajwk%3Ae30", Cost.CPU),
        ("GET", b"/1.0/identifiers/did:keys:x", Cost.CPU),
        ("GET", b"/1.0/identifiers/did:web:127.0.0.1", Cost.CPU),
        ("POST", b"/status/check", Cost.CPU),
        ("GET", b"/status/check", Cost.CPU),
        ("POST", b"/trqp/authorization", Cost.CPU),
        ("OPTIONS", b"/status/check", Cost.HOT),
        ("GET", b"/status-lists/a", Cost.CPU),
        ("GET", b"/docs", Cost.CPU),
        ("HEAD", b"/openapi.json", Cost.CPU),
    ],
)
def test_a_request_costs_what_it_may_make_us_do(method: str, path: bytes, cost: Cost) -> None:
    identifiers = Identifiers(Resolver(own_hosts=frozenset({"localhost:8000"})))
    scope: Any = {"method": method, "raw_path": path, "query_string": b""}
    asked = identifiers.read(scope, RequestHead([]))

    assert cost_of(method, may_fetch=asked is not None and identifiers.may_fetch(asked)) is cost


@pytest.mark.anyio
async def test_the_refusal_is_a_problem_that_tells_when_to_come_back(tmp_path: Path) -> None:
    """The check is refused before its body is looked at; a forged header from loopback changes nothing."""
    async with (
        running_in(tmp_path, rate_cpu_per_second=0.2) as running,
        httpx.AsyncClient(base_url=running.url, trust_env=False) as client,
    ):
        first = await client.post("/status/check", json={})
        forged = {"x-forwarded-for": "198.51.100.1"}
        second = await client.post("/status/check", json={}, headers=forged)
        preflight = await client.options("/status/check")
        await asyncio.sleep(0)

    assert (first.status_code, second.status_code) == (400, 429)
    assert 1 <= int(second.headers["retry-after"]) <= 5
    assert second.headers["content-type"] == "application/problem+json"
    assert second.headers["access-control-allow-origin"] == "*"
    assert preflight.status_code == 204
