"""
GET requests over connections that lead only to addresses which were checked, and are kept for a while. Service.

Loaded by `fetch.py` at the first fetch. It has no cookies, redirects, proxies or credentials to switch off.
Why neither httpx nor h11 carry the fetch: docs/decisions/0006.
"""

import asyncio
import re
import socket
import ssl
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from resolver.outbound.connection import Connection, ConnectionStale
from resolver.outbound.errors import FetchError, OriginTimedOut, OriginUnreachable, OriginUntrusted
from resolver.results import Fetched

Dial = Callable[[str, int], Awaitable[socket.socket]]
AddressesOf = Callable[[str, int], Awaitable[list[str]]]

MAX_IDLE = 64  # connections kept; as many as there are fetches at a time
IDLE_SECONDS = 30.0  # a connection unused for so long is closed
LIFETIME_SECONDS = 60.0  # after so long the name is looked up, and its addresses are checked, again

# RFC 9112, section 3.2.1 (origin-form), and RFC 9110, section 5.5, both without obs-text.
_TARGET = re.compile(r"/[\x21-\x7e]*")
_HEADERS = re.compile(r"(?:[A-Za-z0-9-]+: [\x20-\x7e\t]*\r\n)*")


class Place(NamedTuple):
    """Who answers: a connection serves one place only. The TLS server name is `host`."""

    is_tls: bool
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


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


def request_of(place: Place, target: str, headers: Mapping[str, str]) -> bytes:
    """
    Return the bytes of a GET for `target`, a path and query in ASCII.

    Raises:
        ValueError: the target or a header would be another request on the wire.
    """
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if not _TARGET.fullmatch(target) or not _HEADERS.fullmatch(lines) or lines.count("\n") != len(headers):
        raise ValueError("the target or a header of the request has a character that does not belong there")
    return f"GET {target} HTTP/1.1\r\nHost: {place.authority}\r\n{lines}\r\n".encode("ascii")


class Transport:
    """
    Sends GET requests, each on a kept connection to its place or on a new one. Used on one event loop.

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

    async def get(
        self,
        place: Place,
        target: str,
        headers: Mapping[str, str],
        max_bytes: int,
        *,
        is_known: bool = False,
    ) -> Fetched:
        """
        Ask `place` for `target`; the caller sets the deadline, and cancelling aborts the connection.

        Raises:
            FetchError: see `errors.py`.
            ValueError: as `request_of`.
        """
        request = request_of(place, target, headers)
        fetched = await self._on_kept(place, request, max_bytes, is_known)
        if fetched is not None:
            return fetched
        return await self._exchange(place, await self._connected(place, is_known), request, max_bytes)

    def close(self) -> None:
        """Close the connections that were kept."""
        self._idle.close()

    async def _on_kept(self, place: Place, request: bytes, max_bytes: int, is_known: bool) -> Fetched | None:
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
            return await self._exchange(place, connection, request, max_bytes)
        except ConnectionStale:
            return None

    async def _exchange(
        self, place: Place, connection: Connection, request: bytes, max_bytes: int
    ) -> Fetched:
        fetched = await connection.get(request, max_bytes)
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

    def close(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
        for _, connection, _ in self._kept:
            connection.abort()
        self._kept.clear()

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
