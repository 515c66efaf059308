"""
Our own load generator: a closed loop over keep-alive connections, on uvloop.

    python -m benchmarks.client PORT PATH SECONDS CONNECTIONS [AUTHORIZATION]

`@FILE` for PATH: a file of paths, one a line, that are asked for in turn; `+FILE`: of paths and bodies, to post;
`~PATH`: a path that is asked for as gzip.

It prints how many requests were answered, and reads no more of an answer than it must (status and length), so
that it does not run out of its core before the server does.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import cast

import uvloop

from benchmarks.http import ACCEPT
from wire.coding import GZIP


class Count:
    """How many answers came, and until when more are asked for (seconds of `time.perf_counter`)."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.answered = 0


class Connection(asyncio.Protocol):
    """Sends the request, waits for the whole answer, and begins again until the time is up."""

    def __init__(self, requests: Iterator[bytes], count: Count) -> None:
        self._requests = requests
        self._count = count
        self._received = b""
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports do not derive from asyncio's.
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        try:
            if not is_whole(self._received):
                return
        except ValueError as error:
            self.ended.set_exception(error)
            self._transport.close()
            return
        self._received = b""
        self._count.answered += 1
        if time.perf_counter() < self._count.until:
            self._transport.write(next(self._requests))
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.ended.done():
            return
        if exc is None and time.perf_counter() >= self._count.until:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(exc or ConnectionError("the server closed the connection"))


def is_whole(received: bytes) -> bool:
    """
    Tell whether an answer arrived to its end.

    Raises:
        ValueError: it is not a 200, or has no Content-Length.
    """
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    if not received.startswith(b"HTTP/1.1 200"):
        raise ValueError(f"expected 200, found {received[:32]!r}")
    at = received.index(b"content-length: ") + 16
    return len(received) >= end + 4 + int(received[at : received.index(b"\r", at)])


def _requests(port: int, path: str, authorization: str) -> Iterator[bytes]:
    head = f" HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: {ACCEPT}\r\n".encode()
    if authorization:
        head += f"Authorization: {authorization}\r\n".encode()
    if path.startswith("+"):
        for line in Path(path[1:]).read_bytes().splitlines():
            to, _, body = line.partition(b" ")
            typed = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            yield b"POST " + to + head + typed + body
        return
    if path.startswith("~"):
        path, head = path[1:], head + f"Accept-Encoding: {GZIP}\r\n".encode()
    for each in Path(path[1:]).read_text().split() if path.startswith("@") else [path]:
        yield b"GET " + each.encode() + head + b"\r\n"


async def load(port: int, path: str, seconds: float, connections: int, authorization: str = "") -> int:
    """Return how many requests were answered on all connections within `seconds`."""
    requests = cycle(list(_requests(port, path, authorization)))
    count = Count(time.perf_counter() + seconds)
    loop = asyncio.get_running_loop()
    opened = [
        await loop.create_connection(lambda: Connection(requests, count), "127.0.0.1", port)
        for _ in range(connections)
    ]
    await asyncio.gather(*(connection.ended for _, connection in opened))
    return count.answered


if __name__ == "__main__":
    _port, _path, _seconds, _connections, *_authorization = sys.argv[1:]
    print(uvloop.run(load(int(_port), _path, float(_seconds), int(_connections), *_authorization)))
