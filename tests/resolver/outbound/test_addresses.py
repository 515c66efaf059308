"""Which addresses the guard dials: the IANA special-purpose registries, row by row, and the wrapped forms."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.outbound.addresses import METADATA, PRIVATE, network_of, refuse_address, refuse_private_address
from tests.vectors import vectors

BLOCKS = [ipaddress.ip_network(row["block"]) for row in vectors("iana-special-purpose")]
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # The one row that we dial, judged by the address in it.
# Not in those registries: multicast and the space that is not allocated (RFC 5771; RFC 4291, section 2.4).
MULTICAST = ipaddress.IPv4Network("224.0.0.0/4")
ALLOCATED = ipaddress.IPv6Network("2000::/3")
WRAPPED = sorted(
    {*(block[end] for block in BLOCKS if block.version == 4 for end in (0, -1)), IPv4Address("8.8.8.8")}
)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """The whole rule again, from the registries: what the guard's own tables are held to."""
    if isinstance(address, IPv6Address) and address in NAT64:
        return is_public(IPv4Address(address.packed[-4:]))
    outside = address in MULTICAST if address.version == 4 else address not in ALLOCATED
    return not outside and address not in METADATA and not any(address in block for block in BLOCKS)


def neighbours(block: ipaddress.IPv4Network | ipaddress.IPv6Network) -> list[str]:
    """Return the addresses just outside a block."""
    last = 2**block.max_prefixlen - 1
    beside = (int(block[0]) - 1, int(block[-1]) + 1)
    kind = type(block[0])
    return [str(kind(number)) for number in beside if 0 <= number <= last]


@pytest.mark.parametrize("block", [block for block in BLOCKS if block != NAT64], ids=str)
def test_the_first_and_the_last_address_of_every_special_purpose_block_are_refused(
    block: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> None:
    assert refuse_address(str(block[0])) is not None
    assert refuse_address(str(block[-1])) is not None


@pytest.mark.parametrize("block", [*BLOCKS, MULTICAST, ALLOCATED], ids=str)
def test_what_lies_just_outside_a_block_is_dialled_unless_another_row_has_it(
    block: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> None:
    for address in neighbours(block):
        assert (refuse_address(address) is None) == is_public(ip_address(address)), address


def test_the_neighbours_of_the_blocks_are_not_all_of_one_kind() -> None:
    verdicts = [refuse_address(address) is None for block in BLOCKS for address in neighbours(block)]

    assert min(verdicts.count(True), verdicts.count(False)) > 20


@given(st.ip_addresses())
def test_any_address_is_dialled_only_where_no_registry_has_it(address: IPv4Address | IPv6Address) -> None:
    assert (refuse_address(str(address)) is None) == is_public(address)


@given(st.integers(0, 0xFFFF_FFFF))
def test_an_address_with_another_in_it_is_dialled_only_as_nat64(number: int) -> None:
    embedded = IPv4Address(number)

    assert all(refuse_address(address) is not None for address in wrapped(embedded))
    assert refuse_address(f"64:ff9b::{embedded}") == refuse_address(str(embedded))


@pytest.mark.parametrize("embedded", WRAPPED, ids=str)
def test_both_ends_of_every_ipv4_block_are_refused_however_they_are_wrapped(embedded: IPv4Address) -> None:
    assert all(refuse_address(address) is not None for address in wrapped(embedded))
    assert (refuse_address(f"64:ff9b::{embedded}") is None) == is_public(embedded)


def wrapped(embedded: IPv4Address) -> list[str]:
    """Return IPv6 addresses in which `embedded` is hidden, in each way but NAT64 of the well-known prefix."""
    number = int(embedded)
    teredo_server, teredo_client = number << 64, number ^ 0xFFFF_FFFF
    numbers = {
        "mapped (RFC 4291, 2.5.5.2)": 0xFFFF << 32 | number,
        "compatible (RFC 4291, 2.5.5.1)": number,
        "translated (RFC 2765)": 0xFFFF << 48 | number,
        "6to4 (RFC 3056)": 0x2002 << 112 | number << 80,
        "Teredo server (RFC 4380)": 0x2001_0000 << 96 | teredo_server,
        "Teredo client": 0x2001_0000 << 96 | teredo_client,
        "NAT64 of local use (RFC 8215), /96": 0x0064_FF9B_0001 << 80 | number,
        "the same, /48 (RFC 6052, 2.2)": 0x0064_FF9B_0001 << 80
        | number >> 16 << 64
        | (number & 0xFFFF) << 40,
        "ISATAP on link local (RFC 5214)": 0xFE80 << 112 | 0x0000_5EFE << 32 | number,
    }
    return [str(IPv6Address(number)) for number in numbers.values()]


@pytest.mark.parametrize(
    "address", ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1", "fec0::1", "4000::1", "fe80::1%eth0"]
)
def test_multicast_unallocated_space_and_zones_are_refused(address: str) -> None:
    assert refuse_address(address) is not None


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "93.184.216.34",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2a00:1450::1",
        "2003::1",
    ],
)
def test_a_globally_reachable_address_is_dialled(address: str) -> None:
    assert refuse_address(address) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2130706433",
        "0x7f.1",
        "127.1",
        "0177.0.0.1",
        "8.8.8.8 ",
        "localhost",
        "2606:4700::1111%1",
        "8.8.8.8/32",
    ],
)
def test_what_is_not_a_plain_address_is_refused(text: str) -> None:
    assert refuse_address(text) is not None
    assert refuse_private_address(text) is not None


@pytest.mark.parametrize("block", PRIVATE, ids=str)
def test_a_private_address_is_dialled_only_for_a_host_that_may_have_one(
    block: ipaddress.IPv4Network | ipaddress.IPv6Network,
) -> None:
    for address in (str(block[0]), str(block[-1])):
        assert refuse_private_address(address) is None
        assert refuse_address(address) is not None
    for address in neighbours(block):
        assert refuse_private_address(address) == refuse_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "::1", "0.0.0.0", "169.254.169.254", "fe80::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1",
        "2002:a00:1::", "224.0.0.1", "255.255.255.255", *sorted(map(str, METADATA)),
    ],
)  # fmt: skip
def test_loopback_link_local_and_metadata_are_dialled_for_nobody(address: str) -> None:
    assert refuse_private_address(address) is not None
    assert refuse_address(address) is not None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("93.184.216.34", "93.184.216.0/24"),
        ("64:ff9b::93.184.216.34", "93.184.216.0/24"),
        ("2606:4700:4700::1111", "2606:4700:4700::/48"),
        ("2606:4700:4700:ffff::1", "2606:4700:4700::/48"),
    ],
)
def test_the_network_of_an_address_is_what_one_owner_has(address: str, network: str) -> None:
    assert network_of(address) == network
