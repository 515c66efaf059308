"""The provider's keys, kept: when the provider is asked, how often, and what goes on while it is down."""

import asyncio
import logging

import pytest

from operators.sign_in.key_sets import APART_SECONDS, REFRESH_SECONDS, KeySet, ProviderAway
from resolver.keys.jwk import jwk_to_key
from tests.clock import Clock
from tests.operators.sign_in.provider import Provider, jwk_named

pytestmark = pytest.mark.anyio


@pytest.fixture
def provider() -> Provider:
    return Provider("RS256")


@pytest.fixture
def keys(provider: Provider, clock: Clock) -> KeySet:
    return KeySet(provider.fetch, jwk_to_key, timer=clock)


async def test_a_known_key_is_not_asked_for(keys: KeySet, provider: Provider, clock: Clock) -> None:
    for _ in range(10):
        found = await keys.find("RS256")
        clock.now += 59
        assert found is not None and found.names == ("RS256",)

    assert provider.asked == 1


async def test_an_unknown_key_is_asked_for_once_a_minute(
    keys: KeySet, provider: Provider, clock: Clock
) -> None:
    """A flood of tokens with keys that nobody has."""
    await keys.find("RS256")
    asked = []
    for number in range(300):
        assert await keys.find(f"unknown-{number}") is None
        clock.now += 1
        asked.append(provider.asked)

    assert asked[-1] == 1 + 299 // APART_SECONDS
    assert asked[:60] == [1] * 60


async def test_a_new_key_is_found(keys: KeySet, provider: Provider, clock: Clock) -> None:
    await keys.find("RS256")
    provider.keys.append(jwk_named("ES256"))
    clock.now += APART_SECONDS

    assert await keys.find("ES256") is not None
    assert provider.asked == 2


async def test_many_at_once_ask_once(keys: KeySet, provider: Provider) -> None:
    found = await asyncio.gather(*(keys.find("RS256") for _ in range(100)))

    assert all(key is not None for key in found)
    assert provider.asked == 1


async def test_who_hangs_up_does_not_keep_the_answer_from_the_others(
    provider: Provider, clock: Clock
) -> None:
    """Whoever asks first and goes away would otherwise keep all keys from us for a minute, again and again."""
    gate = asyncio.Event()

    async def fetch() -> bytes:
        await gate.wait()
        return await provider.fetch()

    keys = KeySet(fetch, jwk_to_key, timer=clock)
    first = asyncio.create_task(keys.find("RS256"))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    gate.set()

    assert await keys.find("RS256") is not None
    assert provider.asked == 1


async def test_nobody_with_a_known_key_waits_while_an_unknown_one_is_asked_for(
    keys: KeySet, provider: Provider, clock: Clock
) -> None:
    """The provider hangs, and somebody asks with a key that he made up."""
    await keys.find("RS256")
    clock.now += APART_SECONDS
    provider.hangs = asyncio.Event()
    unknown = asyncio.create_task(keys.find("made-up"))
    await asyncio.sleep(0)
    found = await asyncio.wait_for(keys.find("RS256"), 5)
    is_waiting = not unknown.done()
    provider.hangs.set()

    assert found is not None
    assert is_waiting
    assert await unknown is None


async def test_a_key_that_the_provider_took_out_stops(keys: KeySet, provider: Provider, clock: Clock) -> None:
    await keys.find("RS256")
    provider.keys = [jwk_named("ES256")]
    clock.now += REFRESH_SECONDS

    assert await keys.find("RS256") is None
    assert await keys.find("ES256") is not None
    assert provider.asked == 2


async def test_a_provider_that_is_down_keeps_its_keys(
    keys: KeySet, provider: Provider, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await keys.find("RS256")
    provider.is_down = True
    clock.now += REFRESH_SECONDS
    with caplog.at_level(logging.WARNING, "touchstone.sign_in"):
        for _ in range(120):
            assert await keys.find("RS256") is not None
            clock.now += 1

    assert provider.asked == 3
    assert len(caplog.messages) == 2


async def test_without_any_key_the_provider_is_said_to_be_away(
    keys: KeySet, provider: Provider, clock: Clock
) -> None:
    provider.is_down = True
    for _ in range(10):
        with pytest.raises(ProviderAway) as away:
            await keys.find("RS256")
    assert provider.asked == 1
    assert away.value.headers == {"retry-after": "60"}

    provider.is_down = False
    clock.now += APART_SECONDS

    assert await keys.find("RS256") is not None


@pytest.mark.parametrize(
    "answer", [b"<html>", b'{"keys":[]}', b'{"keys":[{"kty":"oct","k":"AA","kid":"RS256"}]}']
)
async def test_an_answer_without_keys_replaces_none(provider: Provider, clock: Clock, answer: bytes) -> None:
    answers = [await provider.fetch(), answer]

    async def fetch() -> bytes:
        return answers.pop(0)

    keys = KeySet(fetch, jwk_to_key, timer=clock)
    await keys.find("RS256")
    clock.now += REFRESH_SECONDS

    assert await keys.find("RS256") is not None
    assert answers == []


async def test_nobody_is_waited_for_at_the_end(clock: Clock) -> None:
    async def fetch() -> bytes:
        await asyncio.Event().wait()
        raise AssertionError

    keys = KeySet(fetch, jwk_to_key, timer=clock)
    finding = asyncio.create_task(keys.find("RS256"))
    await asyncio.sleep(0)
    await keys.aclose()

    (ended,) = await asyncio.gather(finding, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError)
