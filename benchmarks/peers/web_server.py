"""
Our server where every name leads to one origin: `python -m benchmarks.peers.web_server PORT`.

Name lookup and dial are parameters of the guard, as in the tests: the name leads to a public address, which is
checked, and what is dialled is PORT on loopback. All between is the server as it is, by its settings.
"""

import socket
import sys

import server.app
from resolver.fetch import Guard
from resolver.transport import dial_tcp
from server.cli import main
from server.outbound import guard_of
from server.settings import Settings

PUBLIC = "93.184.216.34"


async def resolve_name(_host: str, _port: int) -> list[str]:
    return [PUBLIC]


async def dial(address: str, _port: int) -> socket.socket:
    assert address == PUBLIC
    return await dial_tcp("127.0.0.1", ORIGIN)


def mapped_guard(settings: Settings) -> Guard:
    return guard_of(settings, resolve_name=resolve_name, dial=dial)


if __name__ == "__main__":
    ORIGIN = int(sys.argv[1])
    server.app.guard_of = mapped_guard  # type: ignore[assignment]
    main(["serve"])
