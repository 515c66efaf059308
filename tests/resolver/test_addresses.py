"""Which addresses the guard dials: the IANA special-purpose registries, row by row, and the wrapped forms."""

import ipaddress

import pytest

from resolver.addresses import refuse_address

# iana-ipv4-special-registry-1 and iana-ipv6-special-registry-1 (IANA, CC0), column "Address Block".
IANA_IPV4 = [
    "0.0.0.0/8",
    "0.0.0.0/32",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.0.0/29",
    "192.0.0.8/32",
    "192.0.0.9/32",
    "192.0.0.10/32",
    "192.0.0.170/32",
    "192.0.0.171/32",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "255.255.255.255/32",
]
IANA_IPV6 = [
    "::1/128",
    "::/128",
    "::ffff:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001::/32",
    "2001:1::1/128",
    "2001:1::2/128",
    "2001:1::3/128",
    "2001:2::/48",
    "2001:3::/32",
    "2001:4:112::/48",
    "2001:10::/28",
    "2001:20::/28",
    "2001:30::/28",
    "2001:db8::/32",
    "2002::/16",
    "2620:4f:8000::/48",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
]


@pytest.mark.parametrize("block", IANA_IPV4 + IANA_IPV6)
def test_both_ends_of_every_special_purpose_block_are_refused(block: str) -> None:
    network = ipaddress.ip_network(block)

    assert refuse_address(str(network[0])) is not None
    assert refuse_address(str(network[-1])) is not None


@pytest.mark.parametrize(
    "address",
    [
        "224.0.0.1",
        "239.255.255.255",
        "ff02::1",
        "ff0e::1",
        "fec0::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "2002:7f00:1::",
        "2002:808:808::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "64:ff9b:1::808:808",
        "4000::1",
        "fe80::1%eth0",
        "2606:4700::1111%1",
    ],
)
def test_an_address_outside_global_unicast_or_wrapping_another_is_refused(address: str) -> None:
    assert refuse_address(address) is not None


@pytest.mark.parametrize("embedded", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "224.0.0.1", "0.0.0.0"])
def test_a_nat64_address_is_judged_by_the_ipv4_address_in_it(embedded: str) -> None:
    assert refuse_address(f"64:ff9b::{embedded}") == refuse_address(embedded) is not None
    assert refuse_address("64:ff9b::8.8.8.8") is None


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "93.184.216.34",
        "223.255.255.255",
        "192.0.1.0",
        "172.32.0.1",
        "100.128.0.0",
        "2606:4700:4700::1111",
        "2a00:1450::1",
        "2003::1",
        "2001:200::1",
        "2620:4f:8001::1",
        "3ffe::1",
    ],
)
def test_a_globally_reachable_neighbour_of_a_special_block_is_dialled(address: str) -> None:
    assert refuse_address(address) is None


@pytest.mark.parametrize("text", ["", "2130706433", "0x7f.1", "127.1", "0177.0.0.1", "8.8.8.8 ", "localhost"])
def test_what_is_not_a_plain_address_is_refused(text: str) -> None:
    assert refuse_address(text) == "not an IP address"
