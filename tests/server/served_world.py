"""
The server as a process of its own, in a fake web of the test: every name leads to one port on loopback.

    server.command = ("-m", "tests.server.served_world")

`FAKE_WEB_PORT` is the port, `FAKE_WEB_AUTHORITY` the file of the certificate authority. All else is the real guard.
"""

import os
import socket
import ssl

import server.app
from resolver.fetch import Guard, GuardLimits
from resolver.transport import dial_tcp
from server.settings import Settings

ADDRESS = "93.184.216.34"  # public-looking; nobody dials it


async def _resolve_name(_host: str, _port: int) -> list[str]:
    return [ADDRESS]


async def _dial(_address: str, _port: int) -> socket.socket:
    return await dial_tcp("127.0.0.1", int(os.environ["FAKE_WEB_PORT"]))


def _guard(settings: Settings) -> Guard:
    limits = GuardLimits(
        host_rate_per_second=settings.outbound_rate_per_host, host_burst=settings.outbound_burst_per_host
    )
    context = ssl.create_default_context(cafile=os.environ["FAKE_WEB_AUTHORITY"])
    return Guard(limits=limits, ssl_context=context, resolve_name=_resolve_name, dial=_dial)


if __name__ == "__main__":
    from server.cli import main

    server.app.guard_of = _guard
    main()
