"""A resolver in a fake web, and the clock that both go by."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from resolver import FreshnessBounds, Resolver
from resolver.outbound.fetch import GuardLimits
from tests.simulator import Host, World

DID = "did:web:issuer.example"
PATH = "/.well-known/did.json"
KEY = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"
DOCUMENT = {"@context": ["https://www.w3.org/ns/did/v1.1"], "id": DID, "service": []}
FAST = GuardLimits(host_burst=1_000)
AT_ONCE = FreshnessBounds(revalidate_seconds=0)  # a stale document is asked for before it is served


class Clock:
    """Seconds since 1970; `now` is what passes, `set_by` what somebody set the clock by."""

    now = 1_000_000.0
    set_by = 0.0

    def __call__(self) -> float:
        return self.now + self.set_by

    def timer(self) -> float:
        return self.now


Scene = tuple[World, Host, Resolver, Clock]


@asynccontextmanager
async def web(limits: GuardLimits = FAST, **parameters: Any) -> AsyncIterator[Scene]:
    """Yield a world with one issuer, and a resolver in it; both go by a clock that the test sets."""
    clock = Clock()
    async with (
        World() as world,
        world.guard(limits, clock=clock) as guard,
        Resolver(fetcher=guard.fetch_stranger, clock=clock, timer=clock.timer, **parameters) as resolver,
    ):
        yield world, world.host("issuer.example"), resolver, clock
