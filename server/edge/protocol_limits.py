"""
What the connections of one listener share: their limits, and how many connections each client holds.
"""

import ipaddress
from collections import Counter
from collections.abc import Callable

from server.edge.answers import ENCODED_CORS
from server.edge.limits import ClientAddresses
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

    def is_exempt(self, peer: str) -> bool:
        """Tell whether `peer` may hold any number of connections."""
        try:
            return ipaddress.ip_address(peer).is_loopback or self.addresses.is_trusted(peer)
        except ValueError:
            return False
