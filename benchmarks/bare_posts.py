"""
A rival: uvicorn and an application that reads a body to its end, and gives one answer. `FILE PORT`, as `bare_asgi`.

GET gives the same, so that it can be waited for.
"""

import sys
from pathlib import Path

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from benchmarks.bare_asgi import serve
from benchmarks.http import Captured


def reading(captured: Captured) -> ASGIApp:
    """Return an application that reads the body, and gives the captured answer."""
    headers = [(name.encode(), value.encode()) for name, value in captured.headers]

    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")  # type: ignore[operator]
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": captured.body, "more_body": False})

    return app


if __name__ == "__main__":
    serve(reading(msgspec.msgpack.decode(Path(sys.argv[1]).read_bytes(), type=Captured)), int(sys.argv[2]))
