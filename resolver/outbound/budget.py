"""
What strangers may be asked within a time: one host, one site, all of them. The clock is a parameter.

A site is what one victim may own: every host of a domain, and every host in one network. Without it, whoever
points `*.attacker.example` at a victim, or names `<random>.victim.example`, has as many host budgets as names.
"""

from collections.abc import Callable

import msgspec

from resolver.outbound.addresses import network_of
from resolver.outbound.errors import OutboundBudgetExceeded
from resolver.outbound.pacing import Pacer


class GuardLimits(msgspec.Struct, frozen=True, kw_only=True):
    """
    The caps of one guard; a server with several workers divides the rates and bursts by their number.

    Attributes:
        total_seconds: from waiting for a slot to the last byte.
        slot_seconds, name_seconds, connect_seconds: the wait for a slot (at most half of the above), the name
            lookup, and each attempt to connect, within that.
        max_head_bytes: status line and headers of the answer.
        max_answers: addresses of one name; more are refused, since each must be checked.
        concurrent, concurrent_per_host: fetches under way.
        rate_per_second, burst: fetches of all hosts.
        host_rate_per_second, host_burst: fetches of one host.
        site_rate_per_second, site_burst: fetches of the hosts of one domain, and of one network.
    """

    total_seconds: float = 5.0
    slot_seconds: float = 2.0
    name_seconds: float = 2.0
    connect_seconds: float = 2.0
    max_head_bytes: int = 16_384  # 16 KiB
    max_answers: int = 16
    concurrent_per_host: int = 2
    host_rate_per_second: float = 1.0
    host_burst: int = 5
    site_rate_per_second: float = 5.0
    site_burst: int = 20
    concurrent: int = 64
    rate_per_second: float = 50.0
    burst: int = 100

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

    def spend_on_host(self, host: str, *, is_known: bool = False) -> None:
        """
        Take a token of the host, of its domain and of all, before its name is looked up.

        All three or none, so that one busy host does not use up what others share.

        Raises:
            OutboundBudgetExceeded: one of them has none.
        """
        buckets = ((self._hosts, host), (self._domains, domain_of(host)), (self._all, ""))
        now = self._clock()
        _refuse_until(max(bucket.wait(key, now, is_known) for bucket, key in buckets))
        for bucket, key in buckets:
            bucket.take(key, now)

    def spend_on_address(self, address: str, *, is_known: bool = False) -> None:
        """
        Take a token of the network of `address` (/24, /48), before it is dialled or used again.

        Raises:
            OutboundBudgetExceeded: there is none.
        """
        network, now = network_of(address), self._clock()
        _refuse_until(self._networks.wait(network, now, is_known))
        self._networks.take(network, now)


class _Buckets:
    """The tokens of a key, and those that are reserved for what is known."""

    def __init__(self, rate_per_second: float, burst: float) -> None:
        self._ordinary = Pacer(rate_per_second=rate_per_second, burst=burst)
        self._reserved = Pacer(rate_per_second=rate_per_second * RESERVED, burst=max(1, burst * RESERVED))

    def wait(self, key: str, now: float, is_known: bool) -> float:
        ordinary = self._ordinary.wait(key, now)
        return min(ordinary, self._reserved.wait(key, now)) if is_known and ordinary > 0 else ordinary

    def take(self, key: str, now: float) -> None:
        """Take an ordinary token where there is one, else a reserved one."""
        pacer = self._reserved if self._ordinary.wait(key, now) > 0 else self._ordinary
        pacer.take(key, now)


def domain_of(host: str) -> str:
    """
    Return the part of a host name that one registrant has, roughly: the last two labels, or three.

    Three below a country's own `co`, `com`, `gov` and the like. Not the public suffix list: it changes weekly, and
    being wrong means only that strangers share a budget, as those of one network do.
    """
    labels = host.split(".")
    is_shared = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3:] if is_shared else labels[-2:])


def _refuse_until(seconds: float) -> None:
    if seconds > 0:
        raise OutboundBudgetExceeded(
            f"too many requests to origins; try again in {seconds:.0f} s", retry_after_seconds=seconds
        )
