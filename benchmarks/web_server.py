"""
Our server, whose strangers are all on loopback: `python -m benchmarks.web_server ORIGIN_PORT`.

Every name has a public-looking address, which the guard checks; only what it dials then is another. Everything
else is as in production: names once per connection, pinning, TLS with names verified, budgets, caps.
"""

import asyncio
import socket
import sys
from collections.abc import Callable

import uvloop

from resolver.outbound.transport import dial_tcp
from server.node.memory import settle
from server.node.process import bind_sockets, serve
from server.settings import load_settings
from server.settings.outbound import guard_of

PUBLIC_ADDRESS = "93.184.215.14"


async def main(origin_port: int, on_ready: Callable[[], None]) -> None:
    """Serve with the settings of the environment until a signal."""

    async def resolve_name(_host: str, _port: int) -> list[str]:
        return [PUBLIC_ADDRESS]

    async def dial(_address: str, _port: int) -> socket.socket:
        return await dial_tcp("127.0.0.1", origin_port)

    settings = load_settings()
    guard = guard_of(settings, resolve_name=resolve_name, dial=dial)
    sockets = bind_sockets(settings)
    try:
        await serve(settings, sockets, on_ready, guard=guard)
    finally:
        await guard.aclose()
        sockets.close()


if __name__ == "__main__":
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    uvloop.run(main(int(sys.argv[1]), settle))
