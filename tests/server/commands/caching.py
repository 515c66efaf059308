"""A cache over HTTP in front of a server, on a port of its own: an honest one, or one that never asks again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn

from tests.process import free_port


class Cached:
    """
    The application that stands before a server and keeps each list that it was asked for, as `max-age` allows.

    Attributes:
        obeys: whether a request with `Cache-Control: no-cache` is passed on.
        obeys_after: how many such requests are not passed on before it does obey; None: it never will.
    """

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self.url = url
        self.obeys = True
        self.obeys_after: int | None = None
        self._http = http
        self._kept: dict[str, httpx.Response] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        target = scope["path"] + "?" * bool(scope["query_string"]) + scope["query_string"].decode()
        asked = {name.decode(): value.decode() for name, value in scope["headers"]}
        kept = None if self._must_ask(asked, target) else self._kept.get(target)
        answer = kept or await self._ask(target, asked)
        headers = [(b"x-from-cache", b"0" if kept is None else b"1")] + [
            (name.lower(), value)
            for name, value in answer.headers.raw
            if name.lower() not in (b"date", b"content-encoding", b"content-length", b"connection")
        ]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": answer.content})

    def _must_ask(self, asked: dict[str, str], target: str) -> bool:
        if target.startswith("/status-lists/changes"):
            return True  # `max-age=1`, which is over
        if asked.get("cache-control") != "no-cache":
            return False
        if not self.obeys and self.obeys_after is not None:
            self.obeys_after -= 1
            self.obeys = self.obeys_after <= 0
        return self.obeys

    async def _ask(self, target: str, asked: dict[str, str]) -> httpx.Response:
        answer = await self._http.get(
            target, headers={"accept-encoding": asked.get("accept-encoding", "identity")}
        )
        self._kept[target] = answer
        return answer


@asynccontextmanager
async def caching(origin: str) -> AsyncIterator[Cached]:
    """Serve a cache before `origin`."""
    port = free_port()
    async with httpx.AsyncClient(base_url=origin) as http:
        cache = Cached(http, f"http://localhost:{port}")
        server = uvicorn.Server(uvicorn.Config(cache, port=port, log_level="warning", lifespan="off"))
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield cache
        finally:
            server.should_exit = True
            await serving
