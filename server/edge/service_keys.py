"""
Services that show their API key to the public listener, which are trusted callers. Service.

A key decides how much may be asked, and nothing of what is answered. So nobody is refused for one that is not good:
what is read here, anybody may read, and some clients send along what they have for another server. Who shows no
good key of a service is a stranger.

Whoever administers one issuer can make any number of services for it. So these have one account, that of the
issuer. A service has one of its own where only an administrator of everything can have made it.

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
from hashlib import sha256

import msgspec

from operators import EVERYTHING, Kind, Principal
from operators.actors.api_keys import parse_api_key
from operators.grants import Scope
from server.edge.callers import Caller
from server.telemetry.counters import Telemetry
from storage import DatabaseUnavailable
from wire import Refusal

# Seconds; with those for which `Principals` believes a key, a revoked one is a stranger's within a second.
BELIEVED_SECONDS = 0.4
WAIT_SECONDS = 0.5  # seconds; a look-up takes a few milliseconds
MAX_REMEMBERED = 10_000  # keys, good or not; about 300 bytes each
LOOK_UPS = ("good", "refused", "unpaid", "unavailable")  # what may become of one
_NOBODY = ""


class _Seen(msgspec.Struct, frozen=True):
    """Whose a key was when it was looked up: the id of a service, or `_NOBODY`; believed `until` (by the timer)."""

    service: str
    account: str
    until: float


_NEVER_SEEN = _Seen(_NOBODY, _NOBODY, 0.0)


class ServiceKeys:
    """
    Args:
        authenticate: returns the principal of an Authorization header, or refuses it.
        scopes_of: returns every scope in which a principal has, or had, a grant.
        wait_to_compute: takes a token of computation from an account; 0, or the seconds until it has one.
        timer: monotonic seconds.
    """

    def __init__(
        self,
        authenticate: Callable[[str], Awaitable[Principal]],
        wait_to_compute: Callable[[str], float],
        *,
        scopes_of: Callable[[str], Awaitable[frozenset[Scope]]],
        telemetry: Telemetry,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._authenticate = authenticate
        self._scopes_of = scopes_of
        self._wait_to_compute = wait_to_compute
        self._telemetry = telemetry
        self._timer = timer
        # By the digest of the header, those looked up last at the end: no key rests in memory.
        self._seen: dict[bytes, _Seen] = {}
        self._looking: dict[bytes, asyncio.Task[None]] = {}

    async def caller(self, authorization: bytes, client: Caller) -> Caller:
        """Return for whom a request of `client` with this Authorization header is counted."""
        digest = sha256(authorization).digest()
        seen = self._seen.get(digest, _NEVER_SEEN)
        if seen.until <= self._timer():
            if not _is_key(authorization):
                return client
            seen = await self._found(digest, authorization, client)
        return client if seen.service == _NOBODY else client.as_service(seen.service, seen.account)

    async def _found(self, digest: bytes, authorization: bytes, client: Caller) -> _Seen:
        before = self._seen.get(digest, _NEVER_SEEN)
        looking = self._looking.get(digest)
        if looking is None:
            if before.service == _NOBODY and self._wait_to_compute(client.account):
                self._telemetry.service_keys["unpaid"] += 1
                return _NEVER_SEEN
            looking = asyncio.create_task(self._look_up(digest, authorization.decode("latin-1")))
            self._looking[digest] = looking
        await asyncio.wait([looking], timeout=WAIT_SECONDS)
        if not looking.done():
            self._remember(digest, before.service, before.account)
        return self._seen.get(digest, before)

    async def _look_up(self, digest: bytes, authorization: str) -> None:
        service = account = _NOBODY
        result = "refused"
        try:
            principal = await self._authenticate(authorization)
            if principal.kind is Kind.SERVICE:
                account = _account_of(principal, await self._scopes_of(principal.id))
                service, result = principal.id, "good"
        except DatabaseUnavailable:
            before = self._seen.get(digest, _NEVER_SEEN)
            service, account, result = before.service, before.account, "unavailable"
        except Refusal:
            pass
        finally:
            del self._looking[digest]
        self._telemetry.service_keys[result] += 1
        self._remember(digest, service, account)

    def _remember(self, digest: bytes, service: str, account: str) -> None:
        self._seen.pop(digest, None)
        self._seen[digest] = _Seen(service, account, self._timer() + BELIEVED_SECONDS)
        if len(self._seen) > MAX_REMEMBERED:
            del self._seen[next(iter(self._seen))]


def _account_of(principal: Principal, scopes: frozenset[Scope]) -> str:
    """Return for whom a service's requests count; a grant that has ended tells as well who can have made it."""
    return principal.id if not scopes or EVERYTHING in scopes else str(min(scopes))


def _is_key(authorization: bytes) -> bool:
    scheme, _, credentials = authorization.decode("latin-1").partition(" ")
    return scheme.lower() == "bearer" and parse_api_key(credentials.strip()) is not None
