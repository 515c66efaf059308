"""
Who asks: client addresses behind proxies, and callers that the operator trusts. Pure.

A client is its socket peer, unless the peer is a configured proxy: then the right-most address in
X-Forwarded-For that is not one (what stands left of it, anyone can write); some proxies put a port behind it. IPv6
clients are counted by /64.

What a caller spends is counted in an *account*. A stranger's has the name of its address. A trusted caller's begins
with a word that is in no address, so that neither can spend what is the other's: a client in a trusted network has
one of its own, and services have theirs for all addresses from which they show their API keys (`service_keys.py`).
"""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import msgspec

TRUSTED = "trusted "  # begins the names of trusted callers' accounts
MAX_REMEMBERED = 4_096  # peers; about 300 bytes each
# A port behind an IPv4 address, or behind an IPv6 address in brackets.
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?|(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}", re.ASCII)


class Caller(msgspec.Struct, frozen=True):
    """
    For whom a request is counted.

    Attributes:
        account: under which name.
        address: of the client: an IPv4 address, or the /64 of an IPv6 address.
        trusted_for: why it has the rates of trusted callers; "": it has not.
        principal: the id of the service whose API key it showed.
    """

    account: str
    address: str
    trusted_for: Literal["", "network", "key"] = ""
    principal: str | None = None

    def as_service(self, principal_id: str, account: str | None = None) -> "Caller":
        """Return the same client with the API key of a service; `account`: which it shares with others."""
        return Caller(TRUSTED + (account or principal_id), self.address, "key", principal_id)


def is_trusted(account: str) -> bool:
    """Tell whether an account has the rates of trusted callers."""
    return account.startswith(TRUSTED)


class ClientAddresses:
    """Finds the client of a request, trusting the configured proxies to name it, and nobody else."""

    def __init__(self, trusted_proxies: Sequence[str] = (), trusted_clients: Sequence[str] = ()) -> None:
        self._proxies = [ipaddress.ip_network(network) for network in trusted_proxies]
        self._trusted = [ipaddress.ip_network(network) for network in trusted_clients]
        # Most requests come from an address that was seen before: they cost what it takes to find it again.
        self._at = lru_cache(maxsize=MAX_REMEMBERED)(self._caller_at)

    def caller(self, peer: str, forwarded_for: Sequence[bytes] = ()) -> Caller:
        """
        Return the client behind `peer`.

        `forwarded_for` are the values of every X-Forwarded-For header, in order. An entry that is no address
        ends the walk: the client is then the proxy that passed it on.
        """
        if not self._proxies or not self.is_proxy(peer):
            return self._at(peer)
        hops = b",".join(forwarded_for).decode("latin-1").split(",") if forwarded_for else []
        client = peer
        for hop in reversed(hops):
            address = _address_or_none(_without_port(hop.strip()))
            if address is None:
                break
            client = str(address)
            if not self.is_proxy(client):
                break
        return self._at(client)

    def is_proxy(self, peer: str) -> bool:
        """Tell whether `peer` is a configured proxy."""
        address = _address_or_none(peer)
        return address is not None and any(address in network for network in self._proxies)

    def _caller_at(self, peer: str) -> Caller:
        address = _address_or_none(peer)
        if address is None:
            return Caller(peer, peer)
        key = str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)
        # A proxy stands for strangers wherever it does not say for whom it asks.
        if any(address in network for network in self._trusted) and not self.is_proxy(peer):
            return Caller(TRUSTED + key, key, "network")
        return Caller(key, key)


def _without_port(hop: str) -> str:
    found = _WITH_PORT.fullmatch(hop)
    return found[1] or found[2] if found else hop


def _address_or_none(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
