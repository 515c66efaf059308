"""
Requests over connections that lead only to addresses which were checked, and are kept for a while. Service.

Loaded by `fetch.py` at the first fetch. It has no cookies, redirects, proxies or credentials to switch off.
Why neither httpx nor h11 carry the fetch: docs/decisions/0006.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping

from resolver.outbound.connection import Connection, ConnectionStale
from resolver.outbound.errors import FetchError, OriginTimedOut, OriginUnreachable, OriginUntrusted
from resolver.outbound.request import Place, request_of
from resolver.results import Fetched

Dial = Callable[[str, int], Awaitable[socket.socket]]
AddressesOf = Callable[[str, int], Awaitable[list[str]]]

MAX_IDLE = 64  # connections kept; as many as there are fetches at a time
IDLE_SECONDS = 30.0  # a connection unused for so long is closed
LIFETIME_SECONDS = 60.0  # after so long the name is looked up, and its addresses are checked, again


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


class Transport:
    """
    Sends requests, each on a kept connection to its place or on a new one. Used on one event loop.

    Args:
        addresses_of: host and port to the addresses to dial, the next one where one does not answer; refuses.
        spend: awaited with the address, and whether the document is known, before each request to it; refuses.
        dial: connects to an address.
        ssl_context: for https.
        connect_seconds: for each attempt to connect.
        max_head_bytes: of an answer.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        *,
        addresses_of: AddressesOf,
        spend: Callable[[str, bool], Awaitable[None]],
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

    async def ask(
        self,
        place: Place,
        target: str,
        headers: Mapping[str, str],
        max_bytes: int,
        *,
        until: float,
        is_known: bool = False,
        body: bytes | None = None,
    ) -> Fetched:
        """
        Ask `place` for `target`; cancelling aborts the connection.

        Args:
            body: sent with POST, and perhaps twice: where an origin closes a kept connection without an answer,
                nobody knows whether it has read it.
            until: the deadline, by the clock of the event loop; it cuts short no wait for a token.

        Raises:
            TimeoutError: the answer was not complete by then.
            FetchError: see `errors.py`.
            ValueError: as `request_of`.
        """
        request = request_of(place, target, headers, body)
        fetched = await self._on_kept(place, request, max_bytes, until, is_known)
        if fetched is not None:
            return fetched
        async with asyncio.timeout_at(until):
            connection = await self._connected(place, is_known)
        return await self._exchange(place, connection, request, max_bytes, until)

    def close(self) -> None:
        """Close the connections that were kept."""
        self._idle.close()

    async def _on_kept(
        self, place: Place, request: bytes, max_bytes: int, until: float, is_known: bool
    ) -> Fetched | None:
        """Return the answer on a kept connection; None: there is none, or the origin has just closed it."""
        connection = self._idle.take(place)
        if connection is None:
            return None
        try:
            await self._spend(connection.address, is_known)
        except BaseException:
            self._idle.put(place, connection)
            raise
        try:
            return await self._exchange(place, connection, request, max_bytes, until)
        except ConnectionStale:
            return None

    async def _exchange(
        self, place: Place, connection: Connection, request: bytes, max_bytes: int, until: float
    ) -> Fetched:
        fetched = await connection.ask(request, max_bytes, until)
        if connection.is_idle:
            self._idle.put(place, connection)
        return fetched

    async def _connected(self, place: Place, is_known: bool) -> Connection:
        """Return a connection to the first address that accepts one."""
        failed: FetchError = OriginUnreachable("the host name has no address")
        for address in await self._addresses_of(place.host, place.port):
            await self._spend(address, is_known)
            try:
                dialled = await self._dial_within(address, place.port)
            except (OriginUnreachable, OriginTimedOut) as error:
                failed = error
                continue
            return await self._secured(dialled, place, address)
        raise failed

    async def _dial_within(self, address: str, port: int) -> socket.socket:
        try:
            async with asyncio.timeout(self._connect_seconds):
                return await self._dial(address, port)
        except TimeoutError:
            raise OriginTimedOut("the origin did not accept a connection in time") from None
        except OSError:
            raise OriginUnreachable("the origin does not accept connections") from None

    async def _secured(self, dialled: socket.socket, place: Place, address: str) -> Connection:
        """Put the protocol, and TLS, on a connected socket. No session is resumed: each chain is verified."""
        connection = Connection(address=address, opened_at=self._clock(), max_head_bytes=self._max_head_bytes)
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: connection,
                sock=dialled,
                ssl=self._ssl_context if place.is_tls else None,
                server_hostname=place.host if place.is_tls else None,
            )
        except ssl.SSLError as error:
            raise OriginUntrusted(f"TLS failed: {error.reason or 'handshake'}") from None
        except OSError:
            raise OriginUnreachable("the origin closed the connection during the TLS handshake") from None
        return connection


class _Idle:
    """Connections kept for the next request, of each place the newest first. Used on one event loop."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        # With the time since which each is idle, in the order in which they became so.
        self._kept: dict[Place, list[tuple[Connection, float]]] = {}
        self._count = 0
        self._sweeping: asyncio.TimerHandle | None = None

    def take(self, place: Place) -> Connection | None:
        """Return a connection that is still good, and keep it no more."""
        while place in self._kept:
            connection, idle_since = self._out_of(place, -1)
            if self._is_good(connection, idle_since):
                return connection
            connection.abort()
        return None

    def put(self, place: Place, connection: Connection) -> None:
        self._kept.setdefault(place, []).append((connection, self._clock()))
        self._count += 1
        if self._count > MAX_IDLE:
            longest = min(self._kept, key=lambda place: self._kept[place][0][1])
            self._out_of(longest, 0)[0].abort()
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._sweep)

    def close(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
        for place in list(self._kept):
            while place in self._kept:
                self._out_of(place, -1)[0].abort()

    def _out_of(self, place: Place, index: int) -> tuple[Connection, float]:
        kept = self._kept[place]
        self._count -= 1
        if len(kept) == 1:
            del self._kept[place]
        return kept.pop(index)

    def _is_good(self, connection: Connection, idle_since: float) -> bool:
        now = self._clock()
        young = now - connection.opened_at < LIFETIME_SECONDS and now - idle_since < IDLE_SECONDS
        return young and connection.is_idle

    def _sweep(self) -> None:
        """Close what is not good any more; look again as long as there are connections."""
        kept, self._kept, self._count = self._kept, {}, 0
        for place, connections in kept.items():
            for connection, idle_since in connections:
                if self._is_good(connection, idle_since):
                    self._kept.setdefault(place, []).append((connection, idle_since))
                    self._count += 1
                else:
                    connection.abort()
        self._sweeping = None
        if self._kept:
            self._sweeping = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._sweep)
