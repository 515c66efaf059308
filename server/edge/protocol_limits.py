"""
What the connections of one listener share: their limits, and how many connections each client holds.
"""

import ipaddress
from collections import Counter
from collections.abc import Callable

from server.edge.answers import ENCODED_CORS
from server.edge.callers import ClientAddresses, is_trusted
from server.edge.limits import TRUSTED_TIMES
from wire import Fault


class ProtocolLimits:
    """What the connections of one listener share; only the event loop's thread touches it."""

    def __init__(
        self,
        *,
        head_timeout: float,
        body_timeout: float,
        max_connections_per_client: int,
        addresses: ClientAddresses,
        base_url: str = "",
        is_public: bool = True,
        count: Callable[[str, str, int, Fault], None] = lambda *_: None,
    ) -> None:
        """`count` is told of every refusal, as `Telemetry.count`; `is_public`: whether they carry CORS headers."""
        self.head_timeout = head_timeout
        self.body_timeout = body_timeout
        self.max_connections_per_client = max_connections_per_client
        self.addresses = addresses
        self.base_url = base_url  # of the pages that explain a refusal
        self.common_headers = ENCODED_CORS if is_public else ENCODED_CORS[-1:]
        self.count = count
        self.connections: Counter[str] = Counter()
        self.refused = 0

    def enter(self, peer: str) -> str | None:
        """
        Count a connection of `peer`; return the client that it is counted for until `leave`.

        None: the peer may hold any number of connections.
        """
        if self._is_exempt(peer):
            return None
        client = self.addresses.caller(peer).account
        self.connections[client] += 1
        return client

    def is_over(self, client: str) -> bool:
        """Tell whether a client holds more connections than it may; one in a trusted network may hold more."""
        times = TRUSTED_TIMES if is_trusted(client) else 1
        return self.connections[client] > self.max_connections_per_client * times

    def leave(self, client: str) -> None:
        """A connection of the client has ended."""
        self.connections[client] -= 1
        if self.connections[client] <= 0:
            del self.connections[client]

    def _is_exempt(self, peer: str) -> bool:
        try:
            return ipaddress.ip_address(peer).is_loopback or self.addresses.is_proxy(peer)
        except ValueError:
            return False
