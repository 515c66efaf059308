"""
What the layer in front computes itself is, byte for byte and header for header, what the route answers.

A request with `Content-Length: 0` has a body as far as the layer in front is concerned, so it goes to the route.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from resolver import Resolver
from tests.server.running import Response, Running, converse, responses_of, running_in

pytestmark = pytest.mark.anyio

KEY = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
P256 = "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169"
JWK = (
    "did:jwk:eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImFjYklRaXVNczNpOF91c3pFakoydHBUdFJNNEVVM3l6OTFQSDZDZEgyVjAi"
    "LCJ5IjoiX0tjeUxqOXZXTXB0bm1LdG00NkdxRHo4d2Y3NEk1TEtncmwyR3pIM25TRSJ9"
)
ASKED = [
    KEY,
    P256,
    JWK,
    KEY.replace(":", "%3A"),
    f"{KEY}#{KEY.rpartition(':')[2]}".replace("#", "%23"),
    f"{KEY}%23missing",
    f"{KEY}?publicKeyFormat=JsonWebKey2020",
    f"{KEY}?publicKeyFormat=Nonsense",
    f"{KEY}?versionTime=yesterday",
    f"{KEY.replace(':', '%3A')}?noCache=true",
    "did:key:zzz",
    "did:key:",
    "did:foo:x",
    "did:web:127.0.0.1",
    "did:web:localhost:%2F",
    "junk",
    "",
]
HEADERS = [
    "",
    "Accept: application/did\r\n",
    "Accept: application/did+ld+json\r\nAccept: text/html\r\n",
    'Accept: application/ld+json;profile="https://w3id.org/did-resolution"\r\n',
    "Accept: text/html\r\n",
    "Cache-Control: no-cache\r\n",
    "If-None-Match: *\r\n",
    'If-None-Match: W/"a"\r\nIf-None-Match: "b"\r\n',
]


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running_in(tmp_path_factory.mktemp("server"), rate_cpu_per_second=1e6) as started:
        yield started


async def _ask(running: Running, asked: str, headers: str = "") -> Response:
    head = f"GET /1.0/identifiers/{asked} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"
    return responses_of(await asyncio.to_thread(converse, running.port, head.encode()))[0]


def _stable(response: Response) -> dict[str, str]:
    return {
        name: value for name, value in response.headers.items() if name not in ("date", "age", "x-request-id")
    }


@pytest.mark.parametrize("asked", ASKED)
async def test_it_is_what_the_route_answers(running: Running, asked: str) -> None:
    for headers in HEADERS:
        here = await _ask(running, asked, headers)
        there = await _ask(running, asked, headers + "Content-Length: 0\r\n")

        assert here.status == there.status, headers
        assert here.body == there.body, headers
        assert _stable(here) == _stable(there), headers


async def test_head_has_the_headers_of_get_and_no_body(running: Running) -> None:
    request = f"HEAD /1.0/identifiers/{P256} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    headed = await asyncio.to_thread(converse, running.port, request.encode())
    got = await _ask(running, P256)

    assert headed.endswith(b"\r\n\r\n")
    assert headed.count(b"\r\n\r\n") == 1
    assert f"content-length: {len(got.body)}\r\n".encode() in headed
    assert f"etag: {got.headers['etag']}\r\n".encode() in headed


async def test_a_success_is_counted_under_the_route_and_has_no_line_of_its_own(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "touchstone")
    for asked in (KEY, "did:key:zzz"):
        await _ask(running, asked)
    async with httpx.AsyncClient() as client:
        metrics = (await client.get(f"{running.operator_url}/metrics")).text
    lines = [
        record.__dict__ for record in caplog.records if "identifiers" in str(record.__dict__.get("route"))
    ]

    for status in (200, 400):
        assert f'method="GET",route="/1.0/identifiers/{{identifier:path}}",status="{status}"' in metrics
    assert [line["status"] for line in lines] == [400]


async def test_a_failure_of_ours_is_told_by_the_route(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Resolver, "find_now", fails)
    answer = await _ask(running, f"{KEY}%23unasked")

    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"


async def test_it_costs_the_client_a_token(tmp_path: Path) -> None:
    async with running_in(tmp_path, rate_cpu_per_second=1.0) as running:
        statuses = [(await _ask(running, f"{KEY}%23{n}")).status for n in range(4)]

    assert statuses[-1] == 429
