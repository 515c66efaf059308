"""
One process, two listeners: binds them, starts the services, tells when it is ready, and drains on SIGTERM.

Stopping (SIGTERM or SIGINT):

1. readiness turns to "draining", and stays so for `drain_delay_seconds` while requests are still taken (a load
   balancer needs that long to look elsewhere);
2. no new connection is taken, those with a request in flight finish it, within `shutdown_timeout_seconds`;
3. background work ends, the database is closed with a last checkpoint.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from litestar.types import ASGIApp

from server.app import Services, open_services, operator_app, public_app
from server.limits import ClientAddresses
from server.protocol import ProtocolLimits, protocol_class
from server.settings import Settings, split_bind


class BindError(Exception):
    """A listener's address cannot be bound; the message names the setting."""


class _Listener(uvicorn.Server):
    """A uvicorn server that leaves the signals to us, and tells when it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: Settings, on_ready: Callable[[Services, str, str], None]) -> None:
    """
    Serve until a signal asks to stop; `on_ready` is told the services and the two bound addresses.

    Raises:
        BindError: an address is taken or not ours.
    """
    sockets = [_bind(settings.bind, "TOUCHSTONE_BIND")]
    try:
        sockets.append(_bind(settings.operator_bind, "TOUCHSTONE_OPERATOR_BIND"))
        async with open_services(settings) as services:
            await _serve(services, sockets, on_ready)
    finally:
        for bound in sockets:
            bound.close()


async def _serve(
    services: Services, sockets: list[socket.socket], on_ready: Callable[[Services, str, str], None]
) -> None:
    settings, stop = services.settings, asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    listeners = [_listener(public_app(services), settings), _listener(operator_app(services), settings)]
    running = [
        asyncio.create_task(listener.serve([bound]))
        for listener, bound in zip(listeners, sockets, strict=True)
    ]
    await asyncio.gather(*(listener.is_up.wait() for listener in listeners))
    services.health.is_started = True
    on_ready(services, _address(sockets[0]), _address(sockets[1]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping, *running], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    services.health.is_draining = True
    await asyncio.sleep(settings.drain_delay_seconds)
    for listener in listeners:
        listener.should_exit = True
    await asyncio.gather(*running)


def _listener(app: ASGIApp, settings: Settings) -> _Listener:
    limits = ProtocolLimits(
        head_timeout=settings.head_timeout_seconds,
        body_timeout=settings.body_timeout_seconds,
        max_connections_per_client=settings.max_connections_per_client,
        addresses=ClientAddresses(settings.trusted_proxies),
    )
    config = uvicorn.Config(
        app,
        http=protocol_class(limits),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=int(settings.shutdown_timeout_seconds),
    )
    return _Listener(config)


def _bind(bind: str, name: str) -> socket.socket:
    host, port = split_bind(bind)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise BindError(f"{name}={bind}: {error.strerror}; choose another address") from None
    return bound


def _address(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
