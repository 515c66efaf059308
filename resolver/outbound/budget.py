"""
What strangers may be asked within a time: one host, one site, all of them. Pure but for the clock handed in.

A site is what one victim may own: every host of a domain, and every host in one network. Without it, whoever
points `*.attacker.example` at a victim, or names `<random>.victim.example`, has as many host budgets as names.
"""

import math
from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache

import msgspec

from resolver.outbound.addresses import network_of
from resolver.outbound.errors import OutboundBudgetExceeded
from resolver.outbound.pacing import Pacer


class GuardLimits(msgspec.Struct, frozen=True, kw_only=True):
    """
    The caps of one guard; a server with several workers divides the rates and bursts by their number.

    Attributes:
        total_seconds: from waiting for a turn to the last byte; half of it is left for what follows the turn, even
            where the asker has more patience.
        turn_seconds, name_seconds, connect_seconds: the wait for a turn (at most half of the above), the name
            lookup, and each attempt to connect, within that.
        max_head_bytes: status line and headers of the answer.
        max_answers: addresses of one name; more are refused, since each must be checked.
        concurrent, concurrent_per_host, concurrent_per_client: fetches under way; in all, and of each.
        rate_per_second, burst: fetches of all hosts.
        host_rate_per_second, host_burst: fetches of one host.
        site_rate_per_second, site_burst: fetches of the hosts of one domain, and of one network.
    """

    total_seconds: float = 5.0
    turn_seconds: float = 2.5
    name_seconds: float = 2.0
    connect_seconds: float = 2.0
    max_head_bytes: int = 16_384  # 16 KiB
    max_answers: int = 16
    concurrent_per_host: int = 8
    host_rate_per_second: float = 20.0
    host_burst: int = 50
    site_rate_per_second: float = 40.0
    site_burst: int = 80
    concurrent: int = 64
    concurrent_per_client: int = 16
    rate_per_second: float = 200.0
    burst: int = 400

    @property
    def concurrent_per_site(self) -> int:
        """Fetches under way to the hosts of one domain: an eighth, lest a few slow domains stop the others."""
        return max(self.concurrent_per_host, self.concurrent // 8)


DEFAULT_LIMITS = GuardLimits()

# What countries register below, mostly: example.co.uk, example.com.br.
_SECOND_LEVEL = frozenset(
    ["ac", "co", "com", "edu", "go", "gob", "gouv", "gov", "gv", "mil", "ne", "net", "nom", "or", "org"]
)


RESERVED = 0.25  # of a rate and a burst, on top of them, for documents that we have had


class Budget:
    """
    Token buckets of hosts, of sites and of everything; used on one event loop.

    Names cost nothing: whoever asks for DIDs that do not exist empties the bucket of a host. So each has a small
    one beside it, for documents that we have had and ask for anew; these take from either.
    """

    def __init__(self, limits: GuardLimits, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._all = _Buckets(limits.rate_per_second, limits.burst)
        self._hosts = _Buckets(limits.host_rate_per_second, limits.host_burst)
        self._domains = _Buckets(limits.site_rate_per_second, limits.site_burst)
        self._networks = _Buckets(limits.site_rate_per_second, limits.site_burst)

    def waits(self, host: str, *, is_known: bool = False) -> Iterator[tuple[Hashable, float]]:
        """Yield the buckets of all, of the domain and of the host, and the seconds until each has a token."""
        now, domain = self._clock(), domain_of(host)
        of_all, of_domain, of_host = self.keys(host, is_known=is_known)
        yield of_all, self._all.wait("", now, is_known)
        yield of_domain, self._domains.wait(domain, now, is_known)
        yield of_host, self._hosts.wait(host, now, is_known)

    def take(self, host: str, *, is_known: bool = False) -> None:
        """Take a token of each of them, before the name is looked up; only where none has to be waited for."""
        now = self._clock()
        self._all.take("", now, is_known)
        self._domains.take(domain_of(host), now, is_known)
        self._hosts.take(host, now, is_known)

    @staticmethod
    def keys(host: str, *, is_known: bool) -> tuple[Hashable, Hashable, Hashable]:
        """Return what `waits` calls the buckets; those of what is known are others, since they last longer."""
        return (
            ("tokens", is_known),
            ("tokens of site", domain_of(host), is_known),
            ("tokens of host", host, is_known),
        )

    def reserve_address(self, address: str, *, is_known: bool = False, patience_seconds: float) -> float:
        """
        Take a token of the network of `address` (/24, /48); return the seconds until it may be used.

        Who may come to wait here has a slot, so that no client has many tokens before another.

        Raises:
            OutboundBudgetExceeded: that would be over `patience_seconds`.
        """
        network, now = network_of(address), self._clock()
        wait = self._networks.wait(network, now, is_known)
        if wait > patience_seconds:
            raise budget_exceeded(wait)
        self._networks.take(network, now, is_known)
        return wait


class _Buckets:
    """The tokens of a key, and those that are reserved for what is known."""

    def __init__(self, rate_per_second: float, burst: float) -> None:
        self._ordinary = Pacer(rate_per_second=rate_per_second, burst=burst)
        self._reserved = Pacer(rate_per_second=rate_per_second * RESERVED, burst=max(1, burst * RESERVED))

    def wait(self, key: str, now: float, is_known: bool) -> float:
        ordinary = self._ordinary.wait(key, now)
        return min(ordinary, self._reserved.wait(key, now)) if is_known and ordinary > 0 else ordinary

    def take(self, key: str, now: float, is_known: bool) -> None:
        """Take the token that is there first; where both have one, an ordinary one."""
        is_reserved = is_known and self._reserved.wait(key, now) < self._ordinary.wait(key, now)
        (self._reserved if is_reserved else self._ordinary).take(key, now)


@lru_cache(1_024)
def domain_of(host: str) -> str:
    """
    Return the part of a host name that one registrant has, roughly: the last two labels, or three.

    Three below a country's own `co`, `com`, `gov` and the like. Not the public suffix list: it changes weekly, and
    being wrong means only that strangers share a budget, as those of one network do.
    """
    labels = host.split(".")
    is_shared = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3:] if is_shared else labels[-2:])


def budget_exceeded(seconds: float) -> OutboundBudgetExceeded:
    """Return the refusal of who may ask again in `seconds`."""
    whole = max(1, math.ceil(seconds))
    return OutboundBudgetExceeded(
        f"too many requests to origins; try again in {whole} s", retry_after_seconds=seconds
    )
