"""
Requests to origins that the operator named: drivers, identity providers, collectors, peers. Service.

The other network of this room. An origin comes from the settings, never from input, so that http and private
addresses are allowed. Everything else holds as for strangers: deadline, caps, no redirects, no credentials.
"""

import asyncio
import re
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from resolver.outbound.errors import OriginTimedOut, UrlRefused
from resolver.outbound.names import LOOKUP_THREADS, ResolveName, SystemNames
from resolver.outbound.request import Place
from resolver.outbound.trust import trust_of
from resolver.outbound.turns import SlotCounts, Turns, share_of_client
from resolver.outbound.urls import DOT_SEGMENT, PATH_AND_QUERY
from resolver.results import Fetched

if TYPE_CHECKING:
    from resolver.outbound.transport import Dial, Transport

MAX_CONFIGURED_URL_CHARS = 32_768  # characters; a driver's URL has a DID in it, percent-encoded
MAX_HEAD_BYTES = 16_384  # 16 KiB, as of strangers
CONNECT_SECONDS = 2.0
CONCURRENT = 64  # fetches under way
SLOTS = SlotCounts(total=CONCURRENT, per_site=CONCURRENT, per_host=16, per_client=share_of_client(CONCURRENT))
WAIT_SECONDS = 5.0  # for a turn

_PORTS = {"http": 80, "https": 443}
# A name, an IPv4 address or an IPv6 one in brackets, in lower case: what is compared with what is sent.
_ORIGIN = re.compile(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?(?=[/?]|\Z)")


class ConfiguredFetch:
    """
    Fetches from the given origins and from no others. One per process; used on one event loop.

    Args:
        origins: `http(s)://host[:port][/path]`; a URL lies under one of them where scheme, host and port are
            equal and its path begins with the segments of `path`.
        contact: goes into the User-Agent.
        resolve_name, dial, ssl_context, clock: as of `Guard`.

    Raises:
        ValueError: an origin that is not of this form.
    """

    def __init__(
        self,
        origins: Iterable[str],
        *,
        contact: str = "",
        resolve_name: ResolveName | None = None,
        dial: "Dial | None" = None,
        ssl_context: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bases = tuple(_base(origin) for origin in origins)
        self._user_agent = f"touchstone-vc (+{contact})" if contact else "touchstone-vc"
        self._names = SystemNames(per_site=LOOKUP_THREADS)  # The operator's own sites.
        self._resolve_name = resolve_name or self._names.resolve_name
        self._dial = dial
        self._ssl_context = ssl_context
        self._clock = clock
        self._turns = Turns(SLOTS, wait_seconds=WAIT_SECONDS)
        self._transport: Transport | None = None

    async def fetch_configured(
        self, url: str, *, accept: str, max_bytes: int, timeout_seconds: float
    ) -> Fetched:
        """
        Fetch `url`, whatever its status; follows no redirect.

        Args:
            url: under one of the origins; path and query are sent as they are spelled.
            accept: the Accept header.
            max_bytes: cap of the body.
            timeout_seconds: from waiting for a turn to the last byte.

        Raises:
            UrlRefused: not under one of the origins, or not a URL that is sent as it is spelled.
            FetchError: see `errors.py`.
        """
        return await self._ask(url, {"accept": accept}, None, max_bytes, timeout_seconds)

    async def post_configured(
        self, url: str, body: bytes, *, headers: Mapping[str, str], max_bytes: int, timeout_seconds: float
    ) -> Fetched:
        """
        Send `body` to `url`, whatever the status of the answer; follows no redirect.

        At least once: where a kept connection ends without an answer, it is sent a second time.

        Args:
            headers: further ones, in lower case; a credential goes to the configured origin and nowhere else.
            url, max_bytes, timeout_seconds: as of `fetch_configured`.

        Raises:
            UrlRefused, FetchError: as `fetch_configured`.
            ValueError: a header would be another request on the wire.
        """
        return await self._ask(url, headers, body, max_bytes, timeout_seconds)

    async def _ask(
        self,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        max_bytes: int,
        timeout_seconds: float,
    ) -> Fetched:
        parts = self._allowed(url)
        place = Place(parts.scheme == "https", parts.host, parts.port)
        headers = {**headers, "accept-encoding": "identity", "user-agent": self._user_agent}
        until = asyncio.get_running_loop().time() + timeout_seconds
        try:
            async with asyncio.timeout_at(until), self._turns.hold(place.authority):
                transport = self._opened()
                return await transport.ask(place, parts.target, headers, max_bytes, until=until, body=body)
        except TimeoutError:
            raise OriginTimedOut(f"no answer within {timeout_seconds:g} s") from None

    async def aclose(self) -> None:
        """Close the connections that were kept, and take no more name lookups."""
        if self._transport is not None:
            self._transport.close()
            await asyncio.sleep(0)  # Connections that were aborted are gone with the next turn of the loop.
        self._names.close()

    def _opened(self) -> "Transport":
        from resolver.outbound.transport import Transport, dial_tcp

        if self._transport is None:
            self._transport = Transport(
                addresses_of=self._resolve_name,
                spend=_spend_nothing,
                dial=self._dial or dial_tcp,
                ssl_context=self._ssl_context or trust_of(),
                connect_seconds=CONNECT_SECONDS,
                max_head_bytes=MAX_HEAD_BYTES,
                clock=self._clock,
            )
        return self._transport

    def _allowed(self, url: str) -> "_Parts":
        parts = _parts(url)
        if not any(parts.lies_under(base) for base in self._bases):
            raise UrlRefused("the URL lies under none of the configured origins")
        return parts


async def _spend_nothing(_address: str, _is_known: bool) -> None:
    """Take no token: the operator's own origins have no budget."""


class _Parts(NamedTuple):
    """A URL, taken apart; `target` is path and query as they go on the wire."""

    scheme: str
    host: str
    port: int
    target: str

    def lies_under(self, base: "_Parts") -> bool:
        path = base.target.removesuffix("/")
        return self[:3] == base[:3] and (self.target + "/").startswith((path + "/", path + "?"))


def _parts(url: str) -> _Parts:
    if len(url) > MAX_CONFIGURED_URL_CHARS:
        raise UrlRefused(f"a URL may have {MAX_CONFIGURED_URL_CHARS} characters; this one has more")
    found = _ORIGIN.match(url)
    target = "" if found is None else url[found.end() :]
    if found is None or not PATH_AND_QUERY.fullmatch(target):
        raise UrlRefused("expected http(s)://<host>[:port]/<path>[?query], without user or fragment")
    if DOT_SEGMENT.search(target.partition("?")[0]):
        raise UrlRefused("the path has a dot segment")
    scheme, host, port = found.groups()
    target = target if target.startswith("/") else "/" + target
    return _Parts(scheme, host.strip("[]"), int(port or _PORTS[scheme]), target)


def _base(origin: str) -> _Parts:
    """
    Read a configured origin.

    Raises:
        UrlRefused: it is no origin, or has a query; also a ValueError.
    """
    base = _parts(origin)
    if "?" in base.target or base.port > 65_535:
        raise UrlRefused(f"expected http(s)://host[:port][/path], found {origin!r}")
    return base
