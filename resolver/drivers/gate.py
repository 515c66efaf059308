"""
The gate before one driver: how many requests it has under way, whose turn is next, when it is left alone. Service.
"""

import math
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

import msgspec

from resolver.drivers.answer import is_unavailable
from resolver.drivers.breaker import Breaker, BreakerState
from resolver.drivers.config import Driver
from resolver.errors import OriginFailed
from resolver.outbound.errors import FetchError, OriginTooLarge, OutboundBudgetExceeded, UrlRefused
from resolver.outbound.turns import SlotCounts, Turns
from resolver.results import Fetched
from resolver.sources.web import OutboundBusy


class DriverLeftAlone(OutboundBusy, fault="origin"):
    """The driver failed, and is not asked for a while."""


class FetchConfigured(Protocol):
    """Fetches from an origin that the operator named (`ConfiguredFetch.fetch_configured`)."""

    async def __call__(self, url: str, *, accept: str, max_bytes: int, timeout_seconds: float) -> Fetched:
        """
        Return what the origin answered, whatever its status.

        Raises:
            FetchError: nothing came back that can be used.
        """
        ...


class DriverState(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen of a driver from outside: its breaker, and counts since the start."""

    name: str
    breaker: BreakerState
    requests: int
    failures: int


class DriverGate:
    """
    Lets requests through to one driver.

    Args:
        driver: which.
        fetch: see `FetchConfigured`.
        timer: monotonic seconds.
    """

    def __init__(self, driver: Driver, fetch: FetchConfigured, timer: Callable[[], float]) -> None:
        self._driver = driver
        self._fetch = fetch
        self._breaker = Breaker(
            failures_to_open=driver.failures_to_open, open_seconds=driver.open_seconds, clock=timer
        )
        self._timer = timer
        slots = driver.concurrent
        # Half for one client: what a slow driver takes to answer one client is not what others wait.
        self._turns = Turns(
            SlotCounts(total=slots, per_site=slots, per_host=slots, per_client=max(1, slots // 2)),
            wait_seconds=driver.timeout_seconds,
        )
        self._requests = 0
        self._failures = 0

    @property
    def state(self) -> DriverState:
        return DriverState(
            name=self._driver.name,
            breaker=self._breaker.state,
            requests=self._requests,
            failures=self._failures,
        )

    async def ask(self, did: str, url: str) -> Fetched:
        """
        Return what the driver answered at `url`, which asks for `did`, whatever its status.

        Raises:
            OutboundBusy: it is not asked now: its breaker is open, or too many wait.
            OriginFailed: it did not answer; `cause` tells how.
        """
        async with self._slot():
            if (wait := self._breaker.admit(did)) > 0:
                raise self._left_alone(wait)
            self._requests += 1
            try:
                return await self._answered(did, url)
            finally:
                self._breaker.ended(did)

    async def _answered(self, did: str, url: str) -> Fetched:
        """Fetch, and tell the breaker what that says of the driver: nothing where it is about one DID."""
        began_at = self._timer()
        try:
            fetched = await self._fetch(
                url,
                accept=self._driver.accept,
                max_bytes=self._driver.max_bytes,
                timeout_seconds=self._driver.timeout_seconds,
            )
        except OutboundBudgetExceeded as error:
            raise OutboundBusy(error.detail, headers=error.headers, cause=error.cause) from None
        except (OriginTooLarge, UrlRefused) as error:
            raise self._unanswered(error.cause) from None
        except FetchError as error:
            self._breaker.failed(did, began_at)
            raise self._unanswered(error.cause) from None
        if is_unavailable(self._driver, fetched):
            self._breaker.failed(did, began_at)
            raise self._unanswered("driver_unavailable")
        self._breaker.succeeded(did)
        return fetched

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """
        Hold one of the driver's slots; clients take turns.

        Raises:
            OutboundBusy: the breaker is open, too many wait already, or the turn did not come for as long as a
                request may take (for a batch: as long as that lasts).
        """
        if self._breaker.state is BreakerState.OPEN:
            raise self._left_alone(self._driver.open_seconds)
        async with AsyncExitStack() as turn:
            try:
                await turn.enter_async_context(self._turns.hold(self._driver.name))
            except OutboundBudgetExceeded:
                raise self._busy("is busy", "driver_busy", self._driver.timeout_seconds) from None
            yield

    def _unanswered(self, cause: str) -> OriginFailed:
        self._failures += 1
        name = self._driver.name
        return OriginFailed(f"the driver {name} did not answer", cause=cause, driver=name)

    def _left_alone(self, wait: float) -> OutboundBusy:
        why = "is left alone for a while, since it failed"
        return self._busy(why, "driver_open", wait, kind=DriverLeftAlone)

    def _busy(
        self, why: str, cause: str, wait: float, *, kind: type[OutboundBusy] = OutboundBusy
    ) -> OutboundBusy:
        headers = {"retry-after": str(max(1, math.ceil(wait)))}
        name = self._driver.name
        return kind(f"the driver {name} {why}", headers=headers, cause=cause, driver=name)
