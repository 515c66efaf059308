"""
Token buckets that say when the next request to a host may go out. Pure: the time is a parameter.
"""

from collections.abc import Hashable


class Pacer:
    """
    One token bucket per key: `burst` requests at once, then `rate_per_second`.

    A bucket is one number, the time at which it would be full again (the generic cell rate algorithm, ITU-T
    I.371). A full bucket is the same as none, so full ones are dropped, and memory is bounded by the number
    of tokens taken within the last `burst / rate_per_second` seconds.
    """

    def __init__(self, *, rate_per_second: float, burst: float) -> None:
        self._interval = 1 / rate_per_second  # seconds for one token
        self._tolerance = (burst - 1) * self._interval  # seconds
        self._full_at: dict[Hashable, float] = {}
        self._sweep_above = 1_024  # buckets; doubled while more than half of them are in use

    def wait(self, key: Hashable, now: float) -> float:
        """Return the seconds until a token of `key` can be taken; 0.0: at once."""
        seconds = self._full_at.get(key, now) - now - self._tolerance
        # A millionth of a token is none: many additions of an interval come out a little over.
        return seconds if seconds > 1e-6 * self._interval else 0.0

    def take(self, key: Hashable, now: float) -> None:
        """Take a token of `key`; only where `wait` is 0.0."""
        self._full_at[key] = max(self._full_at.get(key, now), now) + self._interval
        if len(self._full_at) > self._sweep_above:
            self._sweep(now)

    def __len__(self) -> int:
        return len(self._full_at)

    def _sweep(self, now: float) -> None:
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        self._sweep_above = max(1_024, 2 * len(self._full_at))
