"""
A rival: uvicorn and ten lines of ASGI with one answer. `python -m benchmarks.bare_asgi FILE PORT`.

FILE holds a `Captured`. The settings of uvicorn are those of our server
(`server/node/process.py`); uvicorn adds Date, as it does for us.
"""

import sys
from pathlib import Path

import msgspec
import uvicorn
from litestar.types import ASGIApp, Receive, Scope, Send

from benchmarks.http import Captured


def serve(app: ASGIApp, port: int) -> None:
    """Serve `app` on a loopback port until a signal."""
    uvicorn.run(
        app,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
    )


def constant(captured: Captured) -> ASGIApp:
    """Return an application that gives the captured answer."""
    headers = [(name.encode(), value.encode()) for name, value in captured.headers]

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": captured.body, "more_body": False})

    return app


if __name__ == "__main__":
    serve(constant(msgspec.msgpack.decode(Path(sys.argv[1]).read_bytes(), type=Captured)), int(sys.argv[2]))
