"""The corpus over real sockets: what uvicorn and our protocols make of a request, and what they refuse."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, nullcontext, suppress

import uvicorn

from server.edge.callers import ClientAddresses
from server.edge.hot_protocol import hot_protocol_class
from server.edge.protocol import protocol_class
from server.edge.protocol_limits import ProtocolLimits
from tests.server.http_corpus.asking import Answered, Case, Raw, fields_of
from tests.server.http_corpus.world import Scene
from tests.server.running import responses_of


class Wire:
    """A connection to a listener, made anew whenever the other side has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, case: Case) -> Answered:
        lines = [
            f"{case.method} {case.target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in fields_of(case)),
        ]
        reader, writer = await self._connected()
        writer.write("\r\n".join([*lines, "", ""]).encode() + case.body)
        head = await reader.readuntil(b"\r\n\r\n")
        answered = _answered(head)
        has_body = case.method != "HEAD" and answered.status not in (204, 304)
        length = next((int(value) for name, value in answered.headers if name == "content-length"), 0)
        body = await reader.readexactly(length) if has_body else b""
        if reader.at_eof() or ("connection", "close") in answered.headers:
            await self.close()
        return answered._replace(body=body)

    async def converse(self, raw: Raw) -> list[Answered]:
        """Send `raw`, and return all answers that come until the other side closes."""
        await self.close()
        reader, writer = await self._connected()
        with suppress(ConnectionError):
            writer.write(raw.data)
            await writer.drain()
        received = b""
        with suppress(ConnectionError):
            while part := await reader.read(65_536):
                received += part
        await self.close()
        return [
            Answered(found.status, tuple(_kept(found.headers.items())), found.body)
            for found in responses_of(received)
        ]

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self._reader, self._writer

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            with suppress(ConnectionError):
                await self._writer.wait_closed()
        self._reader = self._writer = None


def _answered(head: bytes) -> Answered:
    status, *lines = head.decode("latin-1").rstrip().split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return Answered(
        int(status.split()[1]), tuple(_kept((name.lower(), value) for name, _, value in pairs)), b""
    )


def _kept(headers: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return ((name, value) for name, value in headers if name != "date")


class _Server(uvicorn.Server):
    """A server that leaves the signals to the test."""

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        return nullcontext()


@asynccontextmanager
async def listening(scene: Scene, listener: str, *, hot: bool, patience: float) -> AsyncIterator[Wire]:
    """Serve an application as a worker does, with hot answers by the layer in front or by the protocol."""
    app, settings = scene.apps[listener], scene.services.settings
    limits = ProtocolLimits(
        head_timeout=patience,
        body_timeout=patience,
        max_connections_per_client=settings.max_connections_per_client,
        addresses=ClientAddresses(settings.trusted_proxies),
        base_url=settings.public_url,
        is_public=listener == "public",
    )
    server = _Server(
        uvicorn.Config(
            app,
            http=hot_protocol_class(limits, app.reads) if hot else protocol_class(limits),
            port=0,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
        )
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.001)
    wire = Wire(server.servers[0].sockets[0].getsockname()[1])
    try:
        yield wire
    finally:
        await wire.close()
        server.should_exit = True
        await serving
