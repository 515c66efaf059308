"""
The provider's keys, fetched from its JWK Set and kept. Service.

The set is asked for when a token needs it: none is known yet, the token names a key that is not in it, or it is
older than `REFRESH_SECONDS`. In between lies a minute at least, whatever comes, and however it went. Where the
provider is down, the keys go on that were known.
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable

from operators.sign_in.keys import LoadJwk, ProviderKey, read_keys
from wire import Refusal

# Returns the bytes of the JWK Set; raises Refusal where it was not had.
FetchKeys = Callable[[], Awaitable[bytes]]

LOG = logging.getLogger("touchstone.sign_in")

REFRESH_SECONDS = 600.0  # seconds; how long a key works at most that the provider took out of its set
APART_SECONDS = 60.0  # seconds between two requests to the provider


class ProviderAway(Refusal, type="/problems/identity-provider-away", status=503, fault="origin"):
    """
    The keys of the identity provider are not known, and it does not answer.

    Who signed in before goes on, and API keys work.
    """


class KeySet:
    """
    The keys of one provider; one per process, used on one event loop.

    Args:
        fetch: asks the provider.
        load: a JWK to its public key.
        timer: monotonic seconds.
    """

    def __init__(
        self, fetch: FetchKeys, load: LoadJwk, *, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch = fetch
        self._load = load
        self._timer = timer
        self._keys: dict[str, ProviderKey] = {}
        self._fetched_at = self._asked_at = -math.inf
        self._asking: asyncio.Task[None] | None = None

    async def find(self, key_id: str) -> ProviderKey | None:
        """
        Return the key that the provider calls `key_id`; None where it has none.

        A key that is known is not waited for, unless the set is old: tokens with made-up keys hold nobody up.

        Raises:
            ProviderAway: no key of the provider is known.
        """
        if self._is_wanted(key_id):
            self._asked_at = self._timer()
            self._asking = asyncio.create_task(self._refresh())
        if self._asking is not None and (self._is_old() or key_id not in self._keys):
            # Whoever asked first may hang up; the others wait for the same answer.
            await asyncio.shield(self._asking)
        if not self._keys:
            raise ProviderAway(
                "the keys of the identity provider cannot be had just now",
                headers={"retry-after": f"{APART_SECONDS:.0f}"},
            )
        return self._keys.get(key_id)

    async def aclose(self) -> None:
        """Wait no more for the provider."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    def _is_wanted(self, key_id: str) -> bool:
        is_needed = self._is_old() or key_id not in self._keys
        return is_needed and self._timer() - self._asked_at >= APART_SECONDS

    def _is_old(self) -> bool:
        return self._timer() - self._fetched_at >= REFRESH_SECONDS

    async def _refresh(self) -> None:
        try:
            keys = read_keys(await self._fetch(), self._load)
        except (Refusal, ValueError) as error:
            LOG.warning("the identity provider gave no keys: %s", error)
            return
        if not keys:
            LOG.warning("the identity provider's key set has no key that signs; those known before go on")
            return
        self._keys = keys
        self._fetched_at = self._timer()
