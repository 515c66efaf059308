"""
One GET over TLS to an address that the guard has checked: httpx over httpcore, with every cap on the bytes.

Loaded by `fetch.py` at the first fetch, so that `import resolver` pays for neither httpx nor httpcore.
Nothing is shared between fetches: each has a pool of one connection, without keep-alive, and no client, hence
no cookies, redirects, proxies or credentials to switch off (and no log line of httpx with the URL in it).
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

import httpcore
import httpx

from resolver.fetch_errors import (
    OriginMalformed,
    OriginTimedOut,
    OriginTooLarge,
    OriginUnreachable,
    OriginUntrusted,
)
from resolver.results import Fetched, FetchPlan

Dial = Callable[[str, int], Awaitable[httpcore.AsyncNetworkStream]]

READ_BYTES = 16_384  # per read: keeps one pass of the HTTP parser short
MAX_CHUNKS = 4_096  # pieces of a body; an origin that sends single bytes costs more to parse than to send
FRAMING_FACTOR = 2  # all bytes of an answer against the body's cap: what chunked framing may add


async def dial_tcp(address: str, port: int) -> httpcore.AsyncNetworkStream:
    """Connect to an IP address (never a name: nothing is looked up here)."""
    return await httpcore.AnyIOBackend().connect_tcp(address, port)


async def get(
    plan: FetchPlan,
    addresses: list[str],
    headers: Mapping[str, str],
    *,
    dial: Dial,
    connect_seconds: float,
    max_head_bytes: int,
    ssl_context: ssl.SSLContext,
) -> Fetched:
    """
    Ask for `plan` at the first of `addresses` that accepts a connection; the TLS server name is the host.

    Raises:
        FetchError: see `fetch_errors.py`; the caller sets the deadline of the whole.
    """
    backend = CheckedAddresses(plan, addresses, dial, connect_seconds, max_head_bytes)
    with _translated():
        async with CheckedTransport(backend, ssl_context) as transport:
            response = await transport.handle_async_request(_request(plan, headers))
            try:
                return await _read(response, plan.max_bytes)
            finally:
                await response.aclose()


def _request(plan: FetchPlan, headers: Mapping[str, str]) -> httpx.Request:
    # From the parts: parsing a string is where `https://a\@b` has become another host.
    url = httpx.URL(scheme="https", host=plan.host, port=plan.port, raw_path=plan.path.encode("ascii"))
    if url.host != plan.host or url.raw_path != plan.path.encode("ascii"):
        raise ValueError("the plan's host or path is not in its normal form")
    return httpx.Request("GET", url, headers=dict(headers))


async def _read(response: httpx.Response, max_bytes: int) -> Fetched:
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise OriginMalformed("the origin applied a content coding although none was asked for")
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise OriginTooLarge(f"the document has {length} bytes; the limit is {max_bytes}")
    chunks: list[bytes] = []
    total = 0
    async for chunk in response.aiter_raw():
        chunks.append(chunk)
        total += len(chunk)
        if total > max_bytes:
            raise OriginTooLarge(f"the document has more than {max_bytes} bytes")
        if len(chunks) > MAX_CHUNKS:
            raise OriginMalformed(f"the body came in more than {MAX_CHUNKS} pieces")
    return Fetched(status=response.status_code, headers=dict(response.headers), body=b"".join(chunks))


class CheckedTransport(httpx.AsyncBaseTransport):
    """httpx's transport over a pool of one connection, which only ever dials through `backend`."""

    def __init__(self, backend: "CheckedAddresses", ssl_context: ssl.SSLContext) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=1,
            max_keepalive_connections=0,
            http1=True,
            http2=False,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        response = await self._pool.handle_async_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
            )
        )
        return httpx.Response(response.status, headers=response.headers, stream=_Body(response))

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    """The body of an answer of httpcore, as httpx reads it."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


class CheckedAddresses(httpcore.AsyncNetworkBackend):
    """A network in which the plan's host has the addresses that were checked, and nothing else exists."""

    def __init__(
        self, plan: FetchPlan, addresses: list[str], dial: Dial, connect_seconds: float, max_head_bytes: int
    ) -> None:
        self._plan = plan
        self._addresses = addresses
        self._dial = dial
        self._connect_seconds = connect_seconds
        self._max_head_bytes = max_head_bytes

    async def connect_tcp(
        self, host: str, port: int, *_: object, **__: object
    ) -> httpcore.AsyncNetworkStream:
        if (host, port) != (self._plan.host, self._plan.port):
            raise ValueError("the connection asked for is not the plan's")
        for address in self._addresses[:-1]:
            try:
                return await self._connect(address, port)
            except (OriginUnreachable, OriginTimedOut):
                continue
        return await self._connect(self._addresses[-1], port)

    async def _connect(self, address: str, port: int) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(self._connect_seconds):
                stream = await self._dial(address, port)
        except TimeoutError:
            raise OriginTimedOut("the origin did not accept a connection in time") from None
        except (OSError, httpcore.ConnectError):
            raise OriginUnreachable("the origin does not accept connections") from None
        max_bytes = self._max_head_bytes + FRAMING_FACTOR * self._plan.max_bytes
        return _TcpStream(stream, self._max_head_bytes, max_bytes)


class _WrappedStream(httpcore.AsyncNetworkStream):
    """A stream handed through."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, max_head_bytes: int, max_bytes: int) -> None:
        self._stream = stream
        self._max_head_bytes = max_head_bytes
        self._max_bytes = max_bytes

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class _TcpStream(_WrappedStream):
    """The connection before TLS: nothing is read from it in the clear."""

    async def read(self, *_: object, **__: object) -> bytes:
        raise OriginMalformed("nothing is read without TLS")

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, *_: object, **__: object
    ) -> httpcore.AsyncNetworkStream:
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname)
        except httpcore.ConnectError as error:
            if isinstance(error.__cause__, ssl.SSLError):
                raise OriginUntrusted(f"TLS failed: {error.__cause__.reason or 'handshake'}") from None
            raise OriginUnreachable("the origin closed the connection during the TLS handshake") from None
        except BaseException:
            await self._stream.aclose()  # At our deadline httpcore does not know of the stream yet.
            raise
        return _TlsStream(stream, self._max_head_bytes, self._max_bytes)


class _TlsStream(_WrappedStream):
    """
    The connection inside TLS, its incoming bytes counted.

    The head must end within `max_head_bytes` (h11's own limit is 100 KiB and not ours to set), and all bytes,
    1xx answers and chunk framing among them, within `max_bytes`.
    """

    def __init__(self, stream: httpcore.AsyncNetworkStream, max_head_bytes: int, max_bytes: int) -> None:
        super().__init__(stream, max_head_bytes, max_bytes)
        self._head = b""
        self._in_head = True
        self._received = 0

    async def read(self, max_bytes: int, *_: object, **__: object) -> bytes:
        data = await self._stream.read(min(max_bytes, READ_BYTES))
        self._received += len(data)
        if self._received > self._max_bytes:
            raise OriginTooLarge("the origin sent more bytes than the document may have")
        if self._in_head:
            self._watch_head(data)
        return data

    def _watch_head(self, data: bytes) -> None:
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        self._in_head = end < 0
        if (len(self._head) if end < 0 else end) > self._max_head_bytes:
            raise OriginMalformed(f"the head of the answer is over {self._max_head_bytes} bytes")
        if not self._in_head:
            self._head = b""


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what httpcore raises into our own tree."""
    try:
        yield
    except httpcore.TimeoutException:
        raise OriginTimedOut("the origin did not answer in time") from None
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol):
        raise OriginMalformed("what the origin sent is not an HTTP/1.1 answer") from None
    except httpcore.NetworkError:
        raise OriginUnreachable("the connection to the origin broke") from None
