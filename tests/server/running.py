"""The real server in this process, on free ports and a fresh directory, for tests over real sockets."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from server.commands.database.bootstrap import initialise, operator_key_path
from server.node.process import bind_sockets, serve
from server.settings import Settings
from tests.process import free_port


class Running:
    """Where a running server listens, and the key of its operator."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.url = settings.public_url
        self.operator_url = f"http://{settings.operator_bind}"
        self.port = int(settings.bind.rpartition(":")[2])
        self.operator_port = int(settings.operator_bind.rpartition(":")[2])
        self.key = operator_key_path(settings).read_text().strip()
        self.authorization = {"authorization": f"Bearer {self.key}"}


def settings_in(directory: Path, **changes: Any) -> Settings:
    port = free_port()
    settings = Settings(
        public_url=f"http://localhost:{port}",
        bind=f"127.0.0.1:{port}",
        operator_bind=f"127.0.0.1:{free_port()}",
        database_url=f"sqlite:///{directory}/var/test.db",
        key_dir=f"{directory}/var/keys",
        head_timeout_seconds=0.4,
        body_timeout_seconds=0.4,
        observe_interval_seconds=0,  # The sample names hosts; no test asks the network for them.
    )
    return msgspec.structs.replace(settings, **changes)


def quiet(_: str) -> None:
    """Take the place of a terminal."""


@asynccontextmanager
async def running_in(directory: Path, **changes: Any) -> AsyncIterator[Running]:
    """Initialise with the sample, serve, and stop at the end."""
    settings = settings_in(directory, **changes)
    await initialise(settings, sample=True, say=quiet)
    ready = asyncio.Event()
    sockets = bind_sockets(settings)
    task = asyncio.create_task(serve(settings, sockets, ready.set))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    try:
        yield Running(settings)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        sockets.close()


def converse(port: int, *parts: bytes, pause: float = 0.0, seconds: float = 5.0) -> bytes:
    """Send `parts`, `pause` seconds apart, and return what comes until the server closes or is silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        for part in parts:
            try:
                connection.sendall(part)
            except ConnectionError:
                break
            time.sleep(pause)
        return receive_all(connection)


def receive_all(connection: socket.socket) -> bytes:
    """Return everything until the server closes; a server that keeps the connection fails the test."""
    received = b""
    try:
        while part := connection.recv(65_536):
            received += part
    except ConnectionResetError:
        pass
    return received


class Response(msgspec.Struct, frozen=True):
    """One HTTP response as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes


def responses_of(received: bytes) -> list[Response]:
    """Read `received` as complete responses with Content-Length; anything left over fails the test."""
    responses = []
    while received:
        head, blank, rest = received.partition(b"\r\n\r\n")
        assert blank, f"an incomplete head: {received[:200]!r}"
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(status_line.removeprefix("HTTP/1.1 ")[:3])
        length = 0 if status < 200 or status in (204, 304) else int(headers["content-length"])
        assert len(rest) >= length, f"an incomplete body: {rest[:200]!r}"
        responses.append(Response(status, headers, rest[:length]))
        received = rest[length:]
    return responses
