"""
Services that show their API key to the public listener, which are trusted callers. Service.

A key decides how much may be asked, and nothing of what is answered. So nobody is refused for one that is not good:
what is read here, anybody may read, and some clients send along what they have for another server. Who shows no
good key of a service is a stranger.

1. What has not the form of a key is passed over: a person's token, the password of another server.
2. A key that was looked up within `BELIEVED_SECONDS` is known.
3. Looking one up costs the client's address a token of computation, and without one it is not looked up. So a flood
   of made-up keys reads the database no faster than a stranger may have us compute something. A key that was good
   when it was last looked up costs nothing: nobody else has it, and strangers at the same address cannot keep it
   from being known.
4. Each is looked up once at a time, and a request waits for `WAIT_SECONDS` at most. Until the database answers, and
   while it is away, a key is what it was before: reads go on without a database.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from cachetools import LRUCache, TTLCache

from operators import Principal
from operators.actors.api_keys import ApiKey, parse_api_key
from server.edge.callers import Caller
from server.telemetry.counters import Telemetry
from storage import DatabaseUnavailable
from wire import Unauthenticated

# Seconds; with those for which `Principals` believes a key, a revoked one is a stranger's within a second.
BELIEVED_SECONDS = 0.4
WAIT_SECONDS = 0.5  # seconds; a look-up takes a few milliseconds
MAX_REMEMBERED = 10_000  # keys, good or not; about 300 bytes each
LOOK_UPS = ("good", "refused", "unpaid", "unavailable")  # what may become of one
_NOBODY = ""


class ServiceKeys:
    """
    Args:
        authenticate: returns the principal of an Authorization header, or raises `Unauthenticated`.
        wait_to_compute: takes a token of computation from an account; 0, or the seconds until it has one.
        timer: monotonic seconds.
    """

    def __init__(
        self,
        authenticate: Callable[[str], Awaitable[Principal]],
        wait_to_compute: Callable[[str], float],
        *,
        telemetry: Telemetry,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._authenticate = authenticate
        self._wait_to_compute = wait_to_compute
        self._telemetry = telemetry
        # By the digest of a key, the id of its service, or `_NOBODY`.
        self._believed: TTLCache[str, str] = TTLCache(MAX_REMEMBERED, BELIEVED_SECONDS, timer=timer)
        self._last_good: LRUCache[str, str] = LRUCache(MAX_REMEMBERED)
        self._looking: dict[str, asyncio.Task[None]] = {}

    async def caller(self, authorization: bytes, client: Caller) -> Caller:
        """Return for whom a request of `client` with this Authorization header is counted."""
        scheme, _, credentials = authorization.decode("latin-1").partition(" ")
        key = parse_api_key(credentials.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            return client
        service = self._believed.get(key.digest)
        if service is None:
            service = await self._found(key, client)
        return client if service == _NOBODY else client.as_service(service)

    async def _found(self, key: ApiKey, client: Caller) -> str:
        before = self._last_good.get(key.digest, _NOBODY)
        looking = self._looking.get(key.digest)
        if looking is None:
            if before == _NOBODY and self._wait_to_compute(client.account):
                self._telemetry.service_keys["unpaid"] += 1
                return _NOBODY
            looking = self._looking[key.digest] = asyncio.create_task(self._look_up(key))
        await asyncio.wait([looking], timeout=WAIT_SECONDS)
        if not looking.done():
            self._believed[key.digest] = before
        return self._believed.get(key.digest, before)

    async def _look_up(self, key: ApiKey) -> None:
        try:
            service, result = (await self._authenticate(f"Bearer {key.text}")).id, "good"
        except Unauthenticated:
            service, result = _NOBODY, "refused"
        except DatabaseUnavailable:
            service, result = self._last_good.get(key.digest, _NOBODY), "unavailable"
        finally:
            del self._looking[key.digest]
        self._telemetry.service_keys[result] += 1
        self._believed[key.digest] = service
        if service == _NOBODY:
            self._last_good.pop(key.digest, None)
        else:
            self._last_good[key.digest] = service
