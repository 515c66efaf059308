"""A question to the registry that the layer in front answers has, byte for byte, the answer of the route."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from registry.answering import Answering
from registry.routes import DEGREES, LICENCES
from tests.server.running import Response, Running, converse, responses_of, running_in

pytestmark = pytest.mark.anyio

AUTHORIZATION, RECOGNITION = "/trqp/authorization", "/trqp/recognition"
THEN = {"context": {"time": "2025-03-01T00:00:00Z"}}
BODIES = [
    json.dumps(DEGREES),
    json.dumps(LICENCES),
    json.dumps(DEGREES, indent=2),
    json.dumps(DEGREES | THEN),
    json.dumps(DEGREES | {"entity_id": "did:web:nobody.example"}),
    json.dumps(DEGREES | {"authority_id": "did:web:nobody.example"}),
    json.dumps(DEGREES | {"resource": "Nothing"}),
    json.dumps(DEGREES | {"entity_id": ""}),
    json.dumps(DEGREES | {"context": {"time": "yesterday"}}),
    json.dumps(DEGREES | {"context": {"time": "2999-01-01T00:00:00Z"}}),
    json.dumps(DEGREES | {"context": {"known_at": "2026-01-01T00:00:00Z"}}),
    json.dumps(DEGREES).replace("{", '{"action": "verify",', 1),
    json.dumps(DEGREES | {"more": "x" * 70_000}),
    "[]",
    "{",
    "",
]
JSON = "Content-Type: application/json\r\n"
HEADERS = [
    JSON,
    "Content-Type: application/json; charset=utf-8\r\n",
    "Content-Type: text/plain\r\n",
    "",
    JSON + "Content-Type: text/plain\r\n",
    JSON + "If-None-Match: *\r\n",
    JSON + "X-Forwarded-For: 192.0.2.1\r\n",
]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    async with running_in(tmp_path, rate_cpu_per_second=1e6) as started:
        yield started


async def ask(running: Running, path: str, body: str, headers: str = JSON) -> Response:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return responses_of(await asyncio.to_thread(converse, running.port, head.encode(), body.encode()))[0]


def untimed(body: bytes) -> bytes:
    """Return a body without what says when it was made, and by which request."""
    return re.sub(rb'("(?:time_evaluated|expires_at|instance)":)"[^"]*"', rb'\1""', body)


def stable(response: Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name not in ("date", "x-request-id")}


@pytest.mark.parametrize("path", [AUTHORIZATION, RECOGNITION])
async def test_it_is_what_the_route_answers(running: Running, path: str) -> None:
    statuses = set()
    for body in BODIES:
        for headers in HEADERS if body == BODIES[0] else HEADERS[:1]:
            here = await ask(running, path, body, headers)
            there = await ask(running, f"{path}?", body, headers)
            by_query = await ask(running, f"{path}?x", body, headers)
            statuses.add(here.status)

            assert here.status == there.status == by_query.status, (body, headers)
            assert untimed(here.body) == untimed(by_query.body), (body, headers)
            assert stable(here) == stable(by_query), (body, headers)
    assert statuses == {200, 400, 404, 413, 415}


async def test_plain_questions_never_come_to_the_framework(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(Answering, "authorization", never)

    assert (await ask(running, AUTHORIZATION, BODIES[0])).status == 200
    assert (await ask(running, f"{AUTHORIZATION}?x", BODIES[0])).status == 500


async def test_a_body_that_comes_in_parts_is_whole_at_the_route(running: Running) -> None:
    body = json.dumps(DEGREES)
    line = f"POST {AUTHORIZATION} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    head = f"{line}Content-Length: {len(body)}\r\n{JSON}\r\n"
    parts = (head.encode(), body[:20].encode(), body[20:].encode())
    received = await asyncio.to_thread(converse, running.port, *parts, pause=0.1)

    assert responses_of(received)[0].status == 200


async def test_a_success_is_counted_under_the_route_and_a_fault_has_its_line(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "touchstone")
    for body in (BODIES[0], "{"):
        await ask(running, AUTHORIZATION, body)
    async with httpx.AsyncClient() as client:
        metrics = (await client.get(f"{running.operator_url}/metrics")).text
    lines = [record.__dict__ for record in caplog.records if record.__dict__.get("route") == AUTHORIZATION]

    for status in (200, 400):
        assert f'method="POST",route="/trqp/authorization",status="{status}"' in metrics
    assert [line["status"] for line in lines] == [400]


async def test_it_costs_the_client_a_token(tmp_path: Path) -> None:
    async with running_in(tmp_path, rate_cpu_per_second=1.0) as running:
        statuses = [(await ask(running, AUTHORIZATION, BODIES[0])).status for _ in range(4)]

    assert statuses[0] == 200
    assert statuses[-1] == 429
