"""
Who asks, and how much they may: client addresses behind proxies, and token buckets by cost. Pure but for the
clock handed in.

A client is its socket peer, unless the peer is a configured proxy: then the right-most address in
X-Forwarded-For that is not one (what stands left of it, anyone can write); some proxies put a port behind it. IPv6
clients are counted by /64.
"""

import ipaddress
import math
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from enum import Enum
from functools import lru_cache
from typing import Protocol

import msgspec

from wire import Refusal

MAX_CLIENTS = 100_000  # clients remembered per cost; about 200 bytes each
# A port behind an IPv4 address, or behind an IPv6 address in brackets.
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?|(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}", re.ASCII)
BURST_SECONDS = 2.0  # seconds of the rate that a client may use at once; at least one request


class Cost(Enum):
    """What a request may cost us: bytes from memory, computation, or a request to a stranger."""

    __hash__ = object.__hash__  # Enum's own is written in Python, and every request looks up two of them.

    HOT = "hot"
    CPU = "cpu"
    OUTBOUND = "outbound"


class TooManyRequests(Refusal, type="/problems/too-many-requests", status=429):
    """The client used up its tokens for this kind of request; Retry-After says when one is back."""


def too_many(wait: float) -> TooManyRequests:
    """Return the refusal of a client that has to wait for `wait` seconds."""
    seconds = max(1, math.ceil(wait))
    return TooManyRequests(
        f"this client asks faster than it may; ask again in {seconds} s",
        headers={"retry-after": str(seconds)},
    )


class Allows(Protocol):
    """Takes a token for `client`; returns 0, or the seconds until there is one."""

    def __call__(self, client: str) -> float: ...


class _Bucket(msgspec.Struct):
    tokens: float
    at: float  # seconds of the monotonic clock when `tokens` was true


class TokenBuckets:
    """
    One bucket per client: `rate` tokens a second, up to two seconds' worth at once.

    The least recently seen client is forgotten first, which gives it a full bucket again: an attacker with
    100,000 addresses has that anyway.
    """

    def __init__(self, rate: float, clock: Callable[[], float], *, max_clients: int = MAX_CLIENTS) -> None:
        self._rate = rate
        self._burst = max(1.0, rate * BURST_SECONDS)
        self._clock = clock
        self._max_clients = max_clients
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, client: str, count: float = 1) -> float:
        """
        Take tokens of `client`, all or none; return 0, or the seconds until it has them.

        What costs more than a full bucket is had for a full one, and leaves a debt.
        """
        now = self._clock()
        bucket = self._buckets.get(client)
        if bucket is None:
            self._buckets[client] = _Bucket(self._burst - count, now)
            if len(self._buckets) > self._max_clients:
                self._buckets.popitem(last=False)
            return 0.0
        self._buckets.move_to_end(client)
        tokens = bucket.tokens + (now - bucket.at) * self._rate
        if tokens > self._burst:
            tokens = self._burst
        bucket.at = now
        needed = count if count < self._burst else self._burst
        if tokens < needed:
            bucket.tokens = tokens
            return (needed - tokens) / self._rate
        bucket.tokens = tokens - count
        return 0.0

    def owe(self, client: str, count: float = 1) -> None:
        """Take tokens of `client`, though it have none: a debt that it waits off before it has one again."""
        if self.take(client, count):
            self._buckets[client].tokens -= count


class ClientAccount:
    """What one client may spend on work whose amount is known late; see `statuslist.checking.account`."""

    def __init__(self, buckets: TokenBuckets, computing: TokenBuckets, client: str) -> None:
        self._buckets = buckets
        self._computing = computing
        self._client = client

    def pay(self, requests: int) -> None:
        """
        Take a token for each request, all or none.

        Raises:
            TooManyRequests: there are too few.
        """
        if wait := self._buckets.take(self._client, requests):
            raise too_many(wait)

    def owe(self, requests: int) -> None:
        """Take a token for each request, as a debt where there is none."""
        self._buckets.owe(self._client, requests)

    def compute(self, n_bytes: int) -> None:
        """
        Take a token of computation for each whole MiB, all or none.

        Raises:
            TooManyRequests: there are too few.
        """
        if (tokens := n_bytes >> 20) and (wait := self._computing.take(self._client, tokens)):
            raise too_many(wait)


class ClientAddresses:
    """Finds the client of a request, trusting the configured proxies and nobody else."""

    def __init__(self, trusted_proxies: Sequence[str]) -> None:
        self._trusted = [ipaddress.ip_network(network) for network in trusted_proxies]

    def client(self, peer: str, forwarded_for: Sequence[bytes]) -> str:
        """
        Return the key of the client behind `peer`: an IPv4 address, or the /64 of an IPv6 address.

        `forwarded_for` are the values of every X-Forwarded-For header, in order. An entry that is no address
        ends the walk: the client is then the proxy that passed it on.
        """
        if not self._trusted or not self.is_trusted(peer):
            return key_of(peer)
        hops = b",".join(forwarded_for).decode("latin-1").split(",") if forwarded_for else []
        client = peer
        for hop in reversed(hops):
            address = _address_or_none(_without_port(hop.strip()))
            if address is None:
                break
            client = str(address)
            if not self.is_trusted(client):
                break
        return key_of(client)

    def is_trusted(self, peer: str) -> bool:
        """Tell whether `peer` is a configured proxy."""
        address = _address_or_none(peer)
        return address is not None and any(address in network for network in self._trusted)


@lru_cache(maxsize=4_096)
def key_of(peer: str) -> str:
    """Return the name under which `peer` is counted: an IPv4 address itself, an IPv6 address by its /64."""
    address = _address_or_none(peer)
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address) if address is not None else peer


def _without_port(hop: str) -> str:
    found = _WITH_PORT.fullmatch(hop)
    return found[1] or found[2] if found else hop


def _address_or_none(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
