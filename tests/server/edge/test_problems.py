"""Every error is a problem document (RFC 9457), on both listeners, and its type is a page that we serve."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from server.app import public_app
from server.commands.database.bootstrap import initialise
from server.edge.problems import problem_types
from server.services import open_services
from server.telemetry.health import Check, Health
from tests.server.running import Running, quiet, running_in, settings_in

FIND_ME = "f1bd" * 4
pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}
SET = "/operator/status-lists"


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running_in(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(params=["public", "operator"])
async def client(running: Running, request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    is_public = request.param == "public"
    base, headers = (running.url, {}) if is_public else (running.operator_url, running.authorization)
    async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False) as opened:
        yield opened


def _writable(client: httpx.AsyncClient) -> str:
    return SET if "authorization" in client.headers else "/status/check"


async def _is_problem(client: httpx.AsyncClient, answer: httpx.Response, status: int) -> dict[str, Any]:
    problem: dict[str, Any] = answer.json()
    page = await client.get(problem["type"])

    assert (answer.status_code, problem["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"].endswith(answer.headers["x-request-id"])
    assert page.status_code == 200
    assert "text/html" in page.headers["content-type"]
    return problem


async def test_what_is_not_there(client: httpx.AsyncClient) -> None:
    for path in ("/nowhere", "/problems/none", "/livez%00"):
        await _is_problem(client, await client.get(path), 404)


async def test_a_method_that_is_not_there_names_those_that_are(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/livez")
    await _is_problem(client, answer, 405)

    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def _chunks() -> AsyncIterator[bytes]:
    for _ in range(70):
        yield b" " * 1_000


async def test_a_body_over_the_limit_with_a_length_and_in_chunks(client: httpx.AsyncClient) -> None:
    path = _writable(client)
    await _is_problem(client, await client.post(path, content=b" " * 70_000, headers=JSON), 413)
    await _is_problem(client, await client.post(path, content=_chunks(), headers=JSON), 413)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "", "junk"])
async def test_a_body_of_another_type(client: httpx.AsyncClient, media_type: str) -> None:
    answer = await client.post(_writable(client), content=b"{}", headers={"content-type": media_type})
    await _is_problem(client, answer, 415)


BAD = [
    b"",
    b"{",
    b"nul",
    b"[" * 60_000,
    b'{"a":' * 40 + b"1" + b"}" * 40,
    b'{"id": "\xff"}',
    b"\xef\xbb\xbf{}",
]
BAD += [b'{"id": "a", "id": "b"}', b'{"id": "\\ud800"}', b"NaN", b"[]", b"1e999"]


@pytest.mark.parametrize("body", BAD)
async def test_a_malformed_body(client: httpx.AsyncClient, body: bytes) -> None:
    await _is_problem(client, await client.post(_writable(client), content=body, headers=JSON), 400)


async def test_a_member_of_the_wrong_type_is_pointed_at(running: Running) -> None:
    body = {"id": "a", "issuerId": "default", "purposes": ["revocation", 7]}
    async with httpx.AsyncClient(base_url=running.operator_url, headers=running.authorization) as client:
        problem = await _is_problem(client, await client.post(SET, json=body), 400)

    assert problem["errors"][0]["pointer"] in ("/purposes/1", "")


async def test_every_problem_type_has_a_page(client: httpx.AsyncClient) -> None:
    for slug in problem_types():
        assert (await client.get(f"/problems/{slug}")).status_code == 200, slug


async def test_a_failure_of_ours_tells_nothing_and_is_logged_in_full(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def burst() -> Check:
        raise ZeroDivisionError("the secret of the house")

    settings = settings_in(tmp_path)
    await initialise(settings, sample=False, say=quiet)
    async with open_services(settings) as services:
        broken = msgspec.structs.replace(services, health=Health([burst], writes_fail=lambda: False))
        transport = httpx.ASGITransport(public_app(broken), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=settings.public_url) as client:
            answer = await client.get("/readyz", headers={"x-request-id": FIND_ME})
            await _is_problem(client, answer, 500)

    record = next(record for record in caplog.records if record.levelno == logging.ERROR)
    assert "secret" not in answer.text
    assert record.__dict__["request_id"] == FIND_ME
    assert "the secret of the house" in caplog.text


async def test_no_route_takes_a_parameter_twice(client: httpx.AsyncClient) -> None:
    """Of every route that says what it reads; that of an identifier is refused in the words of its standard."""
    described = (await client.get("/openapi.json")).json()["paths"]
    asked = [
        (path.replace("{", "").replace("}", ""), parameter["name"])
        for path, methods in described.items()
        for parameter in methods.get("get", {}).get("parameters", ())
        if parameter["in"] == "query"
    ]

    assert len(asked) > 10
    for path, name in asked:
        refused = await client.get(f"{path}?{name}=1&{name}=1")
        assert (refused.status_code, refused.json()["detail"]) == (
            400,
            f"{name}: expected once, found 2 times",
        )


async def test_too_long_a_body_is_told_the_limit(client: httpx.AsyncClient) -> None:
    refused = await client.post(_writable(client), content=b" " * 70_000, headers=JSON)

    assert refused.status_code == 413
    assert "at most 65536 bytes" in refused.json()["detail"]
