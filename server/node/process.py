"""
One process: starts the services and the two listeners, tells when it is ready, and drains on SIGTERM.

This is what each worker does (`server.node.supervisor`); the background process of several workers does it without
listeners.

Stopping (SIGTERM or SIGINT):

1. readiness turns to "draining", and stays so for `Settings.drain_delay` while requests are still taken (a load
   balancer needs that long to look elsewhere);
2. no new connection is taken, those with a request in flight finish it, within `shutdown_timeout_seconds`;
3. background work ends, the database is closed with a last checkpoint.
"""

import asyncio
import contextlib
import ipaddress
import signal
import socket
from collections.abc import Callable, Iterator

import msgspec
import uvicorn

from resolver.outbound.fetch import Guard
from server.app import operator_app, public_app
from server.edge.front import Front
from server.edge.hot_protocol import hot_protocol_class
from server.edge.hot_reads import HotReads
from server.edge.protocol import BoundedProtocol, protocol_class
from server.edge.protocol_limits import ProtocolLimits
from server.services import Services, open_services
from server.settings import Settings, split_bind
from server.share import Share

REPLACE = signal.SIGUSR1  # "End, another takes your place": as SIGTERM without step 1.
_REMEDY = {
    "TOUCHSTONE_BIND": ". Set another address there, and in TOUCHSTONE_PUBLIC_URL the URL that leads to it",
    "TOUCHSTONE_OPERATOR_BIND": ". Set another address there",
}
KEEP_ALIVE_SECONDS = 75  # seconds; longer than balancers keep idle connections (60), so that they close first
BACKLOG = 2_048  # connections that wait to be accepted; uvicorn's own default


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


class Sockets(msgspec.Struct, frozen=True):
    """The sockets of the two listeners."""

    public: socket.socket
    operator: socket.socket

    def close(self) -> None:
        self.public.close()
        self.operator.close()


def bind_sockets(settings: Settings) -> Sockets:
    """
    Bind both listeners, which take no connection before `listen`.

    Raises:
        BindError: an address is taken or not ours.
    """
    public = _bind(settings.bind, "TOUCHSTONE_BIND")
    try:
        return Sockets(public, _bind(settings.operator_bind, "TOUCHSTONE_OPERATOR_BIND"))
    except BindError:
        public.close()
        raise


def listen(sockets: Sockets, settings: Settings) -> None:
    """
    Take connections on both, which wait until a process accepts them.

    Raises:
        BindError: another program, bound to the address at the same moment, listens already.
    """
    _listen(sockets.public, settings.bind, "TOUCHSTONE_BIND")
    _listen(sockets.operator, settings.operator_bind, "TOUCHSTONE_OPERATOR_BIND")


def url_of(bound: socket.socket) -> str:
    """Return the URL at which this machine reaches a listener."""
    host, port = bound.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    settings: Settings,
    sockets: Sockets,
    on_ready: Callable[[], None],
    share: Share | None = None,
    *,
    guard: Guard | None = None,
) -> None:
    """
    Do this process's share (None: everything) until a signal asks to stop; call `on_ready` once it is ready.

    `guard` fetches from strangers; None: the real one, within the limits of the settings.

    Raises:
        DatabaseUnavailable, SchemaMismatch, IdentityChanged: as `open_services`.
    """
    share = share or Share()
    async with open_services(share.of(settings), share, guard=guard) as services:
        stop = _Stop()
        if share.serves:
            await _answer(services, sockets, on_ready, stop)
        else:
            on_ready()
            await stop.asked.wait()


class _Stop:
    """
    Waits for a signal that asks to stop.

    Attributes:
        delays: whether a load balancer is to look elsewhere first; not where this process is replaced only.
    """

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.delays = True
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.asked.set)
        loop.add_signal_handler(REPLACE, self._replace)

    def _replace(self) -> None:
        self.delays = self.asked.is_set()
        self.asked.set()


async def _answer(services: Services, sockets: Sockets, on_ready: Callable[[], None], stop: _Stop) -> None:
    settings = services.settings
    listeners = {
        _listener(public_app(services), services, is_public=True): sockets.public,
        _listener(operator_app(services), services, is_public=False): sockets.operator,
    }
    running = [asyncio.create_task(listener.serve([bound])) for listener, bound in listeners.items()]
    await asyncio.gather(*(listener.is_up.wait() for listener in listeners))
    services.health.is_started = True
    on_ready()
    stopping = asyncio.create_task(stop.asked.wait())
    await asyncio.wait([stopping, *running], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if stop.delays:
        services.health.is_draining = True
        await asyncio.sleep(settings.drain_delay)
    for listener in listeners:
        listener.should_exit = True
    await asyncio.gather(*running)


def _listener(app: Front, services: Services, *, is_public: bool) -> _Listener:
    settings = services.settings
    limits = ProtocolLimits(
        head_timeout=settings.head_timeout_seconds,
        body_timeout=settings.body_timeout_seconds,
        max_connections_per_client=settings.max_connections_per_client,
        addresses=app.addresses,
        base_url=settings.public_url,
        is_public=is_public,
        count=services.telemetry.count,
    )
    config = uvicorn.Config(
        app,
        http=_protocol(limits, app.reads if settings.hot_protocol else None),
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.shutdown_timeout_seconds),
    )
    return _Listener(config)


def _protocol(limits: ProtocolLimits, reads: HotReads | None) -> type[BoundedProtocol]:
    return protocol_class(limits) if reads is None else hot_protocol_class(limits, reads)


def _bind(bind: str, name: str) -> socket.socket:
    host, port = split_bind(bind)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))  # On Linux this fails beside a socket that listens.
    except OSError as error:
        bound.close()
        raise _bind_error(bind, name, error) from None
    return bound


def _listen(bound: socket.socket, bind: str, name: str) -> None:
    try:
        bound.listen(BACKLOG)
    except OSError as error:
        raise _bind_error(bind, name, error) from None


def _bind_error(bind: str, name: str, error: OSError) -> BindError:
    return BindError(f"{name}={bind}: {error.strerror}{_REMEDY[name]}")
