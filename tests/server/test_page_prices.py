"""What the pages about the API cost: they are made once, and priced as what they are."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from server.app import operator_app, public_app
from server.commands.database.bootstrap import initialise
from server.services import open_services
from tests.server.running import quiet, settings_in

pytestmark = pytest.mark.anyio

OTHERS = 20  # requests, each with an Accept header of its own, so that no hot answer serves it


@pytest.fixture
async def clients(tmp_path: Path) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Clients of the public application, which limits, and of the operators', which does not."""
    settings = settings_in(tmp_path, rate_cpu_per_second=2.0, rate_hot_per_second=20.0)
    await initialise(settings, sample=True, say=quiet)
    async with open_services(settings) as services:
        public, operator = [
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app, client=("203.0.113.7", 1)), base_url="http://x"
            )
            for app in (public_app(services), operator_app(services))
        ]
        async with public, operator:
            yield public, operator


async def _answers(client: httpx.AsyncClient, path: str, count: int) -> list[httpx.Response]:
    return [await client.get(path, headers={"accept": f"*/*;x={number}"}) for number in range(count)]


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
async def test_a_page_about_the_api_is_made_once(
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient], path: str
) -> None:
    """Twenty more take less than making it four times; they took as long as making it twenty times."""
    _, operator = clients
    began = time.perf_counter()
    first = await operator.get(path)
    once = time.perf_counter() - began
    began = time.perf_counter()
    others = await _answers(operator, path, OTHERS)
    seconds = time.perf_counter() - began

    assert {answer.content for answer in others} == {first.content}
    assert seconds < 4 * once


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/problems/not-found", "/nowhere", "/livez"])
async def test_what_a_route_answers_is_priced_as_computation(
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient], path: str
) -> None:
    public, _ = clients

    assert 429 in [answer.status_code for answer in await _answers(public, path, OTHERS)]


async def test_a_hot_answer_is_priced_as_one_and_costs_no_computation(
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    public, _ = clients
    statuses = [(await public.get("/docs")).status_code for _ in range(30)]

    assert set(statuses) == {200}


async def test_who_may_have_no_more_hot_answers_does_not_get_them_made_anew(
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    public, _ = clients
    statuses = [(await public.get("/docs")).status_code for _ in range(100)]

    assert 429 in statuses
