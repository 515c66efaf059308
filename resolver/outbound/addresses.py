"""
Which IP addresses a stranger's name may lead us to: globally reachable unicast, and nothing else. Pure.

The tables are the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890; as of 2025-04). We
refuse every block of theirs, also the few that are globally reachable: they are anycast services of the
nearest network (PCP, TURN, AMT, AS112), where no web origin lives. `ipaddress.is_global` does not do: on
CPython 3.11 it accepts multicast, NAT64, 6to4, fec0::/10, ::/96, 3fff::/20, 5f00::/16 and 192.88.99.0/24.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IPV4_SPECIAL = tuple(
    (IPv4Network(block), name)
    for block, name in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private use"),
        ("100.64.0.0/10", "shared address space"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link local"),
        ("172.16.0.0/12", "private use"),
        ("192.0.0.0/24", "IETF protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112"),
        ("192.52.193.0/24", "AMT"),
        ("192.88.99.0/24", "6to4 relay anycast"),
        ("192.168.0.0/16", "private use"),
        ("192.175.48.0/24", "AS112"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),  # Not in the registry: RFC 5771.
        ("240.0.0.0/4", "reserved"),  # 255.255.255.255 is in it.
    )
)

# RFC 4291, section 2.4 and the IANA registry of IPv6 address space: the only global unicast space in use.
GLOBAL_UNICAST = IPv6Network("2000::/3")

# What the IPv6 registry takes out of 2000::/3. The rest of it (::1, ::ffff:0:0/96, 64:ff9b:1::/48, 100::/64,
# 5f00::/16, fc00::/7, fe80::/10, ...), like ::/96 (IPv4-compatible), fec0::/10 and ff00::/8, lies outside.
IPV6_SPECIAL = tuple(
    (IPv6Network(block), name)
    for block, name in (
        ("2001::/23", "IETF protocol assignments"),  # Teredo, ORCHID, PCP, TURN, AMT and more are in it.
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "AS112"),
        ("3fff::/20", "documentation"),
    )
)

# RFC 6052, section 2.1. The one transition form that is dialled: behind DNS64, on a network without IPv4,
# every IPv4 host has such an address. It is judged by the IPv4 address in its last 32 bits.
NAT64 = IPv6Network("64:ff9b::/96")


# What a host that the operator names may lead to, beside the global space: RFC 1918, RFC 6598, RFC 4193.
PRIVATE = tuple(
    ip_network(block)
    for block in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
)

# Where clouds answer their own machines without a question, outside link local: they give out credentials.
METADATA = frozenset(
    ip_address(address)
    for address in (
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure; a public address, and private to each machine
        "192.0.0.192",  # Oracle
        "fd00:ec2::254",  # Amazon
        "fd20:ce::254",  # Google
    )
)


def refuse_address(text: str) -> str | None:
    """
    Return why we do not dial the address `text`, or None where we may.

    Addresses that wrap an IPv4 address (mapped, compatible, 6to4, Teredo, NAT64 of local use) are refused
    whatever they wrap: who has a public IPv4 address publishes that.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return "not an IP address"
    return _refuse(address)


def refuse_private_address(text: str) -> str | None:
    """
    Return why we do not dial `text` for a host that the operator lets lead to private addresses.

    Never loopback, link local or a metadata service: what answers there trusts whoever is on the machine.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return "not an IP address"
    if address in METADATA:
        return "metadata service"
    return None if any(address in block for block in PRIVATE) else _refuse(address)


@lru_cache(1_024)
def network_of(text: str) -> str:
    """Return the network that one owner of `text` has, roughly: /24, or /48; of NAT64 that of the IPv4 address."""
    address = ip_address(text)
    if isinstance(address, IPv6Address) and address in NAT64:
        address = _embedded(address)
    return str(ip_network((address, 24 if isinstance(address, IPv4Address) else 48), strict=False))


def _refuse(address: IPv4Address | IPv6Address) -> str | None:
    if address in METADATA:
        return "metadata service"
    if isinstance(address, IPv4Address):
        return _refuse_ipv4(address)
    if address in NAT64 and address.scope_id is None:
        return _refuse(_embedded(address))
    return _refuse_ipv6(address)


def _embedded(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFF_FFFF)


def _refuse_ipv4(address: IPv4Address) -> str | None:
    return next((name for block, name in IPV4_SPECIAL if address in block), None)


def _refuse_ipv6(address: IPv6Address) -> str | None:
    if address.scope_id is not None:
        return "an address with a zone"
    if address not in GLOBAL_UNICAST:
        return "not global unicast"
    return next((name for block, name in IPV6_SPECIAL if address in block), None)
