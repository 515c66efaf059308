"""What is refused over real sockets: bodies and requests that are none, paths, methods, who has no key."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.server.running import Running

pytestmark = pytest.mark.anyio


@pytest.fixture
async def client(shared: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=shared.url, trust_env=False) as opened:
        yield opened


BAD_BODIES = [
    (b"{", 400),
    (b'{"entity_id": 1}', 400),
    (b"[" * 30_000, 400),
    (b'{"entity_id": "\xff"}', 400),
    (b'{"entity_id": "a", "entity_id": "b"}', 400),
    (b'"' + b"a" * 70_000 + b'"', 413),
]


@pytest.mark.parametrize(("body", "status"), BAD_BODIES)
@pytest.mark.parametrize("path", ["/trqp/authorization", "/status/check"])
async def test_a_bad_body_is_a_problem_that_names_its_page(
    client: httpx.AsyncClient, path: str, body: bytes, status: int
) -> None:
    answer = await client.post(path, content=body, headers={"content-type": "application/json"})
    problem = answer.json()
    page = await client.get(problem["type"])

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == status
    assert page.status_code == 200


async def test_the_frameworks_own_errors_are_problems_too(client: httpx.AsyncClient) -> None:
    missing = await client.get("/nowhere")
    method = await client.delete("/trqp/authorization")
    media = await client.post("/trqp/authorization", content=b"x", headers={"content-type": "text/plain"})

    assert [answer.status_code for answer in (missing, method, media)] == [404, 405, 415]
    assert {answer.headers["content-type"] for answer in (missing, method, media)} == {
        "application/problem+json"
    }
    assert method.headers["allow"] == "OPTIONS, POST"


async def test_the_public_listener_serves_only_public_routes(client: httpx.AsyncClient) -> None:
    public_ready = (await client.get("/readyz")).json()

    assert [(await client.get(path)).status_code for path in ("/metrics", "/operator/status-lists")] == [
        404,
        404,
    ]
    assert public_ready == {"status": "ready"}


@pytest.mark.parametrize(
    "path",
    [
        "/livez/",
        "//livez",
        "/%6Civez",
        "/status-lists/sample-revocation/",
        "/status-lists//sample-revocation",
    ],
)
async def test_a_second_spelling_of_a_path_is_no_resource(
    client: httpx.AsyncClient, shared: Running, path: str
) -> None:
    assert (await client.get(shared.url + path)).status_code == 404


async def test_operators_need_a_key(client: httpx.AsyncClient, shared: Running) -> None:
    url = f"{shared.operator_url}/operator/status-lists"
    without = await client.get(url)
    wrong = await client.get(url, headers={"authorization": "Bearer tsk_" + "A" * 12 + "_" + "B" * 43})
    right = await client.get(url, headers={"authorization": f"Bearer {shared.key}"})

    assert [answer.status_code for answer in (without, wrong, right)] == [401, 401, 200]
    assert without.headers["www-authenticate"].startswith("Bearer")


RAW = {
    "two lengths": (
        b"POST /trqp/authorization HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        400,
    ),
    "length and chunks": (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "no host": (b"GET /livez HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "huge head": (b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", 431),
    "many headers": (b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 70 + b"\r\n", 431),
    "garbage": (b"\x00\x01\x02 nonsense\r\n\r\n", 400),
    "bad chunk": (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "NUL in a header": (b"GET /livez HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n", 400),
    "slow head": (b"GET /livez HTTP/1.1\r\nHost:", 408),
    "slow body": (
        b"POST /trqp/authorization HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\na",
        408,
    ),
    "absolute form": (b"GET http://x/livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200),
    "plain": (b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 200),
}


def _send(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(data)
        received = b""
        while part := connection.recv(65_536):
            received += part
        return received


@pytest.mark.parametrize("name", RAW)
async def test_raw_requests_are_answered_once_and_in_full(shared: Running, name: str) -> None:
    data, status = RAW[name]
    received = await asyncio.to_thread(_send, shared.port, data)
    head, _, body = received.partition(b"\r\n\r\n")

    assert int(head.split()[1]) == status, received
    assert f"content-length: {len(body)}".encode() in head.lower()
    assert await asyncio.to_thread(_send, shared.port, RAW["plain"][0])
