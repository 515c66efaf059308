"""
The server as a process of its own, in a fake web of the test: every name leads to one port on loopback.

    server.command = ("-m", "tests.server.served_world")

`FAKE_WEB_PORT` is the port; the authority of its certificate is a setting. All else is the real guard.
"""

import os
import socket
from functools import partial

import server.services
from resolver.outbound.transport import dial_tcp
from server.settings.outbound import guard_of

ADDRESS = "93.184.216.34"  # public-looking; nobody dials it


async def _resolve_name(_host: str, _port: int) -> list[str]:
    return [ADDRESS]


async def _dial(_address: str, _port: int) -> socket.socket:
    return await dial_tcp("127.0.0.1", int(os.environ["FAKE_WEB_PORT"]))


if __name__ == "__main__":
    from server.commands.cli import main

    server.services.guard_of = partial(guard_of, resolve_name=_resolve_name, dial=_dial)
    main()
