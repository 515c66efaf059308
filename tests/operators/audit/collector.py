"""A collector of audit rows: a real HTTP server on loopback that does what a test tells it to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec

from operators.audit.views import AuditLine, read_line


class Received(msgspec.Struct, frozen=True):
    target: str
    headers: dict[str, str]
    lines: list[AuditLine]


Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


def status(code: int) -> Behaviour:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {code} Whatever\r\ncontent-length: 0\r\n\r\n".encode())

    return answer


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """It has the rows, and dies before it says so."""
    writer.close()


async def silent(_: asyncio.StreamWriter) -> None:
    """It never answers."""
    await asyncio.sleep(3_600)


class Collector:
    """`received` is what came, in order; `behaviours` are used one by one, and afterwards everything is taken."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.behaviours: list[Behaviour] = []
        self.url = ""

    @property
    def positions(self) -> list[int]:
        return [line.position for one in self.received for line in one.lines]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Yield its URL."""
        tasks: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await self._serve(reader, writer)
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/audit"
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
            except asyncio.IncompleteReadError:
                return
            request, *fields = head.strip().split("\r\n")
            method, target, _ = request.split(" ")
            assert method == "POST"
            headers = dict(field.lower().split(": ", 1) for field in fields)
            body = await reader.readexactly(int(headers["content-length"]))
            assert body.endswith(b"\n")
            self.received.append(Received(target, headers, [read_line(line) for line in body.splitlines()]))
            behaviour = self.behaviours.pop(0) if self.behaviours else status(200)
            await behaviour(writer)
            if writer.is_closing():
                return
            await writer.drain()
