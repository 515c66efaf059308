"""
The guard between us and every stranger's web server: with `configured.py` the only network of this room. Service.

Each step of `Guard.fetch_stranger` refuses with an error of its own (`errors.py`). What decides is here;
`turns.py` and `budget.py` (how often), `names.py` (one name lookup) and `transport.py` (one request) do it. Both
lookup and dial are parameters, so that tests put a fake world behind the real guard.
"""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from resolver.outbound.addresses import refuse_address, refuse_private_address
from resolver.outbound.budget import DEFAULT_LIMITS, Budget, GuardLimits
from resolver.outbound.configured import ConfiguredFetch
from resolver.outbound.errors import AddressRefused, FetchError, OriginTimedOut, OriginUnreachable
from resolver.outbound.names import ResolveName, SystemNames
from resolver.outbound.request import Place
from resolver.outbound.trust import trust_of
from resolver.outbound.turns import SlotCounts, Turns
from resolver.outbound.urls import plan_for_url
from resolver.results import Fetched, FetchPlan

if TYPE_CHECKING:
    from resolver.outbound.transport import Dial, Transport

__all__ = ["DEFAULT_LIMITS", "ConfiguredFetch", "Fetch", "Guard", "GuardLimits", "plan_for_url"]

Fetch = Callable[[FetchPlan, Mapping[str, str]], Awaitable[Fetched]]


class Guard:
    """
    Fetches documents of strangers, and sends them what they subscribed to. One per process; used on one event loop.

    Args:
        limits: see `GuardLimits`.
        contact: URL or address that goes into the User-Agent, for the origin's operator.
        resolve_name: host and port to addresses; default: the system's resolver (`names.py`).
        dial: connects to an address that was checked; default: TCP.
        ssl_context: default: the system's trust store, TLS 1.2 or newer, names verified (`trust.py`).
        dangerous_private_hosts: exact host names that may lead to private addresses. Whoever can name a DID
            can then make us send a GET to these hosts.
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
        dangerous_private_hosts: frozenset[str] = frozenset(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.outcomes: Counter[str] = Counter()
        self._limits = limits
        self._user_agent = f"touchstone-vc (+{contact})" if contact else "touchstone-vc"
        self._names = SystemNames()  # Starts no thread before its first lookup.
        self._resolve_name = resolve_name or self._names.resolve_name
        self._dial = dial
        self._ssl_context = ssl_context
        self._private_hosts = dangerous_private_hosts
        self._clock = clock
        self._budget = Budget(limits, clock)
        slots = SlotCounts(
            total=limits.concurrent,
            per_site=limits.concurrent_per_site,
            per_host=limits.concurrent_per_host,
            per_client=limits.concurrent_per_client,
        )
        self._turns = Turns(
            slots, wait_seconds=min(limits.turn_seconds, limits.total_seconds / 2), budget=self._budget
        )
        self._transport: Transport | None = None

    async def fetch_stranger(self, plan: FetchPlan, headers: Mapping[str, str] = {}) -> Fetched:
        """
        Fetch the document of `plan`, whatever its status; follows no redirect and sends no credentials.

        1. Wait for a turn: a token, and a slot, of the host, of its domain and of all, in turn with other clients.
        2. Look the name up, once; refuse unless every address is globally reachable unicast.
        3. Wait for a token of the network; dial one of these addresses, TLS name = host.
        4. Send; read up to the caps.

        All share one deadline. A connection kept from an earlier fetch of the same host stands in for step 2 and
        the dial, for up to a minute: it leads to an address that was checked.

        Args:
            headers: further request headers, such as If-None-Match.

        Raises:
            FetchError: see `errors.py`.
        """
        return await self._counted(plan, headers, None)

    async def post_stranger(self, plan: FetchPlan, body: bytes, headers: Mapping[str, str] = {}) -> Fetched:
        """
        Send `body` with POST to the place of `plan`, by the steps of `fetch_stranger`.

        At least once: where a kept connection ends without an answer, it is sent a second time.

        Args:
            headers: further ones, in lower case, such as Content-Type.

        Raises:
            FetchError: as `fetch_stranger`; whether the body was read is not known then.
            ValueError: a header would be another request on the wire.
        """
        return await self._counted(plan, headers, body)

    async def aclose(self) -> None:
        """Close the connections that were kept, and take no more name lookups."""
        if self._transport is not None:
            self._transport.close()
            await asyncio.sleep(0)  # Connections that were aborted are gone with the next turn of the loop.
        self._names.close()

    async def _counted(self, plan: FetchPlan, headers: Mapping[str, str], body: bytes | None) -> Fetched:
        try:
            fetched = await self._in_turn(plan, headers, body)
        except FetchError as error:
            self.outcomes[error.cause] += 1
            raise
        self.outcomes["ok"] += 1
        return fetched

    async def _in_turn(self, plan: FetchPlan, headers: Mapping[str, str], body: bytes | None) -> Fetched:
        total, began = self._limits.total_seconds, self._clock()
        async with self._turns.hold(plan.host, is_known=plan.is_known):
            waited = min(self._clock() - began, total / 2)
            try:
                return await self._opened().ask(
                    Place(True, plan.host, plan.port),
                    plan.path,
                    self._headers_of(plan, headers),
                    plan.max_bytes,
                    until=asyncio.get_running_loop().time() + total - waited,
                    is_known=plan.is_known,
                    body=body,
                )
            except TimeoutError:
                raise OriginTimedOut(f"no answer within {total:g} s") from None

    async def _spend_on_address(self, address: str, is_known: bool) -> None:
        """Wait for a token of the address's network."""
        patience = min(self._limits.turn_seconds, self._limits.total_seconds / 2) / 2
        wait = self._budget.reserve_address(address, is_known=is_known, patience_seconds=patience)
        if wait > 0:
            await asyncio.sleep(wait)

    async def _addresses_of(self, host: str, port: int) -> list[str]:
        try:
            async with asyncio.timeout(self._limits.name_seconds):
                addresses = await self._resolve_name(host, port)
        except TimeoutError:
            raise OriginTimedOut("the host name was not resolved in time") from None
        refuse = refuse_private_address if host in self._private_hosts else refuse_address
        return checked_addresses(addresses, self._limits.max_answers, refuse)

    def _opened(self) -> "Transport":
        if self._transport is None:
            self._transport = self._new_transport()
        return self._transport

    def _new_transport(self) -> "Transport":
        from resolver.outbound.transport import (
            Transport,  # Loads the parser of HTTP: not before something is fetched.
            dial_tcp,
        )

        return Transport(
            addresses_of=self._addresses_of,
            spend=self._spend_on_address,
            dial=self._dial or dial_tcp,
            ssl_context=self._ssl_context or trust_of(),
            connect_seconds=self._limits.connect_seconds,
            max_head_bytes=self._limits.max_head_bytes,
            clock=self._clock,
        )

    def _headers_of(self, plan: FetchPlan, further: Mapping[str, str]) -> dict[str, str]:
        return {
            "accept": plan.accept,
            "accept-encoding": "identity",
            "user-agent": self._user_agent,
            **further,
        }


def checked_addresses(
    addresses: list[str], max_answers: int, refuse: Callable[[str], str | None] = refuse_address
) -> list[str]:
    """
    Return the addresses to dial: the first, and the first of the other family in case it does not answer.

    Raises:
        OriginUnreachable: there is no address.
        AddressRefused: one of the addresses, whichever, is refused; or too many to check.
    """
    if not addresses:
        raise OriginUnreachable("the host name has no address")
    if len(addresses) > max_answers:
        raise AddressRefused(f"the host name has more than {max_answers} addresses")
    if any(refuse(address) is not None for address in addresses):
        raise AddressRefused("the host name has an address that is not globally reachable")
    first = addresses[0]
    return [first, *(other for other in addresses if (":" in other) != (":" in first))][:2]
