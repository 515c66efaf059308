"""A list over the whole server, compressed or not: by its route, and from memory."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from server.app import public_app
from server.commands.database.bootstrap import initialise
from server.services import Services, open_services
from tests.server.running import quiet, settings_in
from tests.simulator import World

pytestmark = pytest.mark.anyio

URL = "/status-lists/sample-revocation/credential.json"
CODINGS = ("identity", "gzip", "gzip, deflate, br", "")


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    settings = settings_in(tmp_path)
    await initialise(settings, sample=True, say=quiet)
    async with World() as world, world.guard() as guard, open_services(settings, guard=guard) as opened:
        yield opened


@pytest.fixture
async def http(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(public_app(services), client=("203.0.113.7", 1))
    url = services.settings.public_url
    async with httpx.AsyncClient(transport=transport, base_url=url, headers={"accept": "*/*"}) as client:
        yield client


async def raw(http: httpx.AsyncClient, coding: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """Return an answer and its bytes as they were sent."""
    sent = {"accept-encoding": coding, **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with http.stream("GET", URL, headers=sent) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


async def test_each_client_gets_the_coding_it_wants_from_memory_too(
    services: Services, http: httpx.AsyncClient
) -> None:
    rounds = [[await raw(http, coding) for coding in CODINGS] for _ in range(3)]

    for answers in rounds:
        (plain, body), (small, compressed), (browser, same), (nothing, _) = answers
        assert small.headers["content-encoding"] == browser.headers["content-encoding"] == "gzip"
        assert "content-encoding" not in plain.headers
        assert "content-encoding" not in nothing.headers
        assert len(compressed) < len(body)
        assert gzip.decompress(compressed) == body
        assert same == compressed
        assert {each.headers["vary"] for each, _ in answers} == {"accept, accept-encoding"}
        assert len({each.headers["etag"] for each, _ in answers}) == 2
        assert int(small.headers["content-length"]) == len(compressed)
    assert services.hot.hits >= 6


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_a_copy_is_confirmed_under_the_tag_of_its_coding(http: httpx.AsyncClient, coding: str) -> None:
    other = "gzip" if coding == "identity" else "identity"
    tags = {each: (await raw(http, each))[0].headers["etag"] for each in (coding, other)}

    for _ in range(3):
        own, body = await raw(http, coding, if_none_match=tags[coding])
        either, _ = await raw(http, coding, if_none_match=f"{tags[other]}, {tags[coding]}")
        foreign, _ = await raw(http, coding, if_none_match=tags[other])

        assert (own.status_code, body) == (304, b"")
        assert not {"content-encoding", "content-type"} & own.headers.keys()
        assert own.headers["cache-control"].startswith("public, max-age=")
        assert either.status_code == 304
        assert foreign.status_code == 200


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_head_says_what_get_would(http: httpx.AsyncClient, coding: str) -> None:
    changing = {"x-request-id", "age", "date"}
    for _ in range(3):
        got, _ = await raw(http, coding)
        head = await http.head(URL, headers={"accept-encoding": coding})

        assert (head.status_code, head.content) == (200, b"")
        assert {name: value for name, value in head.headers.items() if name not in changing} == {
            name: value for name, value in got.headers.items() if name not in changing
        }


async def test_a_range_is_not_offered_and_gets_the_whole_list(http: httpx.AsyncClient) -> None:
    for _ in range(3):
        whole, body = await raw(http, "gzip", range="bytes=0-9")

        assert whole.status_code == 200
        assert len(body) == int(whole.headers["content-length"]) > 10
        assert not {"accept-ranges", "content-range"} & whole.headers.keys()


async def test_header_lines_that_come_apart_are_one_list(http: httpx.AsyncClient) -> None:
    for _ in range(3):
        answers = [
            await http.get(URL, headers=[("accept-encoding", one), ("accept-encoding", other)])
            for one, other in (("br", "gzip"), ("gzip;q=0", "*"))
        ]

        assert [answer.headers.get("content-encoding") for answer in answers] == ["gzip", None]


@pytest.mark.parametrize("path", [URL, "/status-lists/sample", "/status-lists/sample/token.cwt"])
async def test_browsers_may_read_lists_and_refusals(http: httpx.AsyncClient, path: str) -> None:
    plain = {"accept-encoding": "identity"}
    tag = (await http.get(path, headers=plain)).headers["etag"]
    for _ in range(3):
        answers = [
            await http.get(path, headers={"accept-encoding": "gzip"}),
            await http.get(path, headers={**plain, "if-none-match": tag}),
            await http.get(f"{path}?time=1790000000"),
            await http.get(f"{path}-none"),
        ]

        assert [answer.status_code for answer in answers] == [200, 304, 501, 404]
        for answer in answers:
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "ETag" in answer.headers["access-control-expose-headers"]


async def test_nothing_else_is_compressed(http: httpx.AsyncClient) -> None:
    answer = await http.get("/openapi.json", headers={"accept-encoding": "gzip"})

    assert "content-encoding" not in answer.headers
    assert "accept-encoding" not in answer.headers.get("vary", "")
