"""The system's resolver: threads that hang are a limit of ours, and never hold the event loop."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from resolver.outbound.errors import AddressRefused, NameNotFound, OriginUnreachable, OutboundBudgetExceeded
from resolver.outbound.names import SystemNames
from resolver.results import FetchPlan
from tests.simulator import World

pytestmark = pytest.mark.anyio


async def test_a_name_of_this_machine_is_looked_up_and_then_refused_by_the_guard() -> None:
    names = SystemNames()
    plan = FetchPlan(host="localhost", port=443, path="/", accept="*/*", max_bytes=10)
    async with World() as world, world.guard(resolve_name=names.resolve_name) as guard:
        with pytest.raises(AddressRefused):
            await guard.fetch_stranger(plan)

        assert world.dials == []
    names.close()


async def test_each_address_is_given_once() -> None:
    names = SystemNames()

    addresses = await names.resolve_name("127.0.0.1", 443)

    assert addresses == ["127.0.0.1"]
    names.close()


@pytest.mark.parametrize("host", ["a..b", "a" * 70 + ".example", "\udc80.example"])
async def test_a_name_that_cannot_be_looked_up_is_unreachable(host: str) -> None:
    names = SystemNames()

    with pytest.raises(OriginUnreachable):
        await names.resolve_name(host, 443)

    names.close()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (socket.EAI_NONAME, NameNotFound),
        (socket.EAI_NODATA, OriginUnreachable),
        (socket.EAI_AGAIN, OriginUnreachable),
        (socket.EAI_FAIL, OriginUnreachable),
    ],
)
async def test_only_a_name_that_does_not_exist_is_not_found(
    monkeypatch: pytest.MonkeyPatch, code: int, error: type[Exception]
) -> None:
    def getaddrinfo(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(code, "as the system says it")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    names = SystemNames()

    with pytest.raises(error):
        await names.resolve_name("issuer.example", 443)

    names.close()


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Make lookups of names with "slow" in them hang until the event is set."""
    answer = threading.Event()

    def getaddrinfo(host: str, *_: object, **__: object) -> list[object]:
        if "slow" in host:
            answer.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.0.1", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield answer
    answer.set()


async def given_up(names: SystemNames, host: str) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(names.resolve_name(host, 443), 0.05)


async def test_lookups_that_hang_are_given_up_and_refuse_the_next_until_they_end(
    answer: threading.Event,
) -> None:
    names = SystemNames(threads=2)

    await given_up(names, "slow0.example")
    await given_up(names, "slow1.example")
    with pytest.raises(OutboundBudgetExceeded):
        await names.resolve_name("other.example", 443)
    answer.set()
    await asyncio.sleep(0.05)

    assert await names.resolve_name("other.example", 443) == ["93.184.0.1"]
    names.close()


async def test_slow_name_servers_of_one_site_leave_the_threads_of_others_alone(
    answer: threading.Event,
) -> None:
    names = SystemNames(threads=4, per_site=2)

    await given_up(names, "a.slow.example")
    await given_up(names, "b.slow.example")
    with pytest.raises(OutboundBudgetExceeded):
        await names.resolve_name("c.slow.example", 443)

    assert await names.resolve_name("other.example", 443) == ["93.184.0.1"]
    answer.set()
    await asyncio.sleep(0.05)
    assert await names.resolve_name("c.slow.example", 443) == ["93.184.0.1"]
    names.close()


async def test_one_name_that_hangs_holds_one_thread_however_often_it_is_asked(
    answer: threading.Event,
) -> None:
    names = SystemNames(threads=2, per_site=2)

    for _ in range(5):
        await given_up(names, "slow.example")

    assert await names.resolve_name("other.example", 443) == ["93.184.0.1"]
    answer.set()
    assert await names.resolve_name("slow.example", 443) == ["93.184.0.1"]
    names.close()
