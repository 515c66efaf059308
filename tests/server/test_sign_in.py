"""Signing in, put together: what is had from the provider's address, and what becomes of rows that ended."""

import asyncio
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from operators.sign_in.key_sets import ProviderAway
from operators.sign_in.store import insert_person, insert_sign_in
from server.commands.database.bootstrap import initialise
from server.services import open_services
from server.settings import Settings
from server.sign_in import SigningIn, open_sign_in
from storage import Transaction
from tests.driver_process import DriverProcess
from tests.server.running import quiet, settings_in

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def origin() -> Iterator[DriverProcess]:
    """A web server that answers badly in many ways."""
    with DriverProcess() as process:
        yield process


def keys_at(origin: DriverProcess, name: str) -> SigningIn:
    settings = Settings(
        sign_in_issuer="https://id.example",
        sign_in_jwks_url=f"{origin.url}/1.0/identifiers/did:example:{name}",
        sign_in_audience="us",
    )
    no_database: Any = None  # Keys are not kept there.
    opened = open_sign_in(settings, no_database, clock=time.time, timer=time.monotonic)
    assert opened is not None
    return opened


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("moved", "it answered 302, where its keys should be"),
        ("broken", "it answered 500, where its keys should be"),
        ("good", "Object missing required field `keys`"),
        ("garbage", "not valid JSON"),
        ("huge", "the limit is 65536"),
        ("no-http", "HTTP"),
    ],
)
async def test_an_address_without_keys_gives_none(
    origin: DriverProcess, caplog: pytest.LogCaptureFixture, name: str, told: str
) -> None:
    """A redirect is not followed: it could lead to anybody's keys."""
    opened = keys_at(origin, name)
    asked = len(origin.seen())

    with caplog.at_level(logging.WARNING, "touchstone.sign_in"), pytest.raises(ProviderAway):
        await opened.keys.find("any")
    await opened.aclose()

    assert told in caplog.text
    assert len(origin.seen()) == asked + 1


async def test_an_end_waits_for_no_provider(origin: DriverProcess) -> None:
    opened = keys_at(origin, "slow")
    finding = asyncio.create_task(opened.keys.find("any"))
    await asyncio.sleep(0.1)

    await opened.aclose()

    async with asyncio.timeout(1):
        (ended,) = await asyncio.gather(finding, return_exceptions=True)
    assert isinstance(ended, asyncio.CancelledError)


async def test_tokens_that_ended_are_forgotten_in_the_background(tmp_path: Path) -> None:
    """Also after signing in was switched off."""
    settings = settings_in(tmp_path)
    await initialise(settings, sample=False, say=quiet)
    now = time.time_ns() // 1_000

    def fill(tx: Transaction) -> None:
        person = insert_person(tx, "https://id.example", "ann", now)
        assert person is not None
        insert_sign_in(tx, "ended", person, now - 1)
        insert_sign_in(tx, "still good", person, now + 60_000_000)

    async with open_services(settings) as services:
        await services.database.write(fill)
        await services.background._forget()
        left = await services.database.read(lambda tx: tx.all("SELECT digest FROM sign_ins"))

    assert [row["digest"] for row in left] == ["still good"]
