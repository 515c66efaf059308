"""
A fake web of names and hosts behind the real guard.

    async with World() as world:
        issuer = world.host("issuer.example")
        issuer.publish("/.well-known/did.json", {"id": "did:web:issuer.example"})
        async with world.guard() as guard:
            fetched = await guard.fetch_stranger(plan_of("https://issuer.example/.well-known/did.json"))

Names lead to public-looking addresses; every host is a real TLS server on loopback, and only `dial`, which
the guard calls after its checks, knows which port that is. So everything between is the production code.
`world.resolutions`, `world.dials` and `world.requests` record what really happened, in order.
"""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import cache
from types import TracebackType
from typing import Any, NamedTuple, Self

import trustme

from resolver.outbound.errors import NameNotFound
from resolver.outbound.fetch import DEFAULT_LIMITS, Guard, GuardLimits
from resolver.outbound.transport import dial_tcp


class Request(NamedTuple):
    """A request as a host saw it; header names in lower case."""

    host: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


Script = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


class Host:
    """One web server: its name, its address, its certificate, and what it answers at which target."""

    def __init__(self, world: "World", name: str, address: str, context: ssl.SSLContext) -> None:
        self.name = name
        self.address = address
        self._world = world
        self._context = context
        self._scripts: dict[str, Script] = {}
        self._port: int | None = None

    def answer(self, target: str, script: Script) -> None:
        """Answer requests for `target` (path and query) by `script`; other targets get 404."""
        self._scripts[target] = script

    def publish(self, target: str, document: Any, **headers: str) -> None:
        """Serve `document` as JSON; an `etag` among `headers` (`cache_control="..."`) is answered by 304."""
        body = json.dumps(document).encode()
        self.answer(target, canned(body, 200, **({"content_type": "application/json"} | headers)))

    async def port(self) -> int:
        """Return the loopback port, starting the server at the first call."""
        if self._port is None:
            server = await self._world.started(self._serve, self._context)
            self._port = server.sockets[0].getsockname()[1]
        return self._port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                request = await self._request(reader)
                self._world.requests.append(request)
                await self._scripts.get(request.target, canned(b"{}", 404))(request, writer)
                await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def _request(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Request(self.name, method, target, headers, body)


class World:
    """Names, addresses and hosts; an asynchronous context manager that stops its servers."""

    def __init__(self) -> None:
        self.resolutions: list[tuple[str, int]] = []
        self.dials: list[tuple[str, int]] = []
        self.requests: list[Request] = []
        self._names: dict[str, list[list[str]]] = {}
        self._hosts: dict[str, Host] = {}
        self._stack = AsyncExitStack()
        self._handlers: set[asyncio.Task[None]] = set()

    def host(self, name: str, address: str = "", *, certificate_for: str = "", trusted: bool = True) -> Host:
        """Add a host; the certificate is for another name, or from an unknown authority, where asked."""
        address = address or f"93.184.{len(self._hosts) // 250}.{len(self._hosts) % 250 + 1}"
        host = Host(self, name, address, _server_context(certificate_for or name, trusted))
        self._hosts[address] = host
        self.name(name, [address])
        return host

    def name(self, name: str, *answers: list[str]) -> None:
        """
        Let `name` resolve to each of `answers` in turn, and to the last of them from then on.

        An empty answer is a name without addresses; without any answer the name does not exist.
        """
        self._names[name] = list(answers)

    async def resolve_name(self, host: str, port: int) -> list[str]:
        self.resolutions.append((host, port))
        answers = self._names.get(host)
        if not answers:
            raise NameNotFound("the host name does not exist")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def dial(self, address: str, port: int) -> socket.socket:
        self.dials.append((address, port))
        host = self._hosts.get(address)
        if host is None:
            raise ConnectionRefusedError(address)
        return await self.loopback(await host.port())

    async def loopback(self, port: int) -> socket.socket:
        """Connect to a server of this world."""
        return await dial_tcp("127.0.0.1", port)

    @asynccontextmanager
    async def guard(self, limits: GuardLimits = DEFAULT_LIMITS, **parameters: Any) -> AsyncIterator[Guard]:
        """Yield the real guard, in this world."""
        parameters = {"resolve_name": self.resolve_name, "dial": self.dial} | parameters
        guard = Guard(limits=limits, ssl_context=client_context(), **parameters)
        try:
            yield guard
        finally:
            await guard.aclose()

    async def started(
        self,
        serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
        context: ssl.SSLContext | None,
    ) -> asyncio.Server:
        """Start a server on loopback; without a context it speaks no TLS."""

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._handlers.add(task)
            task.add_done_callback(self._handlers.discard)
            try:
                with suppress(asyncio.CancelledError, OSError):  # The world ends, or the other side is gone.
                    await serve(reader, writer)
            finally:
                writer.transport.abort()

        server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context, backlog=1_024)
        return await self._stack.enter_async_context(_closing(server))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in list(self._handlers):
            task.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await self._stack.aclose()


def canned(body: bytes = b"", status: int = 200, **headers: str) -> Script:
    """
    Answer `status` with `headers` (`cache_control="..."`) and `body`; 304 where the ETag matches.

    The connection is kept, unless `connection="close"` is among the headers.
    """
    fields = {name.replace("_", "-"): value for name, value in headers.items()}

    async def script(request: Request, writer: asyncio.StreamWriter) -> None:
        if "etag" in fields and request.headers.get("if-none-match") == fields["etag"]:
            writer.write(_head(304, fields))
            return
        writer.write(_head(status, {"content-length": str(len(body))} | fields) + body)
        if fields.get("connection") == "close":
            writer.close()

    return script


def held(until: asyncio.Event, script: Script) -> Script:
    """Answer by `script` once `until` is set."""

    async def wait(request: Request, writer: asyncio.StreamWriter) -> None:
        await until.wait()
        await script(request, writer)

    return wait


def raw(*pieces: bytes, seconds_between: float = 0.0) -> Script:
    """Send `pieces` as they are, then close: malformed heads, bodies cut short, drips."""

    async def script(_: Request, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(seconds_between)
        writer.close()

    return script


def drip_head(seconds_between: float) -> Script:
    """Send a head that never ends, one byte of a hundred at a time."""
    return raw(b"HTTP/1.1 200 OK\r\nx: ", *([b"a"] * 100), seconds_between=seconds_between)


def drip_body(seconds_between: float) -> Script:
    """Send a head at once, then a body of a hundred bytes, one at a time."""
    return raw(_head(200, {"content-length": "100"}), *([b" "] * 100), seconds_between=seconds_between)


def endless_body() -> Script:
    """Send chunks of a body until the other side closes."""

    async def script(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(_head(200, {"transfer-encoding": "chunked"}))
        while not writer.is_closing():
            writer.write(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0)  # Draining a connection that is gone does not let others run.

    return script


@cache
def _authority(trusted: bool) -> trustme.CA:
    return trustme.CA(organization_name="trusted" if trusted else "unknown")


@cache
def _server_context(name: str, trusted: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    _authority(trusted).issue_cert(name).configure_cert(context)
    return context


def authority_pem() -> bytes:
    """Return the certificate of the authority that is trusted, for a server in another process."""
    return _authority(True).cert_pem.bytes()


@cache
def client_context() -> ssl.SSLContext:
    """Return the guard's default, but for the authority that is trusted."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _authority(True).configure_trust(context)
    return context


def certificate_of_authority() -> bytes:
    """Return the certificate of the authority that hosts have theirs from, in PEM."""
    return _authority(True).cert_pem.bytes()


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Simulated\r\n{lines}\r\n".encode("latin-1")


@asynccontextmanager
async def _closing(server: asyncio.Server) -> AsyncIterator[asyncio.Server]:
    try:
        yield server
    finally:
        server.close()
        await server.wait_closed()
