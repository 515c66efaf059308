"""The manners of every answer, over real sockets: hot and cold alike, HEAD, CORS, request ids, counts."""

import asyncio
import json
import logging
import re
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from server.edge.hot_reads import LOG_ONE_HOT_IN
from tests.server.running import Running, running_in

pytestmark = pytest.mark.anyio

DID = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
PATH = f"/1.0/identifiers/{DID}"
CHANGES_WITH_TIME = {"date", "age", "x-request-id"}


@pytest.fixture
async def client(running: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=running.url, trust_env=False) as opened:
        yield opened


def _stable(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in CHANGES_WITH_TIME}


@pytest.mark.parametrize(
    "path", [PATH, "/status-lists/sample-revocation", "/.well-known/did.json", "/openapi.json"]
)
@pytest.mark.parametrize("accept", ["*/*", "application/json"])
async def test_a_hot_answer_is_the_cold_one(client: httpx.AsyncClient, path: str, accept: str) -> None:
    cold, hot = [await client.get(path, headers={"accept": accept}) for _ in range(2)]

    assert cold.status_code == hot.status_code == 200
    assert hot.content == cold.content
    assert _stable(hot) == _stable(cold)
    assert cold.headers["x-request-id"] != hot.headers["x-request-id"]


async def test_an_etag_that_is_known_is_answered_304_hot_and_cold(client: httpx.AsyncClient) -> None:
    etag = (await client.get(PATH, headers={"x-cold": "1"})).headers["etag"]
    answers = [
        await client.get(PATH, headers={"if-none-match": value})
        for value in (etag, f"W/{etag}", f'"other", {etag}', "*")
    ]
    other = await client.get(PATH, headers={"if-none-match": '"other"'})

    assert [answer.status_code for answer in answers] == [304] * 4
    assert all(answer.content == b"" and answer.headers["etag"] == etag for answer in answers)
    assert other.status_code == 200


async def test_a_published_change_replaces_the_hot_answer(
    client: httpx.AsyncClient, running: Running
) -> None:
    path = "/status-lists/sample-revocation/credential.json"
    before = [(await client.get(path)).content for _ in range(2)]
    change = json.loads((running.settings.state_dir / "sample-revoke.json").read_text())
    await client.post(
        f"{running.operator_url}/operator/status-lists/sample/statuses",
        json=change,
        headers={"authorization": f"Bearer {running.key}"},
    )
    await asyncio.sleep(1)

    assert before[0] == before[1] != (await client.get(path)).content


async def test_head_answers_wherever_get_does(client: httpx.AsyncClient) -> None:
    schema = (await client.get("/openapi.json")).json()
    paths = [path for path, item in schema["paths"].items() if "get" in item and "{" not in path]
    for path in [*paths, PATH, "/status-lists/sample-revocation", "/problems/not-found"]:
        got, headed = await client.get(path), await client.head(path)

        assert headed.status_code == got.status_code, path
        assert headed.content == b"", path
        assert headed.headers.get("etag") == got.headers.get("etag"), path
    assert len(paths) >= 6


async def _hot_answers(client: httpx.AsyncClient, running: Running) -> int:
    """Return how many answers came from the hot table so far."""
    metrics = (await client.get(f"{running.operator_url}/metrics")).text
    counts = re.findall(r'http_requests_total\{[^}]*route="hot"[^}]*\} ([0-9.]+)', metrics)
    return int(sum(float(count) for count in counts))


async def test_head_is_answered_hot_and_makes_an_answer_hot(
    client: httpx.AsyncClient, running: Running
) -> None:
    cold = await client.head(PATH)
    before = await _hot_answers(client, running)
    hot = [await client.head(PATH), await client.get(PATH)]

    assert (before, await _hot_answers(client, running)) == (0, 2)
    assert _stable(hot[0]) == _stable(cold) == _stable(hot[1])
    assert (hot[0].content, len(hot[1].content)) == (b"", int(cold.headers["content-length"]))


async def test_no_cache_passes_the_hot_table_by_where_there_is_an_origin(
    client: httpx.AsyncClient, running: Running
) -> None:
    headers = {"cache-control": "max-age=0, no-cache"}
    for path, is_cold in ((PATH, True), ("/.well-known/did.json", False)):
        await client.get(path)
        before = await _hot_answers(client, running)
        await client.get(path, headers=headers)

        assert (await _hot_answers(client, running) == before) is is_cold


async def test_what_goes_nowhere_is_not_charged_as_outbound(
    client: httpx.AsyncClient, running: Running
) -> None:
    for did in (running.settings.did, "did:web:127.0.0.1", "did:foo:x", "junk"):
        statuses = {
            (await client.request(method, f"/1.0/identifiers/{did}", headers={"x-n": str(n)})).status_code
            for n in range(10)
            for method in ("HEAD", "POST")
        }

        assert 429 not in statuses, did


async def test_a_browser_may_read_and_ask(client: httpx.AsyncClient) -> None:
    preflight = await client.options(PATH, headers={"origin": "https://wallet.example"})
    read = await client.get(PATH, headers={"origin": "https://wallet.example"})

    assert preflight.status_code == 204
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert read.headers["access-control-allow-origin"] == "*"


async def test_a_request_id_is_kept_where_it_is_plain_and_replaced_where_it_is_not(
    client: httpx.AsyncClient,
) -> None:
    """Cold, then hot. Request ids are logged: nothing may pass that could be a DID, a key or a name."""
    plain = ("5f0c9c1e-1b7a-4c39-9c43-0f2f0d8f1a2b", "4bf92f3577b34da6a3ce929d0e0e4736")
    odd = ("a b<script>", DID, "tsk_" + "A" * 12 + "_" + "B" * 43, "Z" * 43, "alice", "abc", "")
    for path in ("/livez", PATH, PATH):
        for given in (*plain, *odd):
            found = (await client.get(path, headers={"x-request-id": given})).headers["x-request-id"]

            assert (found == given) is (given in plain), (path, given)
            assert re.fullmatch(r"[0-9a-f-]{16,36}", found)


async def test_two_lines_of_if_none_match_are_one_list(client: httpx.AsyncClient) -> None:
    """RFC 9110, section 5.3; on the way through the route, and from the hot table."""
    path = "/.well-known/did.json"
    etag = (await client.get(path, headers={"accept": "*/*"})).headers["etag"]
    lines = [[etag, '"other"'], ['"other"', etag], ['"other"', '"another"']]
    for accept in ("*/*", "application/json;q=0.1"):
        answers = [
            await client.get(path, headers=[("accept", accept), *(("if-none-match", line) for line in given)])
            for given in lines
        ]

        assert [answer.status_code for answer in answers] == [304, 304, 200]


async def test_a_client_that_hangs_up_is_no_failure_of_ours(
    client: httpx.AsyncClient, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"POST /trqp/authorization HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    caplog.set_level(logging.INFO)
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(head + b"Content-Length: 99\r\n\r\n{")
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.1)
    metrics = (await client.get(f"{running.operator_url}/metrics")).text

    assert [record.levelname for record in caplog.records if record.exc_info] == []
    assert 'route="/trqp/authorization",status="499"' in metrics
    assert 'status="500"' not in metrics


async def test_one_hot_answer_in_a_thousand_has_a_line(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "touchstone")
    for _ in range(LOG_ONE_HOT_IN + 10):
        await client.get("/.well-known/did.json")
    lines = [record.__dict__ for record in caplog.records if record.__dict__.get("route") == "hot"]

    assert [line["status"] for line in lines] == [200]
    assert lines[0]["client"] == "127.0.0.0/24"


async def test_metrics_name_no_did(client: httpx.AsyncClient, running: Running) -> None:
    for path in (PATH, f"/1.0/identifiers/{DID}%23x", "/did:key:zzz", f"/?did={DID}"):
        await client.get(path)
    metrics = (await client.get(f"{running.operator_url}/metrics")).text

    assert "touchstone_http_requests_total" in metrics
    assert "did:" not in metrics


async def test_too_many_requests_are_told_when_to_come_back(tmp_path: Path) -> None:
    question = {
        "entity_id": "x",
        "authority_id": "did:web:education.example",
        "action": "issue",
        "resource": "x",
    }

    async with (
        running_in(tmp_path, rate_cpu_per_second=1.0, trusted_proxies=("127.0.0.1/32",)) as running,
        httpx.AsyncClient(base_url=running.url, trust_env=False) as client,
    ):

        async def ask(forwarded: str) -> httpx.Response:
            return await client.post(
                "/trqp/authorization", json=question, headers={"x-forwarded-for": forwarded}
            )

        first = [await ask("203.0.113.7") for _ in range(4)]
        forged = await ask("198.51.100.1, 203.0.113.7")
        neighbour = await ask("203.0.113.8")

    assert [answer.status_code for answer in first][-1] == 429
    assert int(first[-1].headers["retry-after"]) >= 1
    assert first[-1].json()["type"].endswith("/problems/too-many-requests")
    assert forged.status_code == 429
    assert neighbour.status_code != 429
