"""
Fuzz targets for header values: Accept, what an origin says of freshness, X-Forwarded-For, If-None-Match.
"""

import ipaddress
import math
import re

from resolver.binding.forms import DEREFERENCING, DID_DOCUMENT, LEGACY, RESOLUTION
from resolver.sources.freshness import FreshnessBounds, cache_headers, entity_tag, lifetime
from server.edge.callers import ClientAddresses
from wire import MediaType, asks_for_no_cache, choose, matches_etag, parse_accept
from wire.negotiation import MAX_ACCEPT_CHARS

OFFERS = (
    RESOLUTION,
    DEREFERENCING,
    DID_DOCUMENT,
    MediaType("application/did+json"),
    MediaType("application/json"),
    MediaType("application/did+ld+json"),
    MediaType("application/ld+json"),
    LEGACY,
)
BOUNDS = FreshnessBounds()
_PROXIES = ClientAddresses(["10.0.0.0/8", "2001:db8::/32"])
_SIMPLE = re.compile(r" ?([a-z*]+/[a-z*+-]+)(?:;q=([01](?:\.[0-9]{1,3})?))? ?")


def accept(data: bytes) -> None:
    """
    The offer chosen is one that the header wants, and none is wanted more; of a plain header exactly the one that
    RFC 9110, section 12.5.1, gives. Case and the white space around commas change nothing.
    """
    header = data.decode("latin-1")
    ranges = parse_accept(header)
    chosen = choose(header, OFFERS)
    assert chosen is None or chosen in OFFERS
    assert all(0 <= q <= 1 and name.name == name.name.lower() for name, q in ranges)
    if len(header) > MAX_ACCEPT_CHARS:
        assert chosen is None and not ranges
        return
    assert ranges or chosen == OFFERS[0], "what cannot be read must want the first offer"
    if ranges and chosen is not None:
        assert any(q > 0 and _covers(wanted.name, chosen.name) for wanted, q in ranges), "nobody asked for it"
    spaced = header.replace(",", " , ")
    if '"' not in header and len(spaced) <= MAX_ACCEPT_CHARS:
        assert choose(spaced, OFFERS) == chosen, "white space matters"
    simple = [_SIMPLE.fullmatch(part) for part in header.split(",")]
    if all(simple):
        assert chosen == _by_the_book([(m[1], float(m[2] or 1)) for m in simple if m])


def _covers(wanted: str, offered: str) -> bool:
    return wanted in ("*/*", offered) or (wanted.endswith("/*") and offered.startswith(wanted[:-1]))


def _by_the_book(ranges: list[tuple[str, float]]) -> MediaType | None:
    """Choose among `OFFERS`, for ranges without parameters; of two that are alike the higher q counts."""

    def quality(offer: MediaType) -> tuple[float, int]:
        for specificity, name in ((3, offer.name), (2, offer.name.partition("/")[0] + "/*"), (1, "*/*")):
            found = [q for wanted, q in ranges if wanted == name]
            if found:
                return max(found), specificity
        return 0.0, 0

    best = max(OFFERS, key=quality)  # max takes the first of equals
    return best if quality(best)[0] > 0 else None


def freshness(data: bytes) -> None:
    """Whatever an origin says, a document is kept between the operator's bounds, and its tag can be sent back."""
    lines = [line.partition(b":") for line in data.split(b"\n")]
    headers = {name.decode("latin-1").strip().lower(): value.decode("latin-1") for name, _, value in lines}
    kept = cache_headers(headers, cache_headers(headers))
    for of in (headers, kept):
        seconds = lifetime(of, BOUNDS)
        assert math.isfinite(seconds) and BOUNDS.floor_seconds <= seconds <= BOUNDS.ceiling_seconds
    tag = entity_tag(headers)
    assert tag is None or (tag.isascii() and tag.isprintable() and len(tag) <= 260 and tag.endswith('"'))
    assert isinstance(asks_for_no_cache(headers.get("cache-control", "")), bool)
    assert (
        not matches_etag(headers.get("if-none-match", ""), '"x"')
        or "*" in data.decode("latin-1")
        or b'"x"' in data
    )


def forwarded(data: bytes) -> None:
    """The client behind a proxy is an address, and never one that only the client itself wrote."""
    values = data.split(b"\n")
    client = _PROXIES.caller("10.0.0.1", values).account
    network = ipaddress.ip_network(client)
    assert network.num_addresses in (1, 2**64)
    last = values[-1].decode("latin-1").rpartition(",")[2].strip()
    if re.fullmatch(r"[1-9]\d?(?:\.[1-9]\d?){3}", last, re.ASCII) and not last.startswith("10."):
        assert client == last, "not whom the proxy saw"
    assert _PROXIES.caller("192.0.2.1", values).account == "192.0.2.1", "a stranger was believed"
