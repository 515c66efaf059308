"""Whose turn it is: clients share what strangers may be asked, and who waits in vain is told so."""

import asyncio

import pytest

from resolver.outbound.asker import asking_for, with_patience
from resolver.outbound.budget import Budget, GuardLimits
from resolver.outbound.errors import OutboundBudgetExceeded
from resolver.outbound.turns import MAX_WAITING_PER_CLIENT, SlotCounts, Turns, share_of_client

pytestmark = pytest.mark.anyio


class _Origins:
    """What is under way to origins that answer when they are told to."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.begun: list[str] = []
        self.may_end = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def ask(self, client: str, *hosts: str) -> None:
        with asking_for(client):
            self._tasks += [asyncio.create_task(self._ask(client, host)) for host in hosts]

    async def _ask(self, client: str, host: str) -> None:
        async with self.turns.hold(host):
            self.begun.append(client)
            await self.may_end.wait()

    async def outcomes(self) -> list[str]:
        """Return what became of each, "" for what was answered."""
        found = await asyncio.gather(*self._tasks, return_exceptions=True)
        return ["" if error is None else type(error).__name__ for error in found]


def _slots(total: int = 8, **counts: int) -> SlotCounts:
    return SlotCounts(
        **({"total": total, "per_site": total, "per_host": total, "per_client": total} | counts)
    )


def _hosts(count: int) -> list[str]:
    return [f"host{number}.site{number}.example{number}" for number in range(count)]


async def _settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_client_has_its_share_of_the_slots_and_leaves_the_rest_to_others() -> None:
    origins = _Origins(Turns(_slots(8, per_client=4), wait_seconds=2.0))
    origins.ask("greedy", *_hosts(20))
    await _settled()
    origins.ask("modest", *_hosts(2))
    await _settled()
    begun = list(origins.begun)
    origins.may_end.set()

    assert begun == ["greedy"] * 4 + ["modest"] * 2
    assert await origins.outcomes() == [""] * 22


async def test_those_who_wait_take_turns_by_client() -> None:
    origins = _Origins(Turns(_slots(2), wait_seconds=2.0))
    origins.ask("a", *_hosts(6))
    await _settled()
    origins.ask("b", *_hosts(2))
    origins.ask("c", *_hosts(2))
    origins.may_end.set()

    assert await origins.outcomes() == [""] * 10
    assert origins.begun == ["a", "a", "a", "b", "c", "a", "b", "c", "a", "a"]


async def test_what_we_ask_on_our_own_account_is_a_client_among_others() -> None:
    turns = Turns(_slots(2), wait_seconds=2.0)
    origins = _Origins(turns)
    origins.ask("", *_hosts(4))
    await _settled()
    origins.ask("client", *_hosts(1))
    origins.may_end.set()
    await origins.outcomes()

    assert origins.begun.index("client") <= 3


async def test_tokens_are_shared_by_turns_too() -> None:
    limits = GuardLimits(host_burst=1, host_rate_per_second=100.0)
    budget = Budget(limits, asyncio.get_running_loop().time)
    origins = _Origins(Turns(_slots(64), wait_seconds=5.0, budget=budget))
    origins.may_end.set()
    origins.ask("a", *["host.example"] * 12)
    await _settled()
    origins.ask("b", *["host.example"] * 2)

    assert await origins.outcomes() == [""] * 14
    assert origins.begun.index("b") <= 3


async def test_whoever_comes_as_a_token_comes_does_not_go_before_those_who_waited_for_it() -> None:
    now = [0.0]
    limits = GuardLimits(host_burst=1, host_rate_per_second=1.0)
    origins = _Origins(Turns(_slots(), wait_seconds=5.0, budget=Budget(limits, lambda: now[0])))
    for client in ("first", "waits"):
        origins.ask(client, "host.example")
        await _settled()
    now[0] = 1.0
    origins.ask("late", "host.example")
    await _settled()
    begun = list(origins.begun)
    now[0] = 2.0
    origins.may_end.set()

    assert begun == ["first", "waits"]
    assert await origins.outcomes() == ["", "", ""]


async def test_a_host_that_has_no_slot_does_not_hold_up_another() -> None:
    origins = _Origins(Turns(_slots(8, per_host=1), wait_seconds=2.0))
    origins.ask("a", "slow.example", "slow.example", "slow.example", "other.example")
    await _settled()
    begun = len(origins.begun)
    origins.may_end.set()

    assert begun == 2
    assert await origins.outcomes() == [""] * 4


async def test_a_turn_that_does_not_come_in_time_is_a_limit_of_ours() -> None:
    origins = _Origins(Turns(_slots(1), wait_seconds=0.05))
    origins.ask("a", *_hosts(1))
    origins.ask("b", *_hosts(2))
    await asyncio.sleep(0.2)
    origins.may_end.set()

    assert await origins.outcomes() == ["", "OutboundBudgetExceeded", "OutboundBudgetExceeded"]


async def test_a_turn_that_cannot_come_in_time_is_refused_at_once() -> None:
    limits = GuardLimits(host_burst=1, host_rate_per_second=0.1)
    turns = Turns(_slots(), wait_seconds=2.0, budget=Budget(limits, lambda: 0.0))
    async with turns.hold("host.example"):
        pass

    with pytest.raises(OutboundBudgetExceeded) as refused:
        async with asyncio.timeout(1.0), turns.hold("host.example"):
            pass

    assert refused.value.headers == {"retry-after": "10"}


async def test_who_has_patience_waits_longer() -> None:
    turns = Turns(_slots(1), wait_seconds=0.01)
    origins = _Origins(turns)
    origins.ask("a", *_hosts(1))
    await _settled()
    with with_patience(5.0):
        origins.ask("b", *_hosts(1))
    await asyncio.sleep(0.1)
    origins.may_end.set()

    assert await origins.outcomes() == ["", ""]


async def test_who_is_cancelled_takes_no_slot_with_it() -> None:
    """While it waits, and in the moment in which its turn has come and it does not know yet."""
    turns = Turns(_slots(1), wait_seconds=2.0)

    async def hold() -> None:
        async with turns.hold("host.example"):
            await asyncio.sleep(0)

    first, second, third = [asyncio.create_task(hold()) for _ in range(3)]
    await asyncio.sleep(0)
    second.cancel()
    while not first.done():
        await asyncio.sleep(0)
    third.cancel()
    await asyncio.gather(first, second, third, return_exceptions=True)

    async with asyncio.timeout(1.0):
        await hold()


async def test_the_requests_of_one_client_that_wait_are_bounded() -> None:
    origins = _Origins(Turns(_slots(1), wait_seconds=2.0))
    origins.ask("a", *_hosts(MAX_WAITING_PER_CLIENT + 3))
    await _settled()
    origins.ask("b", *_hosts(1))
    origins.may_end.set()

    assert (await origins.outcomes()).count("OutboundBudgetExceeded") == 2
    assert "b" in origins.begun


@pytest.mark.parametrize(("total", "share"), [(64, 16), (32, 8), (8, 4), (3, 3), (1, 1)])
def test_a_share_is_a_quarter_and_some_where_there_is_little(total: int, share: int) -> None:
    assert share_of_client(total) == share
