"""
How much a caller may ask: token buckets by cost. Pure but for the clock handed in.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum

import msgspec

from server.edge.callers import is_trusted
from wire import Refusal

MAX_CLIENTS = 100_000  # clients remembered per cost; about 220 bytes each
BURST_SECONDS = 2.0  # seconds of the rate that a client may use at once; at least one request
TRUSTED_TIMES = 10  # how often a trusted caller has what a stranger has, where nothing else is set


class Cost(Enum):
    """What a request may cost us: bytes from memory, computation, or a request to a stranger."""

    __hash__ = object.__hash__  # Enum's own is written in Python, and every request looks up two of them.

    HOT = "hot"
    CPU = "cpu"
    OUTBOUND = "outbound"


class TooManyRequests(Refusal, type="/problems/too-many-requests", status=429):
    """The client used up its tokens for this kind of request; Retry-After says when one is back."""


def too_many(wait: float) -> TooManyRequests:
    """Return the refusal of a client that has to wait for `wait` seconds."""
    seconds = max(1, math.ceil(wait))
    return TooManyRequests(
        f"this client asks faster than it may; ask again in {seconds} s",
        headers={"retry-after": str(seconds)},
    )


class _Bucket(msgspec.Struct):
    tokens: float
    at: float  # seconds of the monotonic clock when `tokens` was true
    rate: float  # tokens a second
    burst: float  # tokens of a full bucket


class TokenBuckets:
    """
    One bucket per account: `rate` tokens a second, up to two seconds' worth at once.

    Trusted callers have `trusted_rate` (None: `TRUSTED_TIMES` as much). They have a limit as well: a program that
    runs wild does no less harm for being trusted.

    The account used least recently is forgotten first, which gives it a full bucket again: an attacker with 100,000
    addresses has that anyway.
    """

    def __init__(
        self,
        rate: float,
        clock: Callable[[], float],
        *,
        trusted_rate: float | None = None,
        max_clients: int = MAX_CLIENTS,
    ) -> None:
        self._rate = rate
        self._trusted_rate = rate * TRUSTED_TIMES if trusted_rate is None else trusted_rate
        self._clock = clock
        self._max_clients = max_clients
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, account: str, count: float = 1) -> float:
        """
        Take tokens of `account`, all or none; return 0, or the seconds until it has them.

        What costs more than a full bucket is had for a full one, and leaves a debt.
        """
        now = self._clock()
        bucket = self._buckets.get(account)
        if bucket is None:
            bucket = self._new(account, now)
        else:
            self._buckets.move_to_end(account)
        burst = bucket.burst
        tokens = bucket.tokens + (now - bucket.at) * bucket.rate
        if tokens > burst:
            tokens = burst
        bucket.at = now
        needed = count if count < burst else burst
        if tokens < needed:
            bucket.tokens = tokens
            return (needed - tokens) / bucket.rate
        bucket.tokens = tokens - count
        return 0.0

    def owe(self, account: str, count: float = 1) -> None:
        """Take tokens of `account`, though it have none: a debt that it waits off before it has one again."""
        if self.take(account, count):
            self._buckets[account].tokens -= count

    def _new(self, account: str, now: float) -> _Bucket:
        rate = self._trusted_rate if is_trusted(account) else self._rate
        burst = max(1.0, rate * BURST_SECONDS)
        bucket = self._buckets[account] = _Bucket(burst, now, rate, burst)
        if len(self._buckets) > self._max_clients:
            self._buckets.popitem(last=False)
        return bucket


class ClientAccount:
    """What one client may spend on work whose amount is known late; see `statuslist.checking.account`."""

    def __init__(self, buckets: TokenBuckets, computing: TokenBuckets, account: str) -> None:
        self._buckets = buckets
        self._computing = computing
        self._account = account

    @property
    def client(self) -> str:
        """Whose it is."""
        return self._account

    def pay(self, requests: int) -> None:
        """
        Take a token for each request, all or none.

        Raises:
            TooManyRequests: there are too few.
        """
        if wait := self._buckets.take(self._account, requests):
            raise too_many(wait)

    def owe(self, requests: int) -> None:
        """Take a token for each request, as a debt where there is none."""
        self._buckets.owe(self._account, requests)

    def compute(self, n_bytes: int) -> None:
        """
        Take a token of computation for each whole MiB, all or none.

        Raises:
            TooManyRequests: there are too few.
        """
        if (tokens := n_bytes >> 20) and (wait := self._computing.take(self._account, tokens)):
            raise too_many(wait)

    def owe_computing(self, tokens: int) -> None:
        """Take tokens of computation, as a debt where there are none."""
        self._computing.owe(self._account, tokens)
