"""A request of the corpus, and how it is put to an ASGI application."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import msgspec

CLIENT = ("203.0.113.7", 50_000)
REQUEST_ID = "00c0ffee00c0ffee"  # sent with each request, so that answers repeat it


class Case(NamedTuple):
    """
    A request.

    Attributes:
        target: path and query as they go over the wire.
        headers: beyond Host, X-Request-ID and Content-Length; `{name}` in a value is filled in by the scene.
        listener: "public" or "operator".
        has_id: whether X-Request-ID is sent.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    listener: str = "public"
    has_id: bool = True

    @property
    def is_read(self) -> bool:
        return self.method in ("GET", "HEAD")


class Raw(NamedTuple):
    """Bytes that are sent as they are; `name` says what is wrong with them."""

    name: str
    data: bytes


class Answered(NamedTuple):
    """An answer: header names in lower case, as they came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def get(target: str, **headers: str) -> Case:
    """Return a GET; `if_none_match="..."` is the header If-None-Match."""
    return Case("GET", target, _fields(headers))


def post(target: str, body: object = b"", **headers: str) -> Case:
    """Return a POST of JSON, or of bytes as they are; the type is application/json where none is given."""
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Case("POST", target, _fields({"content_type": "application/json"} | headers), data)


def of(method: str, target: str, **headers: str) -> Case:
    """Return a request of another method."""
    return Case(method, target, _fields(headers))


def _fields(headers: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", "-"), value) for name, value in headers.items() if value)


def fields_of(case: Case) -> list[tuple[str, str]]:
    """Return every header that is sent."""
    fields = [("host", "localhost:8000"), *case.headers]
    if case.has_id:
        fields.append(("x-request-id", REQUEST_ID))
    if case.body:
        fields.append(("content-length", str(len(case.body))))
    return fields


async def _at_once() -> None:
    """Let no time pass."""


async def ask(app: Any, case: Case, *, meanwhile: Callable[[], Awaitable[None]] = _at_once) -> Answered:
    """Put `case` to an ASGI application, as uvicorn would; `meanwhile` happens before the end of its body comes."""
    path, _, query = case.target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "method": case.method,
        "path": unquote_to_bytes(path).decode("utf-8", "replace"),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in fields_of(case)],
        "client": CLIENT,
        "server": ("127.0.0.1", 8_000),
        "state": {},
    }
    messages: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        await meanwhile()
        return {"type": "http.request", "body": case.body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start, *bodies = messages
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
    return Answered(start["status"], headers, b"".join(message.get("body", b"") for message in bodies))
