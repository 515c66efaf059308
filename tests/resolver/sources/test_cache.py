"""The cache: one load per key, what it keeps and for how long, and how many bytes it takes."""

import asyncio
import gc

import pytest

from resolver.sources.cache import ENTRY_BYTES, Cache, Entry

pytestmark = pytest.mark.anyio


class Source:
    """A load function that counts, at a time that the test sets."""

    def __init__(self, *, ttl: float = 60.0, value_bytes: int = 0) -> None:
        self.now = 1_000.0
        self.ttl = ttl
        self.value_bytes = value_bytes
        self.loads: list[tuple[str, str | None]] = []
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self, key: str, known: Entry[str] | None) -> Entry[str]:
        self.loads.append((key, None if known is None else known.value))
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        value = f"{key}{len(self.loads)}"
        return Entry(value=value, fresh_until=self.now + self.ttl, value_bytes=self.value_bytes)

    def cache(self, max_bytes: int = 1_000_000) -> Cache[str, str]:
        return Cache(self.load, max_bytes=max_bytes, clock=lambda: self.now, timer=lambda: self.now)


async def test_an_entry_serves_until_it_is_no_longer_fresh_and_then_helps_to_renew() -> None:
    source = Source(ttl=60)
    cache = source.cache()

    values = [(await cache.get("a")).value]
    source.now += 59.9
    values.append((await cache.get("a")).value)
    source.now += 0.1
    values.append((await cache.get("a")).value)

    assert values == ["a1", "a1", "a2"]
    assert source.loads == [("a", None), ("a", "a1")]


async def test_two_thousand_waiters_cause_one_load() -> None:
    source = Source()
    cache = source.cache()
    source.gate.clear()

    waiters = [asyncio.create_task(cache.get("a")) for _ in range(2_000)]
    await asyncio.sleep(0)
    source.gate.set()
    entries = await asyncio.gather(*waiters)

    assert {entry.value for entry in entries} == {"a1"}
    assert len(source.loads) == 1


async def test_waiters_share_a_failure_and_the_next_call_loads_again() -> None:
    source = Source()
    cache = source.cache()
    source.error = ConnectionError("no")
    source.gate.clear()

    waiters = [asyncio.create_task(cache.get("a")) for _ in range(10)]
    await asyncio.sleep(0)
    source.gate.set()
    results = await asyncio.gather(*waiters, return_exceptions=True)
    source.error = None
    after = await cache.get("a")

    assert all(isinstance(result, ConnectionError) for result in results)
    assert after.value == "a2"
    assert len(source.loads) == 2


async def test_a_failed_renewal_leaves_the_old_entry_for_the_next_one() -> None:
    source = Source(ttl=10)
    cache = source.cache()
    await cache.get("a")
    source.now += 10
    source.error = ConnectionError("no")

    with pytest.raises(ConnectionError):
        await cache.get("a")
    source.error = None
    await cache.get("a")

    assert source.loads == [("a", None), ("a", "a1"), ("a", "a1")]


async def test_a_cancelled_waiter_does_not_stop_the_load_of_the_others() -> None:
    source = Source()
    cache = source.cache()
    source.gate.clear()

    first, second = (asyncio.create_task(cache.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    source.gate.set()

    assert (await second).value == "a1"
    assert first.cancelled()
    assert len(source.loads) == 1


async def test_a_failure_that_nobody_waits_for_any_more_is_silent() -> None:
    source = Source()
    cache = source.cache()
    source.error = ConnectionError("no")
    source.gate.clear()
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    waiter = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)
    waiter.cancel()
    await asyncio.sleep(0)
    source.gate.set()
    await asyncio.sleep(0.01)
    del waiter
    source.error = None
    gc.collect()

    assert complaints == []


async def test_renew_passes_over_a_fresh_entry_and_replaces_it() -> None:
    source = Source()
    cache = source.cache()
    await cache.get("a")

    renewed = await cache.get("a", renew=True)
    after = await cache.get("a")

    assert (renewed.value, after.value) == ("a2", "a2")


async def test_renewals_at_the_same_time_share_one_load() -> None:
    source = Source()
    cache = source.cache()
    source.gate.clear()

    waiters = [asyncio.create_task(cache.get("a", renew=True)) for _ in range(100)]
    await asyncio.sleep(0)
    source.gate.set()
    await asyncio.gather(*waiters)

    assert len(source.loads) == 1


async def test_the_bytes_are_bounded_and_what_was_used_longest_ago_goes_first() -> None:
    source = Source(value_bytes=1_000)
    room_for_three = 3 * (ENTRY_BYTES + 1_000)
    cache = source.cache(room_for_three)

    for key in ("a", "b", "c"):
        await cache.get(key)
    await cache.get("a")
    await cache.get("d")
    loads_before = len(source.loads)
    await cache.get("a")
    await cache.get("b")

    assert cache.memory_bytes == room_for_three
    assert loads_before == 4
    assert source.loads[-1] == ("b", None)


async def test_a_flood_of_new_keys_stays_within_the_bound() -> None:
    source = Source(value_bytes=500)
    cache = source.cache(100_000)

    for number in range(2_000):
        await cache.get(str(number))

    assert cache.memory_bytes <= 100_000
    assert len(cache) == 100_000 // (ENTRY_BYTES + 500)


async def test_an_entry_over_the_bound_is_handed_out_but_not_kept() -> None:
    source = Source(value_bytes=5_000)
    cache = source.cache(4_000)

    entry = await cache.get("a")

    assert entry.value == "a1"
    assert len(cache) == 0


async def test_closing_stops_the_loads_under_way() -> None:
    source = Source()
    cache = source.cache()
    source.gate.clear()
    waiter = asyncio.create_task(cache.get("a"))
    await asyncio.sleep(0)

    await cache.aclose()

    with pytest.raises(asyncio.CancelledError):
        await waiter
