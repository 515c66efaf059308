"""Configured origins: what lies under one is fetched, wherever its name leads; nothing else is."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from resolver.outbound.configured import ConfiguredFetch
from resolver.outbound.errors import (
    OriginMalformed,
    OriginTimedOut,
    OriginTooLarge,
    OriginUnreachable,
    OriginUntrusted,
    UrlRefused,
)
from resolver.results import Fetched
from tests.simulator import Host, World, canned, client_context, drip_body

pytestmark = pytest.mark.anyio

DRIVER = "https://driver.internal:8080"


async def private_names(host: str, port: int) -> list[str]:
    return ["10.0.0.1"]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world


@pytest.fixture
async def configured(world: World) -> AsyncIterator[ConfiguredFetch]:
    fetch = ConfiguredFetch(
        [DRIVER, "https://[fd00::1]/base/"],
        contact="https://t.example",
        resolve_name=private_names,
        dial=world.dial,
        ssl_context=client_context(),
    )
    yield fetch
    await fetch.aclose()


def driver(world: World) -> Host:
    return world.host("driver.internal", "10.0.0.1")


async def get(configured: ConfiguredFetch, url: str, max_bytes: int = 1_000, seconds: float = 5.0) -> Fetched:
    return await configured.fetch_configured(
        url, accept="application/json", max_bytes=max_bytes, timeout_seconds=seconds
    )


async def test_a_private_address_of_a_configured_origin_is_asked(
    world: World, configured: ConfiguredFetch
) -> None:
    driver(world).answer("/1.0/identifiers/did:a:b%3Fc?x=1", canned(b'{"a":1}', etag='"1"'))

    fetched = await get(configured, DRIVER + "/1.0/identifiers/did:a:b%3Fc?x=1")

    assert (fetched.status, fetched.body, fetched.headers["etag"]) == (200, b'{"a":1}', '"1"')
    assert world.dials == [("10.0.0.1", 8080)]
    assert dict(world.requests[0].headers) == {
        "host": "driver.internal:8080",
        "accept": "application/json",
        "accept-encoding": "identity",
        "user-agent": "touchstone-vc (+https://t.example)",
    }


async def test_a_body_is_posted_with_its_length_and_headers(
    world: World, configured: ConfiguredFetch
) -> None:
    driver(world).answer("/audit", canned(b"taken", status=202))

    fetched = await configured.post_configured(
        DRIVER + "/audit", b"{}\n", headers={"content-type": "a/b"}, max_bytes=10, timeout_seconds=5
    )

    assert (fetched.status, fetched.body) == (202, b"taken")
    assert dict(world.requests[0].headers) == {
        "host": "driver.internal:8080",
        "content-type": "a/b",
        "accept-encoding": "identity",
        "user-agent": "touchstone-vc (+https://t.example)",
        "content-length": "3",
    }


async def test_nothing_is_posted_to_any_other_origin(world: World, configured: ConfiguredFetch) -> None:
    with pytest.raises(UrlRefused):
        await configured.post_configured(
            "https://other.internal/", b"secret", headers={}, max_bytes=10, timeout_seconds=5
        )

    assert world.dials == []


async def test_plain_http_is_spoken_to_an_http_origin() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        fetch = ConfiguredFetch([origin])

        fetched = await get(fetch, origin)

        assert fetched.body == b"{}"
        await fetch.aclose()


@pytest.mark.parametrize(
    "url",
    [
        "http://driver.internal:8080/",
        "https://driver.internal/",
        "https://driver.internal:8081/",
        "https://other.internal:8080/",
        "https://driver.internal:8080@10.0.0.2/",
        "https://driver.internal:8080.evil.example/",
        "https://driver.internal:8080\\@evil.example/",
        "https://user@driver.internal:8080/",
        "https://driver.internal:8080/a/../b",
        "https://driver.internal:8080/%2e%2e/b",
        "https://driver.internal:8080/a#b",
        "https://driver.internal:8080/a b",
        "https://driver.internal:8080/a\r\nx: y",
        "https://driver.internal:8080/ä",
        "https://DRIVER.internal:8080/",
        "https://driver.internal:08080/",
        "https://[fd00::1]/",
        "https://[fd00::1]/based",
        "https://[fd00::1]:8080/base",
        "ftp://driver.internal:8080/",
        "",
        "https://driver.internal:8080/" + "a" * 40_000,
    ],
)
async def test_a_url_under_no_configured_origin_is_refused_without_a_dial(
    world: World, configured: ConfiguredFetch, url: str
) -> None:
    with pytest.raises(UrlRefused):
        await get(configured, url)

    assert world.dials == []


@pytest.mark.parametrize("path", ["/base", "/base/", "/base/a", "/base?x"])
async def test_a_url_under_the_path_of_an_origin_is_asked(
    world: World, configured: ConfiguredFetch, path: str
) -> None:
    with pytest.raises(OriginUnreachable):  # Nothing listens there: but it was dialled.
        await get(configured, "https://[fd00::1]" + path)

    assert world.dials == [("10.0.0.1", 443)]


@pytest.mark.parametrize(
    "origin", ["driver:8080", "ftp://driver", "http://a@b", "http://a/?q", "http://a:99999"]
)
def test_an_origin_that_is_none_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        ConfiguredFetch([origin])


async def test_caps_and_the_deadline_hold_as_for_strangers(world: World, configured: ConfiguredFetch) -> None:
    host = driver(world)
    host.answer("/large", canned(b"x" * 1_001))
    host.answer("/drip", drip_body(0.05))
    host.answer("/bomb", canned(b"\x1f\x8b", content_encoding="gzip"))
    host.answer("/moved", canned(b"", 302, location="http://169.254.169.254/"))
    began = time.monotonic()

    with pytest.raises(OriginTooLarge):
        await get(configured, DRIVER + "/large")
    with pytest.raises(OriginTimedOut):
        await get(configured, DRIVER + "/drip", seconds=0.2)
    with pytest.raises(OriginMalformed, match="coding"):
        await get(configured, DRIVER + "/bomb")
    moved = await get(configured, DRIVER + "/moved")

    assert moved.status == 302
    assert {address for address, _ in world.dials} == {"10.0.0.1"}
    assert time.monotonic() - began < 2.0


async def test_a_certificate_for_another_name_is_refused(world: World, configured: ConfiguredFetch) -> None:
    world.host("driver.internal", "10.0.0.1", certificate_for="other.example")

    with pytest.raises(OriginUntrusted):
        await get(configured, DRIVER + "/")

    assert world.requests == []
