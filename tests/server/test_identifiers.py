"""The resolver's corpus of requests once more: over the real server, each read sent twice on a connection."""

import inspect
import json
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from resolver.results import JsonObject
from tests.process import Server
from tests.resolver import test_routes

ERRORS = test_routes.test_each_error_has_its_status_and_its_type
LEFT_OUT = ("test_the_fast_function_gives_the_bytes_that_the_route_gives",)  # It has a document of its own.


class Twice(httpx.Client):
    """Asks for everything twice, so that the second answer is hot where it can be."""

    def get(self, *args: Any, **kwargs: Any) -> httpx.Response:
        first, second = super().get(*args, **kwargs), super().get(*args, **kwargs)
        assert (first.status_code, first.content) == (second.status_code, second.content)
        return second


@pytest.fixture(scope="module", params=["false", "true"], ids=["front", "protocol"])
def base_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = Server(
        tmp_path_factory.mktemp("identifiers"),
        public_url="http://localhost:8000",
        HOT_PROTOCOL=request.param,
        RATE_CPU_PER_SECOND="100000",
        RATE_OUTBOUND_PER_SECOND="100000",
    )
    server.initialise()
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    assert server.terminate() == 0


@pytest.fixture(scope="module")
def client(base_url: str) -> Iterator[httpx.Client]:
    with Twice(base_url=base_url, trust_env=False) as client:
        yield client


@pytest.fixture(autouse=True)
def raw_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_routes, "get_raw", get_raw_twice)


def get_raw_twice(base_url: str, target: str, headers: str = "") -> tuple[int, str, JsonObject]:
    """As `get_raw`, but the request is sent a second time on the same connection, before the last."""
    request = f"GET {target} HTTP/1.1\r\nhost: x\r\n{headers}"
    with socket.create_connection(("127.0.0.1", int(base_url.rpartition(":")[2])), timeout=10) as connection:
        connection.sendall(f"{request}\r\n".encode())
        first = _receive(connection)
        connection.sendall(f"{request}\r\n{request}connection: close\r\n\r\n".encode())
        second, last = _receive(connection), _receive(connection)
    assert first[2] == second[2] == last[2]
    status, content_type, body = second
    return status, content_type, json.loads(body)


def _receive(connection: socket.socket) -> tuple[int, str, bytes]:
    """Read exactly one answer with a Content-Length."""
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, f"the server closed after {received!r}"
        received += byte
    found = re.search(rb"content-length: (\d+)", received)
    assert found is not None
    body = b""
    while len(body) < int(found[1]):
        body += connection.recv(int(found[1]) - len(body))
    content_type = re.search(rb"content-type: ([^\r]*)", received)
    assert content_type is not None
    return int(received.split(b" ")[1]), content_type[1].decode(), body


def _of_the_corpus(name: str, found: Callable[..., object]) -> bool:
    if not name.startswith("test_") or name in LEFT_OUT:
        return False
    return not {"client", "base_url"}.isdisjoint(inspect.signature(found).parameters)


globals().update({name: found for name, found in vars(test_routes).items() if _of_the_corpus(name, found)})


# The server as a whole knows one spelling of a path, and answers 404 to others; the routes alone cannot.
@pytest.mark.parametrize(
    ("target", "status", "error"),
    [case for case in ERRORS.pytestmark[0].args[1] if "%69" not in case[0]],  # type: ignore[attr-defined]
)
def test_each_error_has_its_status_and_its_type(base_url: str, target: str, status: int, error: str) -> None:
    ERRORS(base_url, target, status, error)
