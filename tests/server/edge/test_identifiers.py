"""The resolver's corpus of requests once more: over our layers, each read sent twice on a connection."""

import inspect
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.response.base import ASGIResponse

from resolver import Resolver
from resolver.binding.routes import build_routes
from resolver.results import JsonObject
from server.edge.answers import ANSWER_KEY
from server.edge.callers import ClientAddresses
from server.edge.front import Front
from server.edge.hot_protocol import hot_protocol_class
from server.edge.hot_table import HotTable
from server.edge.identifiers import Identifiers
from server.edge.protocol import protocol_class
from server.edge.protocol_limits import ProtocolLimits
from server.telemetry.counters import Telemetry
from tests.resolver.binding import test_routes

ERRORS = test_routes.test_each_error_has_its_status_and_its_type


class Twice(httpx.Client):
    """Asks for everything twice, so that the second answer is hot where it can be."""

    def get(self, *args: Any, **kwargs: Any) -> httpx.Response:
        first, second = super().get(*args, **kwargs), super().get(*args, **kwargs)
        assert (first.status_code, first.content) == (second.status_code, second.content)
        return second


class KeptResponse(test_routes.PlainResponse):
    """Leaves its answer where the layer in front finds it for the hot table."""

    def to_asgi_response(self, request: Any, **_: Any) -> ASGIResponse:  # type: ignore[override]
        request.scope[ANSWER_KEY] = self.content
        return super().to_asgi_response()


def _front(resolver: Resolver) -> Front:
    return Front(
        Litestar(build_routes(resolver), response_class=KeptResponse, logging_config=None),
        base_url="http://localhost:8000",
        telemetry=Telemetry(),
        addresses=ClientAddresses(()),
        clock=time.time,
        hot=HotTable(max_bytes=10_000_000, clock=time.time),
        identifiers=Identifiers(resolver),
    )


@pytest.fixture(scope="module", params=[False, True], ids=["front", "protocol"])
def base_url(request: pytest.FixtureRequest) -> Iterator[str]:
    front = _front(test_routes.resolver_of_ours())
    limits = ProtocolLimits(
        head_timeout=9, body_timeout=9, max_connections_per_client=99, addresses=ClientAddresses(())
    )
    assert front.reads is not None
    protocol = hot_protocol_class(limits, front.reads) if request.param else protocol_class(limits)
    with test_routes.serving(front, http=protocol) as url:
        yield url


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
    return name.startswith("test_") and not {"client", "base_url"}.isdisjoint(
        inspect.signature(found).parameters
    )


globals().update({name: found for name, found in vars(test_routes).items() if _of_the_corpus(name, found)})


# The server as a whole knows one spelling of a path, and answers 404 to others; the routes alone cannot.
@pytest.mark.parametrize(
    ("target", "status", "error"),
    [case for case in ERRORS.pytestmark[0].args[1] if "%69" not in case[0]],  # type: ignore[attr-defined]
)
def test_each_error_has_its_status_and_its_type(base_url: str, target: str, status: int, error: str) -> None:
    ERRORS(base_url, target, status, error)
