"""
httpx's transport over connections that lead only to addresses which were checked, and are kept for a while.

Loaded by `fetch.py` at the first fetch, so that `import resolver` pays for neither httpx nor h11. It is used
without a client of httpx: there are no cookies, redirects, proxies or credentials to switch off, no log line
with the URL in it, and a client costs more than all that is here. Why not httpcore: docs/decisions/0006.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

import httpx

from resolver.connection import Connection, ConnectionStale
from resolver.fetch_errors import FetchError, OriginTimedOut, OriginUnreachable, OriginUntrusted
from resolver.results import Fetched, FetchPlan

Dial = Callable[[str, int], Awaitable[socket.socket]]
AddressesOf = Callable[[str, int], Awaitable[list[str]]]

MAX_IDLE = 64  # connections kept; as many as there are fetches at a time
IDLE_SECONDS = 30.0  # a connection unused for so long is closed
LIFETIME_SECONDS = 60.0  # after so long the name is looked up, and its addresses are checked, again


async def get(transport: "CheckedTransport", plan: FetchPlan, headers: Mapping[str, str]) -> Fetched:
    """
    Fetch `plan` through `transport`.

    Raises:
        FetchError: see `fetch_errors.py`; the caller sets the deadline.
    """
    # From the parts: parsing a string is where `https://a\@b` has become another host.
    target = plan.path.encode("ascii")
    url = httpx.URL(scheme="https", host=plan.host, port=plan.port, raw_path=target)
    if url.host != plan.host or url.raw_path != target:
        raise ValueError("the plan's host or path is not in its normal form")
    return await get_url(transport, url, headers, plan.max_bytes)


async def get_url(
    transport: "CheckedTransport", url: httpx.URL, headers: Mapping[str, str], max_bytes: int
) -> Fetched:
    """Fetch `url` through `transport`; as `get`."""
    request = httpx.Request("GET", url, headers=dict(headers), extensions={"max_bytes": max_bytes})
    response = await transport.handle_async_request(request)
    return Fetched(status=response.status_code, headers=dict(response.headers), body=response.content)


class Place(NamedTuple):
    """Who answers: a connection serves one place only. The TLS server name is `host`."""

    scheme: str
    host: str
    port: int


async def dial_tcp(address: str, port: int) -> socket.socket:
    """Connect to an IP address (never a name: nothing is looked up here)."""
    connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, (address, port))
    except BaseException:
        connection.close()
        raise
    return connection


class CheckedTransport(httpx.AsyncBaseTransport):
    """
    Sends GET requests, each on a kept connection to its place or on a new one.

    Args:
        addresses_of: host and port to the addresses to dial, the next one where one does not answer; refuses.
        spend: called with the address before each request to it; refuses.
        dial: connects to an address.
        ssl_context: for https.
        connect_seconds: for each attempt to connect.
        max_head_bytes: of an answer.
        clock: monotonic seconds.

    The cap of the body is `request.extensions["max_bytes"]`. Deadlines are the caller's; a request that is
    cancelled aborts its connection.
    """

    def __init__(
        self,
        *,
        addresses_of: AddressesOf,
        spend: Callable[[str], None],
        dial: Dial,
        ssl_context: ssl.SSLContext,
        connect_seconds: float,
        max_head_bytes: int,
        clock: Callable[[], float],
    ) -> None:
        self._addresses_of = addresses_of
        self._spend = spend
        self._dial = dial
        self._ssl_context = ssl_context
        self._connect_seconds = connect_seconds
        self._max_head_bytes = max_head_bytes
        self._clock = clock
        self._idle = _Idle(clock)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """
        Send `request` (a GET) and return its answer, the body read.

        Raises:
            FetchError: see `fetch_errors.py`.
        """
        url = request.url
        place = Place(url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80))
        response = await self._on_kept(place, request) or await self._on_new(place, request)
        response.request = request
        return response

    async def aclose(self) -> None:
        await self._idle.aclose()

    async def _on_kept(self, place: Place, request: httpx.Request) -> httpx.Response | None:
        """Return the answer on a kept connection; None: there is none, or the origin has just closed it."""
        connection = self._idle.take(place)
        if connection is None:
            return None
        try:
            self._spend(connection.address)
        except FetchError:
            self._idle.put(place, connection)
            raise
        try:
            return await self._exchange(place, connection, request)
        except ConnectionStale:
            return None

    async def _on_new(self, place: Place, request: httpx.Request) -> httpx.Response:
        return await self._exchange(place, await self._connected(place), request)

    async def _exchange(self, place: Place, connection: Connection, request: httpx.Request) -> httpx.Response:
        answer = await connection.get(
            request.url.raw_path, request.headers.raw, request.extensions["max_bytes"]
        )
        if connection.is_idle:
            self._idle.put(place, connection)
        response = httpx.Response(answer.status, headers=answer.headers, stream=httpx.ByteStream(answer.body))
        response.read()
        return response

    async def _connected(self, place: Place) -> Connection:
        """Return a connection to the first address that accepts one."""
        failed: FetchError = OriginUnreachable("the host name has no address")
        for address in await self._addresses_of(place.host, place.port):
            self._spend(address)
            try:
                dialled = await self._dial_within(address, place.port)
            except (OriginUnreachable, OriginTimedOut) as error:
                failed = error
                continue
            reader, writer = await self._streams(dialled, place)
            return Connection(
                reader,
                writer,
                address=address,
                opened_at=self._clock(),
                max_head_bytes=self._max_head_bytes,
            )
        raise failed

    async def _dial_within(self, address: str, port: int) -> socket.socket:
        try:
            async with asyncio.timeout(self._connect_seconds):
                return await self._dial(address, port)
        except TimeoutError:
            raise OriginTimedOut("the origin did not accept a connection in time") from None
        except OSError:
            raise OriginUnreachable("the origin does not accept connections") from None

    async def _streams(
        self, dialled: socket.socket, place: Place
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Put streams, and TLS, on a connected socket. No session is resumed: each chain is verified."""
        try:
            if place.scheme != "https":
                return await asyncio.open_connection(sock=dialled)
            return await asyncio.open_connection(
                sock=dialled, ssl=self._ssl_context, server_hostname=place.host
            )
        except ssl.SSLError as error:
            raise OriginUntrusted(f"TLS failed: {error.reason or 'handshake'}") from None
        except OSError:
            raise OriginUnreachable("the origin closed the connection during the TLS handshake") from None


class _Idle:
    """Connections kept for the next request, the newest first. Used on one event loop."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: deque[tuple[Place, Connection, float]] = deque()  # in the order in which they became idle
        self._sweeping: asyncio.TimerHandle | None = None

    def take(self, place: Place) -> Connection | None:
        """Return a connection that is still good, and keep it no more."""
        for kept in reversed(list(self._kept)):
            if kept[0] == place:
                self._kept.remove(kept)
                if self._is_good(kept):
                    return kept[1]
                kept[1].abort()
        return None

    def put(self, place: Place, connection: Connection) -> None:
        self._kept.append((place, connection, self._clock()))
        if len(self._kept) > MAX_IDLE:
            self._kept.popleft()[1].abort()
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._sweep)

    async def aclose(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
        connections = [connection for _, connection, _ in self._kept]
        self._kept.clear()
        for connection in connections:
            connection.abort()
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await asyncio.gather(*(connection.closed() for connection in connections))

    def _is_good(self, kept: tuple[Place, Connection, float]) -> bool:
        _, connection, idle_since = kept
        now = self._clock()
        young = now - connection.opened_at < LIFETIME_SECONDS and now - idle_since < IDLE_SECONDS
        return young and connection.is_idle

    def _sweep(self) -> None:
        good = [kept for kept in self._kept if self._is_good(kept)]
        for kept in self._kept:
            if kept not in good:
                kept[1].abort()
        self._kept = deque(good)
        self._sweeping = None
        if good:
            self._sweeping = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._sweep)
