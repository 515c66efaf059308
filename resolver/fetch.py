"""
The guard between us and every stranger's web server: the only network of this room.

Each step of `Guard.fetch_stranger` refuses with an error of its own (`fetch_errors.py`). What decides is
here; `names.py` (one name lookup) and `transport.py` (one GET) do it. Both lookup and dial are parameters, so
that tests put a fake world behind the real guard.
"""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

import msgspec

from resolver.addresses import refuse_address
from resolver.fetch_errors import (
    AddressRefused,
    FetchError,
    OriginTimedOut,
    OriginUnreachable,
    OutboundBudgetExceeded,
)
from resolver.names import SystemNames
from resolver.pacing import Pacer
from resolver.results import Fetched, FetchPlan
from resolver.urls import plan_for_url

if TYPE_CHECKING:
    from resolver.transport import Dial

__all__ = ["DEFAULT_LIMITS", "Fetch", "Guard", "GuardLimits", "plan_for_url"]

Fetch = Callable[[FetchPlan, Mapping[str, str]], Awaitable[Fetched]]
ResolveName = Callable[[str, int], Awaitable[list[str]]]


class GuardLimits(msgspec.Struct, frozen=True, kw_only=True):
    """
    The caps of one guard; a server with several workers divides the last five by their number.

    Attributes:
        total_seconds: from the name lookup to the last byte.
        name_seconds, connect_seconds: the name lookup, and each attempt to connect, within that.
        max_head_bytes: status line and headers of the answer.
        max_answers: addresses of one name; more are refused, since each must be checked.
        concurrent, concurrent_per_host: fetches under way.
        rate_per_second, burst: fetches of all hosts.
        host_rate_per_second, host_burst: fetches of one host.
    """

    total_seconds: float = 5.0
    name_seconds: float = 2.0
    connect_seconds: float = 2.0
    max_head_bytes: int = 16_384  # 16 KiB
    max_answers: int = 16
    concurrent_per_host: int = 2
    host_rate_per_second: float = 1.0
    host_burst: int = 5
    concurrent: int = 64
    rate_per_second: float = 50.0
    burst: int = 100


DEFAULT_LIMITS = GuardLimits()


class Guard:
    """
    Fetches documents of strangers. One per process; used on one event loop.

    Args:
        limits: see `GuardLimits`.
        contact: URL or address that goes into the User-Agent, for the origin's operator.
        resolve_name: host and port to addresses; default: the system's resolver (`names.py`).
        dial: connects to an address that was checked; default: TCP.
        ssl_context: default: the system's trust store, TLS 1.2 or newer, names verified.
        clock: monotonic seconds.

    `outcomes` counts fetches by "ok" or the `cause` of their error, for metrics.
    """

    def __init__(
        self,
        *,
        limits: GuardLimits = DEFAULT_LIMITS,
        contact: str = "",
        resolve_name: ResolveName | None = None,
        dial: "Dial | None" = None,
        ssl_context: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.outcomes: Counter[str] = Counter()
        self._limits = limits
        self._user_agent = f"touchstone-vc (+{contact})" if contact else "touchstone-vc"
        self._names = SystemNames()  # Starts no thread before its first lookup.
        self._resolve_name = resolve_name or self._names.resolve_name
        self._dial = dial
        self._ssl_context = ssl_context
        self._clock = clock
        self._slots = _Slots(limits)
        self._pace = Pacer(rate_per_second=limits.rate_per_second, burst=limits.burst)
        self._host_pace = Pacer(rate_per_second=limits.host_rate_per_second, burst=limits.host_burst)

    async def fetch_stranger(self, plan: FetchPlan, headers: Mapping[str, str] = {}) -> Fetched:
        """
        Fetch the document of `plan`, whatever its status; follows no redirect and sends no credentials.

        1. Take a token of the host's bucket and one of all hosts', then a slot.
        2. Look the name up, once.
        3. Refuse unless every address is globally reachable unicast.
        4. Dial one of these addresses, TLS name = host; send; read up to the caps (`transport.py`).

        Steps 2 to 4 share one deadline.

        Args:
            headers: further request headers, such as If-None-Match.

        Raises:
            FetchError: see `fetch_errors.py`.
        """
        try:
            self._spend(plan.host)
            async with self._slots.hold(plan.host):
                fetched = await self._within_deadline(plan, headers)
        except FetchError as error:
            self.outcomes[error.cause] += 1
            raise
        self.outcomes["ok"] += 1
        return fetched

    async def aclose(self) -> None:
        """Take no more name lookups."""
        self._names.close()

    def _spend(self, host: str) -> None:
        """Take both tokens or neither, so that one busy host does not use up what all hosts share."""
        now = self._clock()
        seconds = max(self._host_pace.wait(host, now), self._pace.wait("", now))
        if seconds > 0:
            raise OutboundBudgetExceeded(
                f"too many requests to origins; try again in {seconds:.0f} s", retry_after_seconds=seconds
            )
        self._host_pace.take(host, now)
        self._pace.take("", now)

    async def _within_deadline(self, plan: FetchPlan, headers: Mapping[str, str]) -> Fetched:
        try:
            async with asyncio.timeout(self._limits.total_seconds):
                addresses = await self._addresses_of(plan)
                return await self._get(plan, addresses, headers)
        except TimeoutError:
            raise OriginTimedOut(f"no answer within {self._limits.total_seconds:g} s") from None

    async def _addresses_of(self, plan: FetchPlan) -> list[str]:
        try:
            async with asyncio.timeout(self._limits.name_seconds):
                addresses = await self._resolve_name(plan.host, plan.port)
        except TimeoutError:
            raise OriginTimedOut("the host name was not resolved in time") from None
        return checked_addresses(addresses, self._limits.max_answers)

    async def _get(self, plan: FetchPlan, addresses: list[str], headers: Mapping[str, str]) -> Fetched:
        from resolver import transport  # Loads httpx and httpcore: not before something is fetched.

        if self._ssl_context is None:
            self._ssl_context = default_ssl_context()
        return await transport.get(
            plan,
            addresses,
            self._headers_of(plan, headers),
            dial=self._dial or transport.dial_tcp,
            connect_seconds=self._limits.connect_seconds,
            max_head_bytes=self._limits.max_head_bytes,
            ssl_context=self._ssl_context,
        )

    def _headers_of(self, plan: FetchPlan, further: Mapping[str, str]) -> dict[str, str]:
        return {
            "accept": plan.accept,
            "accept-encoding": "identity",
            "user-agent": self._user_agent,
            "connection": "close",
            **further,
        }


def checked_addresses(addresses: list[str], max_answers: int) -> list[str]:
    """
    Return the addresses to dial: the first, and the first of the other family in case it does not answer.

    Raises:
        OriginUnreachable: there is no address.
        AddressRefused: one of the addresses, whichever, is not globally reachable; or too many to check.
    """
    if not addresses:
        raise OriginUnreachable("the host name has no address")
    if len(addresses) > max_answers:
        raise AddressRefused(f"the host name has more than {max_answers} addresses")
    if any(refuse_address(address) is not None for address in addresses):
        raise AddressRefused("the host name has an address that is not globally reachable")
    first = addresses[0]
    return [first, *(other for other in addresses if (":" in other) != (":" in first))][:2]


def default_ssl_context() -> ssl.SSLContext:
    """Return the system's trust store, with names verified and TLS 1.2 at least (NIST SP 800-52r2)."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Slots:
    """Who may have a fetch under way. A host's semaphore lives as long as somebody holds or awaits it."""

    def __init__(self, limits: GuardLimits) -> None:
        self._wait_seconds = limits.total_seconds
        self._all = asyncio.Semaphore(limits.concurrent)
        self._per_host = limits.concurrent_per_host
        self._hosts: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def hold(self, host: str) -> AsyncIterator[None]:
        """
        Hold a slot of the host's, then one of all hosts'.

        Raises:
            OutboundBudgetExceeded: none was free for as long as a fetch may take.
        """
        of_host = self._hosts.setdefault(host, asyncio.Semaphore(self._per_host))
        try:
            async with asyncio.timeout(self._wait_seconds) as waiting, of_host, self._all:
                waiting.reschedule(None)
                yield
        except TimeoutError:
            raise OutboundBudgetExceeded(
                "too many requests to origins are under way", retry_after_seconds=self._wait_seconds
            ) from None
